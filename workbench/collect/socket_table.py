"""TCP sockets as the kernel listed them; each becomes a ``Socket`` when somebody looks at it."""

import socket
import struct
import sys
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import overload

import numpy as np
from numpy.typing import NDArray

from workbench.collect import inet_diag
from workbench.collect.coded import Coded, together
from workbench.collect.descriptor_rows import RowOwners
from workbench.collect.inet_diag import Block
from workbench.collect.sock_diag import HEADER
from workbench.collect.tcp_info import parse_tcp_info, parse_tcp_infos
from workbench.evidence import Endpoint, Holder, Socket, SocketMemory, SocketTimer, TcpInfo, TcpState
from workbench.evidence.columns import records
from workbench.evidence.socket_choice import Choice, SocketColumns

TIMERS = (SocketTimer.NONE, SocketTimer.RTO, SocketTimer.KEEPALIVE, SocketTimer.TIMEWAIT, SocketTimer.PROBE)
"""By ``idiag_timer``."""
STATES = {state.value: state for state in TcpState}
"""By ``idiag_state``."""
_LISTEN = TcpState.LISTEN.value
_MEMORY = struct.Struct("=9I")
_ULP_NAME = 1
_MD5_KEY = 100
"""Bytes of a ``struct tcp_diag_md5sig``: counted, never read, as it holds the key itself."""


class SocketTable(SocketColumns):
    """The kernel's answers as they are; each ``Socket`` is made when somebody looks at it, and kept.

    ``column`` gives one field of all sockets as an array, in the order of the table.
    """

    def __init__(
        self, parts: Sequence[tuple[int, Block]], holders: Mapping[int, tuple[Holder, ...]] | None = None
    ) -> None:
        """``parts``: (inode of the namespace, block); ``holders``: by inode of the socket."""
        self._parts = tuple(part for part in parts if len(part[1]))
        self._ends = list(accumulate(len(block) for _, block in self._parts))
        self._starts = np.array([0, *self._ends[:-1]], np.int64)
        self._holders = {} if holders is None else holders
        self._made: list[Socket | None] = [None] * len(self)

    def with_holders(self, holders: Mapping[int, tuple[Holder, ...]]) -> "SocketTable":
        return SocketTable(self._parts, holders)

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> Socket: ...
    @overload
    def __getitem__(self, index: slice) -> list[Socket]: ...
    def __getitem__(self, index: int | slice) -> Socket | list[Socket]:
        if isinstance(index, slice):
            return [self[each] for each in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(index)
        made = self._made[index]
        if made is None:
            part = int(np.searchsorted(self._starts, index, "right")) - 1
            netns, block = self._parts[part]
            made = self._made[index] = _socket(netns, block, index - int(self._starts[part]), self._holders)
        return made

    def __iter__(self) -> Iterator[Socket]:
        index = 0
        for netns, block in self._parts:
            known = self._made[index : index + len(block)]
            if not any(known):
                self._made[index : index + len(block)] = _sockets(netns, block, self._holders)
            for place in range(index, index + len(block)):
                yield self[place]
            index += len(block)

    def column(self, name: str) -> NDArray[np.generic]:
        """``netns``, ``family``, ``state``, ``timer``, ``retransmits``, ``local_port``, ``peer_port``, ``interface``,
        ``cookie``, ``timer_ms``, ``recv_q``, ``send_q``, ``uid`` or ``inode`` of every socket.

        ``local`` and ``peer`` are addresses, two words each (an IPv4 address is the upper half of the first one).
        """
        if not self._parts:
            return np.empty((0, 2) if name in {"local", "peer"} else 0, np.uint64)
        if name == "netns":
            return np.concatenate([np.full(len(block), netns, np.uint64) for netns, block in self._parts])
        return np.concatenate([block.column(name) for _, block in self._parts])

    def choose(self, choice: Choice) -> Iterator[Socket]:
        """Those that have it, in the order of the table."""
        fits = np.ones(len(self), np.bool_)
        named = {
            "state": choice.states, "netns": choice.netns, "cookie": choice.cookies,
            "local_port": choice.local_ports, "peer_port": choice.peer_ports,
        }  # fmt: skip
        for name, wanted in named.items():
            if wanted is not None:
                fits &= np.isin(self.column(name), np.array([*wanted], np.uint64))
        if choice.pids is not None:
            fits &= np.isin(self.column("inode"), np.array([*self._inodes_of(choice.pids)], np.uint64))
        if choice.retransmits:
            fits &= np.greater_equal(self.column("retransmits"), choice.retransmits)
        return (self[index] for index in np.flatnonzero(fits).tolist())

    def _inodes_of(self, pids: Collection[int]) -> set[int]:
        if isinstance(self._holders, RowOwners):
            return self._holders.inodes_of(pids)
        return {inode for inode, holders in self._holders.items() if any(each.pid in pids for each in holders)}

    def count_by_netns(self, state: TcpState) -> Mapping[int, int]:
        """How many are in this state, by network namespace."""
        found, numbers = np.unique(self.column("netns")[self.column("state") == state.value], return_counts=True)
        return dict(zip(found.tolist(), numbers.tolist(), strict=True))

    def coded(self, attribute: int) -> Coded:
        """One attribute of every socket (``inet_diag.SHOWN``) as bytes; None where it has none."""
        return together([block.coded(attribute) for _, block in self._parts])

    @property
    def holders(self) -> Mapping[int, tuple[Holder, ...]]:
        """By inode of the socket."""
        return self._holders

    def by_cookie(self, cookie: int) -> Socket | None:
        """The socket with this cookie: at most one on the whole host."""
        found = np.flatnonzero(self.column("cookie") == cookie)
        return self[int(found[0])] if len(found) else None

    def by_inode(self, inode: int) -> tuple[Socket, ...]:
        """Sockets behind one descriptor: one, or several where it is a multipath (MPTCP) socket."""
        return tuple(self[index] for index in np.flatnonzero(self.column("inode") == inode).tolist())


@lru_cache(maxsize=1 << 16)
def address_text(family: int, data: bytes) -> str:
    """16 bytes of an inet_diag message as an address."""
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, data[:4])
    return socket.inet_ntop(socket.AF_INET6, data)


