"""The live host as a source of evidence."""

import platform
import time
from collections.abc import Callable, Collection, Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from workbench.collect import inet_diag, procfs
from workbench.collect.descriptor_rows import RowOwners
from workbench.collect.namespaces import collect_namespaces
from workbench.collect.owners import OwnerReader
from workbench.collect.sequences import SequenceReader, SequenceTable
from workbench.collect.sock_diag import SockDiags
from workbench.collect.socket_table import SocketTable
from workbench.collect.sockets import SocketReader
from workbench.evidence import (
    BorrowedSocket,
    CriuTool,
    Descriptor,
    Evidence,
    Gap,
    Holder,
    ImageDirectory,
    NetworkNamespace,
    Process,
    UnfinishedOperation,
)

if TYPE_CHECKING:
    from workbench.collect.netfilter import RuleReader
    from workbench.collect.processes import ProcessReader

EVERY_SECOND = frozenset({"processes", "sockets", "sequences", "rules", "locks"})
"""Sections that cost a few milliseconds and change all the time."""
SECTIONS = EVERY_SECOND | {"host", "sysctls", "descriptors", "borrowed", "network", "conntrack", "images", "unfinished"}
"""All that can be asked for; ``namespaces`` come with every round."""
_LOOKS = 3
"""While locks are lifted meanwhile; what is seen then counts."""
_OF_NAMESPACES = frozenset({"sockets", "rules", "locks", "network", "conntrack", "sysctls"})


