"""The live host as a source of evidence."""

import platform
import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from workbench.collect.descriptors import Ends, collect_descriptors
from workbench.collect.kernel import collect_host
from workbench.collect.namespaces import collect_namespaces
from workbench.collect.netfilter import RuleReader
from workbench.collect.owners import OwnerReader
from workbench.collect.processes import ProcessReader, tree
from workbench.collect.sequences import SequenceReader
from workbench.collect.sock_diag import SockDiags
from workbench.collect.sockets import SocketReader
from workbench.collect.sysctls import collect_sysctls
from workbench.collect.unix_diag import collect_unix_peers
from workbench.evidence import (
    CriuTool,
    Evidence,
    Gap,
    ImageDirectory,
    NetworkNamespace,
    Process,
    UnfinishedOperation,
)

EVERY_SECOND = frozenset({"processes", "sockets", "sequences", "rules", "locks"})
"""Sections that cost a few milliseconds and change all the time."""
SECTIONS = EVERY_SECOND | {"host", "sysctls", "descriptors", "network", "conntrack", "images", "unfinished"}
"""All that can be asked for; ``namespaces`` come with every round."""


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
    ) -> None:
        """``sections`` is what ``evidence()`` asks for; ``trees``: pids of whose process trees descriptors are read."""
        self._sections = frozenset(sections)
        self._trees = tuple(trees)
        self._criu = criu
        self._images = images
        self._unfinished = unfinished
        self._diags = SockDiags()
        self._sockets = SocketReader(self._diags)
        self._owners = OwnerReader()
        self._processes = ProcessReader()
        self._sequences = SequenceReader()
        self._rules = RuleReader()

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
        found: dict[str, Any] = {"taken": time.time(), "monotonic_ns": time.monotonic_ns(), "sources": ("live",)}
        partial: list[Gap] = []
        found["namespaces"], gaps = collect_namespaces()
        partial += gaps
        namespaces: tuple[NetworkNamespace, ...] = () if isinstance(found["namespaces"], Gap) else found["namespaces"]
        self._diags.drop_others(namespaces)
        if "sockets" in asked:
            found["sockets"], gaps = self._read_sockets(namespaces)
            partial += gaps
        if "sequences" in asked:
            found["sequences"] = self._sequences.read()
        if asked & {"rules", "locks"}:
            found["rules"], found["locks"], gaps = self._rules.read(namespaces)
            partial += gaps
        if asked & {"processes", "descriptors"}:
            found["processes"] = self._processes.read()
        if "descriptors" in asked and roots:
            found["descriptors"], gaps = self._read_descriptors(found["processes"], roots, namespaces)
            partial += gaps
        if "sysctls" in asked:
            found["sysctls"], gaps = collect_sysctls(namespaces)
            partial += gaps
        if "host" in asked:
            found["host"] = collect_host(self._criu())
        if "images" in asked and self._images:
            found["images"] = self._images()
        if "unfinished" in asked and self._unfinished:
            found["unfinished"] = self._unfinished()
        return Evidence(**found, partial=tuple(partial))

    def _read_sockets(self, namespaces: tuple[NetworkNamespace, ...]) -> tuple[Any, tuple[Gap, ...]]:
        table, gaps = self._sockets.read(namespaces)
        if isinstance(table, Gap):
            return table, gaps
        holders = self._owners.read(table.column("inode").tolist())
        if self._owners.ownerless and (refused := self._owners.refused):
            listed = ", ".join(map(str, refused[:5])) + (", ..." if len(refused) > 5 else "")
            reason = (
                f"open files of {len(refused)} processes may not be read ({listed}): some sockets' owners are unknown"
            )
            gaps = (*gaps, Gap("sockets", reason, "run as root with CAP_SYS_PTRACE"))
        return table.with_holders(holders), gaps

    def _read_descriptors(
        self, processes: Mapping[int, Process] | Gap, roots: tuple[int, ...], namespaces: tuple[NetworkNamespace, ...]
    ) -> tuple[Any, tuple[Gap, ...]]:
        if isinstance(processes, Gap):
            return Gap("descriptors", processes.reason, processes.remedy), ()
        peers, gaps = collect_unix_peers(self._diags, namespaces)
        sockets = self._owners.read(peers.values())
        ends = Ends(peers, sockets, self._owners.pipes())
        found, more = collect_descriptors(tree(processes, roots), ends)
        return found, (*gaps, *more)

    def close(self) -> None:
        """Close netlink sockets and let BPF programs go."""
        self._diags.close()
        self._sequences.close()
        self._rules.close()