def _socket(netns: int, block: Block, row: int, owners: Mapping[int, tuple[Holder, ...]]) -> Socket:
    message = block.message(row)
    (
        family, state, timer, retransmits, local_port, peer_port, local, peer, interface, cookie,
        expires, recv_q, send_q, uid, inode,
    ) = inet_diag.MESSAGE.unpack_from(message, HEADER.size)  # fmt: skip
    info, congestion, memory, shutdown, v6only, mark, ulp_info, keys = [
        place and message[place] for place in block.places
    ]
    ulp = ulp_of(ulp_info) if ulp_info else None
    return Socket(
        netns,
        family,
        STATES[state],
        Endpoint(address_text(family, local), socket.ntohs(local_port)),
        Endpoint(address_text(family, peer), socket.ntohs(peer_port)),
        inode,
        cookie,
        uid,
        recv_q,
        send_q,
        TIMERS[timer] if timer < len(TIMERS) else SocketTimer.NONE,
        expires,
        retransmits,
        owners.get(inode, ()) if inode else (),
        interface,
        int.from_bytes(mark, sys.byteorder) if mark else None,
        shutdown[0] if shutdown else None,
        name_of(congestion) if congestion else None,
        ulp == "mptcp",
        ulp,
        v6only[0] != 0 if v6only else None,
        # A listening socket's tcp_info holds its backlog in the fields of segments: it is in the queues already.
        parse_tcp_info(info) if info and state != _LISTEN else None,
        SocketMemory(*_MEMORY.unpack_from(memory)) if memory and len(memory) >= _MEMORY.size else None,
        len(keys) // _MD5_KEY if keys else 0,
    )


def _sockets(netns: int, block: Block, owners: Mapping[int, tuple[Holder, ...]]) -> list[Socket]:
    """All of a block, field by field: one by one takes four times as long."""
    count = len(block)

    def numbers(name: str) -> list[int]:
        found: list[int] = block.column(name).tolist()
        return found

    def of_each(attribute: int, read: Callable[[bytes], object], absent: object = None) -> list[object]:
        return [absent if each is None else read(each) for each in block.payloads(attribute)]

    family, state, inodes = numbers("family"), numbers("state"), numbers("inode")
    ulps = of_each(inet_diag.ULP_INFO, ulp_of)
    infos: list[TcpInfo | None] = [None] * count
    described = [place for place, each in enumerate(state) if each != _LISTEN]
    structures = block.payloads(inet_diag.INFO)
    parsed = parse_tcp_infos([each for place in described if (each := structures[place]) is not None])
    for place, info in zip(described, parsed, strict=False):
        infos[place] = info
    columns: dict[str, Sequence[object]] = {
        name: numbers(name) for name in ("cookie", "uid", "recv_q", "send_q", "timer_ms", "retransmits", "interface")
    }
    columns |= {
        "netns": [netns] * count,
        "family": family,
        "state": [STATES[each] for each in state],
        "local": _endpoints(block, "local", family),
        "peer": _endpoints(block, "peer", family),
        "inode": inodes,
        "timer": [TIMERS[each] if each < len(TIMERS) else SocketTimer.NONE for each in numbers("timer")],
        "holders": owners.each(inodes)
        if isinstance(owners, RowOwners)
        else [owners.get(each, ()) if each else () for each in inodes],
        "mark": of_each(inet_diag.MARK, lambda mark: int.from_bytes(mark, sys.byteorder)),
        "shutdown": of_each(inet_diag.SHUTDOWN, lambda shutdown: shutdown[0]),
        "congestion": of_each(inet_diag.CONG, name_of),
        "mptcp": [each == "mptcp" for each in ulps],
        "ulp": ulps,
        "v6only": of_each(inet_diag.SKV6ONLY, lambda v6only: v6only[0] != 0),
        "info": infos,
        "memory": of_each(inet_diag.SKMEMINFO, _memory),
        "md5_keys": of_each(inet_diag.MD5SIG, lambda keys: len(keys) // _MD5_KEY, 0),
    }
    return records(Socket, count, columns)


def _endpoints(block: Block, end: str, families: Sequence[int]) -> list[Endpoint]:
    addresses = map(address_text, families, block.sixteen(end))
    columns = {"address": [*addresses], "port": block.column(f"{end}_port").tolist()}
    return records(Endpoint, len(block), columns)


def _memory(payload: bytes) -> SocketMemory | None:
    return SocketMemory(*_MEMORY.unpack_from(payload)) if len(payload) >= _MEMORY.size else None


@lru_cache(maxsize=64)
def name_of(payload: bytes) -> str:
    """A name as attributes have it: ended by a zero byte."""
    return payload.split(b"\0", 1)[0].decode("ascii", "replace")


def ulp_of(payload: bytes) -> str | None:
    """Name in a nested ``INET_DIAG_ULP_INFO``: its first attribute is ``INET_ULP_INFO_NAME``."""
    if len(payload) < 4:
        return None
    length, kind = struct.unpack_from("=HH", payload)
    return name_of(payload[4:length]) if kind == _ULP_NAME else None