class LiveSource:
    """This host, again and again; one thread at a time (descriptors and caches are kept between rounds).

    What lies outside of collecting is given by whoever makes the source: which CRIU is there, which image
    directories and unfinished operations are known. Each of these is called in a round that asks for its section.
    """

    def __init__(
        self,
        sections: Collection[str] = SECTIONS,
        *,
        trees: Collection[int] = (),
        criu: Callable[[], CriuTool | None] = lambda: None,
        images: Callable[[], tuple[ImageDirectory, ...] | Gap] | None = None,
        unfinished: Callable[[], tuple[UnfinishedOperation, ...] | Gap] | None = None,
        details: Collection[int] = inet_diag.DETAILS,
        proc: Path = procfs.PROC,
    ) -> None:
        """``sections`` is what ``evidence()`` asks for; ``trees``: pids of whose process trees descriptors are read.

        ``details``: what is asked for of each socket beside what the kernel always tells.
        """
        self._sections = frozenset(sections)
        self._trees = tuple(trees)
        self._criu = criu
        self._images = images
        self._unfinished = unfinished
        self._proc = proc
        self._diags = SockDiags()
        self._sockets = SocketReader(self._diags, details)
        self._owners = OwnerReader(proc)
        self._sequences = SequenceReader()
        self._missing: set[int] | None = None

    # What reads the other sections is loaded when one is asked for: a list of sockets alone takes a twentieth less.

    @cached_property
    def _processes(self) -> "ProcessReader":
        from workbench.collect.processes import ProcessReader

        return ProcessReader(self._proc)

    @cached_property
    def _rules(self) -> "RuleReader":
        from workbench.collect.netfilter import RuleReader

        return RuleReader()

    @property
    def label(self) -> str:
        """The host's name."""
        return platform.node()

    @property
    def is_live(self) -> bool:
        return True

    def evidence(self, sections: Collection[str] | None = None, trees: Collection[int] | None = None) -> Evidence:
        """Look now at ``sections``; the others are gaps that nobody asked for."""
        asked = self._sections if sections is None else frozenset(sections)
        roots = self._trees if trees is None else tuple(trees)
        for _ in range(_LOOKS):
            found = self._look(asked, roots)
            if not self._was_lifted(found):
                break
        return found

    def _was_lifted(self, found: Evidence) -> bool:
        """Whether a lock is gone by now: the CRIU that had it may have ended before the processes were looked at."""
        if isinstance(found.locks, Gap) or not found.locks or isinstance(found.namespaces, Gap):
            return False
        _, locks, _ = self._rules.read(found.namespaces)
        return not isinstance(locks, Gap) and not {lock.identity for lock in found.locks} <= {
            lock.identity for lock in locks
        }

    def _look(self, asked: frozenset[str], roots: tuple[int, ...]) -> Evidence:
        found: dict[str, Any] = {"taken": time.time(), "monotonic_ns": time.monotonic_ns(), "sources": ("live",)}
        partial: list[Gap] = []

        def keep(section: str, result: tuple[Any, tuple[Gap, ...]]) -> None:
            found[section], gaps = result
            partial.extend(gaps)

        keep("namespaces", collect_namespaces(self._proc))
        namespaces: tuple[NetworkNamespace, ...] = ()
        if isinstance(unknown := found["namespaces"], Gap):
            found |= {name: Gap(name, unknown.reason, unknown.remedy) for name in asked & _OF_NAMESPACES}
            asked -= _OF_NAMESPACES
        else:
            namespaces = found["namespaces"]
        self._diags.drop_others(namespaces)
        if "sockets" in asked:
            keep("sockets", self._sockets.read(namespaces))
        rows: NDArray[Any] | Gap | None = None
        if "sequences" in asked:
            # After the sockets: one that was closed in between lacks an owner for good, a new one would for a round.
            rows = self._sequences.read_owned()
            found["sequences"] = rows if isinstance(rows, Gap) else self._sequences.table(rows)
        if "sockets" in asked:
            keep("sockets", self._with_holders(found["sockets"], rows))
        if asked & {"rules", "locks"}:
            found["rules"], locks, gaps = self._rules.read(namespaces)
            keep("locks", (locks, gaps))
        if asked & {"processes", "descriptors"}:
            found["processes"] = self._processes.read()
        if "descriptors" in asked and roots:
            keep("descriptors", self._read_descriptors(found["processes"], roots, namespaces))
            if "borrowed" in asked:
                keep("borrowed", _borrow(found["descriptors"], namespaces))
        if "network" in asked:
            from workbench.collect.network import collect_network

            keep("network", collect_network(namespaces))
        if "conntrack" in asked:
            from workbench.collect.conntrack import collect_conntrack

            keep("conntrack", collect_conntrack(namespaces))
        if "sysctls" in asked:
            from workbench.collect.sysctls import collect_sysctls

            keep("sysctls", collect_sysctls(namespaces, self._proc / "sys"))
        if "host" in asked:
            from workbench.collect.kernel import collect_host

            found["host"] = collect_host(self._criu(), self._proc)
        if "images" in asked and self._images:
            found["images"] = self._images()
        if "unfinished" in asked and self._unfinished:
            found["unfinished"] = self._unfinished()
        if isinstance(table := found.get("sequences"), SequenceTable):
            # Who turned repair mode on may have ended before the processes and the operations were looked at.
            self._sequences.settle(table)
        return Evidence(**found, partial=tuple(partial))

    def _with_holders(
        self, table: SocketTable | Gap, rows: NDArray[Any] | Gap | None
    ) -> tuple[SocketTable | Gap, tuple[Gap, ...]]:
        """Fill in who holds which socket, from ``rows`` where there are any, else from /proc."""
        if isinstance(table, Gap):
            return table, ()
        inodes = table.column("inode")
        ownerless: Collection[int] = ()
        holders: Mapping[int, tuple[Holder, ...]]
        if rows is None or isinstance(rows, Gap) or not self._sequences.pids_are_ours:
            holders = self._owners.find(inodes.tolist())
            ownerless = self._owners.ownerless
        else:
            # A socket that was closed between the two lists is missing once. One that stays without a row is held by
            # the kernel, or by a process whose descriptors the iterator does not show: one without any row.
            holders = RowOwners(rows, self._proc)
            missing = holders.missing(inodes)
            lasting = missing if self._missing is None else missing & self._missing
            self._missing = missing
            if lasting:
                holders.others = self._owners.find(lasting, holders.pids)
                ownerless = self._owners.ownerless
        table = table.with_holders(holders)
        if not (ownerless and self._owners.refused):
            return table, ()
        pids = ", ".join(map(str, self._owners.refused[:5])) + (", ..." if len(self._owners.refused) > 5 else "")
        sockets = "1 socket" if len(ownerless) == 1 else f"{len(ownerless)} sockets"
        reason = f"{sockets} without a known owner: open files of process {pids} may not be read"
        return table, (Gap("sockets", reason, "run as root with CAP_SYS_PTRACE"),)

    def _read_descriptors(
        self, processes: Mapping[int, Process] | Gap, roots: tuple[int, ...], namespaces: tuple[NetworkNamespace, ...]
    ) -> tuple[Any, tuple[Gap, ...]]:
        if isinstance(processes, Gap):
            return Gap("descriptors", processes.reason, processes.remedy), ()
        from workbench.collect.descriptors import Ends, collect_descriptors
        from workbench.collect.processes import tree
        from workbench.collect.unix_diag import collect_unix_peers

        peers, gaps = collect_unix_peers(self._diags, namespaces)
        ends = Ends(peers, self._owners.read_all(), self._owners.pipes())
        found, more = collect_descriptors(tree(processes, roots), ends, self._proc)
        return found, (*gaps, *more)

    def close(self) -> None:
        """Close netlink sockets and let BPF programs go."""
        self._diags.close()
        self._sequences.close()
        if "_rules" in vars(self):
            self._rules.close()


def _borrow(
    opened: tuple[Descriptor, ...] | Gap, namespaces: tuple[NetworkNamespace, ...]
) -> tuple[Mapping[int, BorrowedSocket] | Gap, tuple[Gap, ...]]:
    if isinstance(opened, Gap):
        return Gap("borrowed", opened.reason, opened.remedy), ()
    from workbench.collect.borrowed import collect_borrowed  # it brings the system calls of workbench.repair along

    return collect_borrowed(opened, namespaces)
