"""TCP sockets as the kernel listed them; each becomes a ``Socket`` when somebody looks at it."""

import socket
import struct
import sys
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import overload

import numpy as np
from numpy.typing import NDArray

from workbench.collect import inet_diag
from workbench.collect.inet_diag import Block
from workbench.collect.sock_diag import HEADER
from workbench.collect.tcp_info import parse_tcp_info
from workbench.evidence import Endpoint, Holder, Socket, SocketMemory, SocketTimer, TcpState

_TIMERS = (SocketTimer.NONE, SocketTimer.RTO, SocketTimer.KEEPALIVE, SocketTimer.TIMEWAIT, SocketTimer.PROBE)
_STATES = {state.value: state for state in TcpState}
_MEMORY = struct.Struct("=9I")
_ULP_NAME = 1


class SocketTable(Sequence[Socket]):
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
        self._holders = holders or {}
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
            for row in range(len(block)):
                made = self._made[index]
                if made is None:
                    made = self._made[index] = _socket(netns, block, row, self._holders)
                yield made
                index += 1

    def column(self, name: str) -> NDArray[np.generic]:
        """``netns``, ``family``, ``state``, ``local_port``, ``peer_port``, ``interface``, ``cookie``, ``recv_q``,
        ``send_q``, ``uid`` or ``inode`` of every socket."""
        if not self._parts:
            return np.empty(0, np.uint64)
        if name == "netns":
            return np.concatenate([np.full(len(block), netns, np.uint64) for netns, block in self._parts])
        return np.concatenate([block.column(name) for _, block in self._parts])

    def by_cookie(self, cookie: int) -> Socket | None:
        """The socket with this cookie: at most one on the whole host."""
        found = np.flatnonzero(self.column("cookie") == cookie)
        return self[int(found[0])] if len(found) else None

    def by_inode(self, inode: int) -> tuple[Socket, ...]:
        """Sockets behind one descriptor: one, or several where it is a multipath (MPTCP) socket."""
        return tuple(self[index] for index in np.flatnonzero(self.column("inode") == inode).tolist())

    def held_by(self, pids: Collection[int]) -> tuple[Socket, ...]:
        """Sockets that at least one of these processes has open."""
        held = [inode for inode, holders in self._holders.items() if any(holder.pid in pids for holder in holders)]
        return tuple(self[index] for index in np.flatnonzero(np.isin(self.column("inode"), held)).tolist())


@lru_cache(maxsize=1 << 16)
def _address(family: int, data: bytes) -> str:
    if family == socket.AF_INET:
        return socket.inet_ntop(socket.AF_INET, data[:4])
    return socket.inet_ntop(socket.AF_INET6, data)


def _socket(netns: int, block: Block, row: int, owners: Mapping[int, tuple[Holder, ...]]) -> Socket:
    message = block.message(row)
    (
        family, state, timer, retransmits, local_port, peer_port, local, peer, interface, cookie,
        expires, recv_q, send_q, uid, inode,
    ) = inet_diag.MESSAGE.unpack_from(message, HEADER.size)  # fmt: skip
    found = block.attributes

    def payload(attribute: int) -> bytes | None:
        if attribute not in found:
            return None
        offset, length = found[attribute]
        return message[offset : offset + length]

    ulp = _ulp(payload(inet_diag.ULP_INFO))
    # A listening socket's tcp_info holds its backlog in the fields of segments: it is in the queues already.
    info = payload(inet_diag.INFO) if state != TcpState.LISTEN else None
    memory = payload(inet_diag.SKMEMINFO)
    v6only = payload(inet_diag.SKV6ONLY)
    return Socket(
        netns=netns,
        family=family,
        state=_STATES[state],
        local=Endpoint(_address(family, local), socket.ntohs(local_port)),
        peer=Endpoint(_address(family, peer), socket.ntohs(peer_port)),
        inode=inode,
        cookie=cookie,
        uid=uid,
        recv_q=recv_q,
        send_q=send_q,
        timer=_TIMERS[timer] if timer < len(_TIMERS) else SocketTimer.NONE,
        timer_ms=expires,
        retransmits=retransmits,
        holders=owners.get(inode, ()) if inode else (),
        interface=interface,
        mark=_unsigned(payload(inet_diag.MARK)),
        shutdown=_unsigned(payload(inet_diag.SHUTDOWN)),
        congestion=_name(payload(inet_diag.CONG)),
        mptcp=ulp == "mptcp",
        ulp=ulp,
        v6only=None if v6only is None else v6only[0] != 0,
        info=parse_tcp_info(info) if info else None,
        memory=SocketMemory(*_MEMORY.unpack_from(memory)) if memory and len(memory) >= _MEMORY.size else None,
    )


def _name(payload: bytes | None) -> str | None:
    return payload.split(b"\0", 1)[0].decode("ascii", "replace") if payload else None


def _unsigned(payload: bytes | None) -> int | None:
    return int.from_bytes(payload, sys.byteorder) if payload else None


def _ulp(payload: bytes | None) -> str | None:
    """Name in a nested ``INET_DIAG_ULP_INFO``: its first attribute is ``INET_ULP_INFO_NAME``."""
    if not payload or len(payload) < 4:
        return None
    length, kind = struct.unpack_from("=HH", payload)
    return _name(payload[4:length]) if kind == _ULP_NAME else None
