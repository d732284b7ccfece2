"""Changes of nftables rules as they are committed, and by whom.

nf_tables tells each change to the netlink group NFNLGRP_NFTABLES of its namespace, and at the end of a transaction
NEWGEN with the process that committed it (nf_tables_api.c: nf_tables_gen_notify, since Linux 4.16). iptables-nft is
seen too; iptables-legacy tells nobody. A socket must stay open in each namespace; it is closed as soon as nothing else
lives in there, since it would keep the namespace alive.
"""

import contextlib
import os
import socket
import struct
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from types import MappingProxyType

from workbench.collect import nfnetlink
from workbench.collect.kernel_parts import is_present
from workbench.collect.within import NamespaceEndedError, within
from workbench.evidence import Gap, NetworkNamespace
from workbench.evidence.event import Event, EventKind

_SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP_NFTABLES = 270, 1, 7
_SO_RCVBUFFORCE = 33
_RECEIVE_BYTES = 1 << 18
_BUFFER_BYTES = 1 << 22

# enum nf_tables_msg_types; the name of a table is attribute 1 of each (NFTA_*_TABLE, NFTA_TABLE_NAME)
_NEW_GENERATION = 15
_THINGS = {
    0: ("added", "table"), 2: ("deleted", "table"),
    3: ("added", "chain"), 5: ("deleted", "chain"),
    6: ("added", "rule"), 8: ("deleted", "rule"),
    9: ("added", "set"), 11: ("deleted", "set"),
    12: ("added", "element"), 14: ("deleted", "element"),
    18: ("added", "object"), 20: ("deleted", "object"),
    22: ("added", "flowtable"), 24: ("deleted", "flowtable"),
}  # fmt: skip
_GENERATION_PID, _GENERATION_COMMAND = 2, 3
_FAMILIES = {0: "", 1: "inet", 2: "ip", 3: "arp", 5: "netdev", 7: "bridge", 10: "ip6"}
_ELEMENTS = 3
"""NFTA_SET_ELEM_LIST_ELEMENTS."""


@dataclass
class _Watch:
    """One namespace's socket and what its transaction has told so far."""

    opened: socket.socket
    changes: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    """How many of which kind: ``(added, rule, inet filter)``."""
    empty_ns: int = field(default_factory=time.monotonic_ns)
    """When everything had been read for the last time: what is read next was committed later."""


class RuleChanges:
    """Sockets in all namespaces; one thread at a time."""

    def __init__(self, *, pids_are_ours: bool = True) -> None:
        self._watches: dict[int, _Watch] = {}
        self._refused: dict[int, Gap] = {}
        self._pids_are_ours = pids_are_ours

    def follow(self, namespaces: Iterable[NetworkNamespace]) -> None:
        """Watch exactly these from now on."""
        if not is_present("nf_tables", "nf_tables_getgen"):
            return  # opening the socket would load the module
        wanted = {namespace.inode: namespace for namespace in namespaces}
        for netns in [netns for netns in self._watches if netns not in wanted]:
            self._watches.pop(netns).opened.close()
        for netns in wanted.keys() - self._watches.keys() - self._refused.keys():
            try:
                self._watches[netns] = _Watch(within(wanted[netns], _join))
            except NamespaceEndedError:
                continue
            except OSError as error:
                self._refused[netns] = _gap(error, netns)

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """Namespaces whose changes are not told."""
        return tuple(self._refused.values())

    @property
    def descriptors(self) -> tuple[int, ...]:
        """To be polled; they change with ``follow``."""
        return tuple(watch.opened.fileno() for watch in self._watches.values())

    def read(self) -> Iterator[Event]:
        """What was committed since the last reading; the time is that of the reading, since the kernel tells none."""
        for netns, watch in self._watches.items():
            while True:
                asked_ns = time.monotonic_ns()
                try:
                    data = watch.opened.recv(_RECEIVE_BYTES)
                except BlockingIOError:
                    watch.empty_ns = asked_ns
                    break
                except OSError as error:  # ENOBUFS: the kernel had more to tell than fits into the socket
                    yield Event(time.monotonic_ns(), EventKind.LOSS, netns, lost=1, reason=_words(error))
                    continue
                for kind, _, body in nfnetlink.messages(data):
                    yield from self._take(netns, watch, kind, body)

    def close(self) -> None:
        for watch in self._watches.values():
            watch.opened.close()
        self._watches = {}

    def _take(self, netns: int, watch: _Watch, kind: int, body: bytes) -> Iterator[Event]:
        if kind >> 8 != nfnetlink.SUBSYSTEM_NFTABLES or len(body) < 4:
            return
        number, attributes = kind & 0xFF, dict(nfnetlink.attributes(body[4:]))
        if number == _NEW_GENERATION:
            yield self._committed(netns, watch, attributes)
            watch.changes = Counter()
        elif number in _THINGS:
            verb, thing = _THINGS[number]
            table = f"{_FAMILIES.get(body[0], str(body[0]))} {_text(attributes.get(1, b''))}".strip()
            amount = 1
            if thing == "element":
                amount = sum(1 for _ in nfnetlink.attributes(attributes.get(_ELEMENTS, b"")))
            watch.changes[verb, thing, table] += amount

    def _committed(self, netns: int, watch: _Watch, attributes: dict[int, bytes]) -> Event:
        pid = attributes.get(_GENERATION_PID)
        return Event(
            time.monotonic_ns(),
            EventKind.RULES,
            netns,
            pid=struct.unpack("!I", pid)[0] if pid and self._pids_are_ours else None,
            command=_text(attributes.get(_GENERATION_COMMAND, b"")),
            since_ns=watch.empty_ns,
            details=MappingProxyType(
                {f"{verb} {thing} in {table}" if thing != "table" else f"{verb} table {table}": amount
                 for (verb, thing, table), amount in watch.changes.items()}
            ),
        )  # fmt: skip


def _join() -> socket.socket:
    opened = nfnetlink.open_socket()
    try:
        with contextlib.suppress(OSError):
            opened.setsockopt(socket.SOL_SOCKET, _SO_RCVBUFFORCE, _BUFFER_BYTES)
        opened.bind((0, 0))  # without an address of its own, nothing is delivered to it
        opened.setsockopt(_SOL_NETLINK, _ADD_MEMBERSHIP, _GROUP_NFTABLES)
        opened.setblocking(False)
    except BaseException:
        opened.close()
        raise
    return opened


def _gap(error: OSError, netns: int) -> Gap:
    remedy = "run as root" if isinstance(error, PermissionError) else ""
    return Gap("events", f"changes of nftables rules are not told: {_words(error)}", remedy, netns)


def _words(error: OSError) -> str:
    return error.strerror or os.strerror(error.errno or 0)


def _text(data: bytes) -> str:
    return data.rstrip(b"\0").decode(errors="surrogateescape")
