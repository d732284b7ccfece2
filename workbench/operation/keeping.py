"""Peers of locked connections kept waiting: answers sent while the lock stands, and a kick when it is lifted."""

import contextlib
import ctypes
import os
import select
import socket
import struct
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from enum import StrEnum

from workbench.collect.namespaces import inside
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, NetworkNamespace
from workbench.evidence.sequences import distance
from workbench.repair.constants import MARK
from workbench.repair.keeper import Held, Keeper
from workbench.repair.segment import RST, RawSender, Segment, parse

KICKS = 5
KICK_EVERY_S = 0.1
TELL_EVERY_S = 1.0
_ETH_P_ALL = 3
_OUTGOING = 4  # PACKET_OUTGOING (linux/if_packet.h)
_HOST = 0
_SO_ATTACH_FILTER = 26
_RECEIVE_BYTES = 1 << 17
_MOST_PORTS = 60
_INSTRUCTION = struct.Struct("=HBBI")  # struct sock_filter


class Ending(StrEnum):
    """How it ended for one connection."""

    RELEASED = "released"
    """The locked end speaks again, and the peer goes on."""
    RESET_BY_PEER = "reset by peer"
    """The peer gave up all the same."""
    RESET_HERE = "reset here"
    """The lock was lifted without a socket behind it: this host sent a reset."""
    STOPPED = "stopped"
    """The keeper was told to end; nothing was heard of the locked end."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What came of one connection."""

    connection: Connection
    ending: Ending
    answered: int
    """Segments of the peer that were answered."""
    kicks: int
    """How often the segment that it needs next was played to the restored socket."""
    seconds: float
    """For which it was kept."""


class Keeping:
    """Answers for connections of one network namespace, in the thread that calls ``run``."""

    def __init__(self, held: Sequence[Held], namespace: NetworkNamespace) -> None:
        """Opened, nothing is answered yet. Raises WorkbenchError."""
        self._kept = {each.connection: _One(Keeper(each)) for each in held}
        self._wake = os.eventfd(0, os.EFD_CLOEXEC)
        try:
            self._seen, self._sender = inside(namespace.path, self._open)
        except OSError as error:
            os.close(self._wake)
            raise WorkbenchError(f"Packets cannot be seen: {error.strerror}", "run as root (CAP_NET_RAW)") from error

    def _open(self) -> tuple[socket.socket, RawSender]:
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC
        seen = socket.socket(socket.AF_PACKET, kind, socket.htons(_ETH_P_ALL))
        try:
            _attach(seen, _filter({each.local.port for each in self._kept}))
        except OSError:
            seen.close()
            raise
        sender = RawSender(MARK)
        sender.open_for(each.local.address for each in self._kept)
        return seen, sender

    def stop(self) -> None:
        """Have ``run`` end, after a kick for whatever was not released; from any thread or signal handler."""
        os.eventfd_write(self._wake, 1)

    @property
    def answered(self) -> int:
        """Segments of peers that were answered so far."""
        return sum(one.keeper.answered for one in self._kept.values())

    def run(self, seconds: float | None = None, tell: Callable[[int], object] = lambda _: None) -> tuple[Kept, ...]:
        """Answer until every connection is released or reset, ``stop`` is called, or the time is over.

        ``tell`` is told how many segments were answered, once a second at most.
        """
        begun = time.monotonic()
        deadline = None if seconds is None else begun + seconds
        stopped = False
        told, telling = 0, begun
        while not stopped and any(one.ending is None for one in self._kept.values()):
            if self.answered != told and time.monotonic() >= telling:
                told, telling = self.answered, time.monotonic() + TELL_EVERY_S
                tell(told)
            due = self._kick(time.monotonic())
            untold = telling if self.answered != told else None
            until = min((moment for moment in (deadline, due, untold) if moment is not None), default=None)
            wait = None if until is None else max(until - time.monotonic(), 0)
            ready = select.select([self._seen.fileno(), self._wake], [], [], wait)[0]
            if self._seen.fileno() in ready:
                self._take()
            stopped = self._wake in ready or (deadline is not None and time.monotonic() >= deadline)
        for one in self._kept.values():
            if one.ending is None:
                self._play(one)
                one.ending = Ending.RELEASED if one.released else Ending.STOPPED
        now = time.monotonic()
        return tuple(
            Kept(connection, one.ending or Ending.STOPPED, one.keeper.answered, one.kicks, now - begun)
            for connection, one in self._kept.items()
        )

    def close(self) -> None:
        self._seen.close()
        self._sender.close()
        os.close(self._wake)

    def _take(self) -> None:
        data, (_, _, kind, *_) = self._seen.recvfrom(_RECEIVE_BYTES)
        segment = parse(data)
        if segment is None:
            return
        if kind == _OUTGOING:
            one = self._kept.get(segment.way)
            if one is not None and one.ending is None:
                self._spoke(one, segment)
        elif kind == _HOST:
            one = self._kept.get(segment.way.reversed)
            if one is not None and one.ending is None:
                self._heard(one, segment)

    def _spoke(self, one: "_One", segment: Segment) -> None:
        """The locked end has sent something: the lock is gone."""
        one.released = True
        if segment.flags & RST:
            one.ending = Ending.RESET_HERE
        elif one.keeper.first is None or distance(one.keeper.held.rcv_nxt, segment.ack) > 0:
            one.ending = Ending.RELEASED  # there was nothing to kick, or it has taken what it needs

    def _heard(self, one: "_One", segment: Segment) -> None:
        if one.released:
            return
        answer = one.keeper.answer(segment)
        if one.keeper.reset:
            one.ending = Ending.RESET_BY_PEER
        elif answer is not None:
            with contextlib.suppress(OSError):  # the address may be on its way to another host
                self._sender.send(answer)

    def _kick(self, now: float) -> float | None:
        """Kick what is released and has not gone on; when the next one is due."""
        due = []
        for one in self._kept.values():
            if one.released and one.ending is None:
                if now >= one.due:
                    if one.kicks == KICKS:
                        one.ending = Ending.RELEASED
                        continue
                    self._play(one)
                    one.due = now + KICK_EVERY_S
                due.append(one.due)
        return min(due, default=None)

    def _play(self, one: "_One") -> None:
        segment = one.keeper.kick()
        if segment is not None:
            one.kicks += 1
            with contextlib.suppress(OSError):
                self._sender.send(segment)


