"""What belongs together in several image directories: both ends of a connection, and one end dumped twice."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from workbench.evidence import Connection, ImageDirectory, ImageSocket, Sequences, TcpState, distance

_WITHOUT_NUMBERS = frozenset({TcpState.SYN_SENT, TcpState.CLOSE, TcpState.LISTEN})
"""States in which one side's sequence numbers are not known yet, or no more."""


@dataclass(frozen=True, slots=True)
class End:
    """One end of a connection as an image directory has it."""

    image: ImageDirectory
    socket: ImageSocket
    sequences: Sequences


@dataclass(frozen=True, slots=True)
class Pair:
    """Two ends; of one dumped twice both are the same end."""

    first: End
    second: End


def both_ends(images: Sequence[ImageDirectory]) -> Iterator[Pair]:
    """Each connection of which both ends are in these images, in one directory or in two."""
    ends = _ends(images)
    by_wire = _by_wire(ends)
    for one in ends:
        for other in by_wire[one.socket.connection.unmapped.reversed]:
            if one.socket.connection.unmapped < other.socket.connection.unmapped:  # each pair once
                yield Pair(one, other)


def dumped_twice(images: Sequence[ImageDirectory]) -> Iterator[Pair]:
    """Each end that two directories have; the one that was dumped first is the first of the pair.

    Both its numbers only grow, so the one of which either is less was dumped first.
    """
    for same in _by_wire(_ends(images)).values():
        for one, other in combinations(same, 2):
            if one.image.path != other.image.path:
                yield Pair(one, other) if _progress(one.sequences, other.sequences) >= 0 else Pair(other, one)


def _by_wire(ends: Iterable[End]) -> defaultdict[Connection, list[End]]:
    found: defaultdict[Connection, list[End]] = defaultdict(list)
    for end in ends:
        found[end.socket.connection.unmapped].append(end)
    return found


def _progress(start: Sequences, end: Sequences) -> int:
    return distance(start.rcv_nxt, end.rcv_nxt) + distance(start.write_seq, end.write_seq)


def _ends(images: Sequence[ImageDirectory]) -> list[End]:
    return [
        End(image, socket, socket.sequences)
        for image in images
        if not image.tcp_close
        for socket in image.sockets
        if socket.sequences is not None and socket.connection.peer.port and socket.state not in _WITHOUT_NUMBERS
    ]