@dataclass(slots=True)
class _One:
    """One connection while it is kept."""

    keeper: Keeper
    released: bool = False
    ending: Ending | None = None
    kicks: int = 0
    due: float = 0.0


def _attach(seen: socket.socket, program: bytes) -> None:
    buffer = ctypes.create_string_buffer(program)
    count = len(program) // _INSTRUCTION.size
    seen.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, struct.pack("@HP", count, ctypes.addressof(buffer)))


def _filter(ports: Collection[int]) -> bytes:
    """A classic BPF program: TCP from or to one of these ports, without the mark that our own packets bear.

    Of very many ports none is asked for: all TCP passes.
    """
    wanted = sorted(ports) if len(ports) <= _MOST_PORTS else []
    size = 2 * len(wanted) + 2 if wanted else 0  # two loads, two comparisons a port
    load_byte, load_half, load_word, any_of, accept = 0x30, 0x48, 0x20, 0x15, 0x06
    mark, whole = 0xFFFFF000 + 20, 0xFFFFFFFF  # SKF_AD_OFF + SKF_AD_MARK
    head = [
        (load_word, 0, 0, mark),
        (any_of, 9 + size, 0, MARK),  # drop
        (load_byte, 0, 0, 0),
        (0x54, 0, 0, 0xF0),  # the version
        (any_of, 3, 0, 0x60),
        (load_byte, 0, 0, 9),
        (0xB1, 0, 0, 0),  # X = length of the IPv4 header
        (0x05, 0, 0, 2),
        (load_byte, 0, 0, 6),
        (0x01, 0, 0, 40),  # X = length of the IPv6 header
        (any_of, 0, size, socket.IPPROTO_TCP),
    ]
    tests = []
    left = size
    for offset in (0, 2) if wanted else ():
        tests.append((load_half, 0, 0, offset))
        left -= 1
        for port in wanted:
            left -= 1
            tests.append((any_of, left + 1, 0, port))
    end = [(accept, 0, 0, 0), (accept, 0, 0, whole)]
    if not wanted:
        end = [(accept, 0, 0, whole), (accept, 0, 0, 0)]
        head[10] = (any_of, 0, 1, socket.IPPROTO_TCP)
        head[1] = (any_of, 10, 0, MARK)
    return b"".join(_INSTRUCTION.pack(*each) for each in (*head, *tests, *end))
