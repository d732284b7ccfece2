"""Resets in captures: whether the peer's TCP can have sent one, by what else was captured of the connection."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from workbench.evidence.packet import Capture, Packet
from workbench.evidence.packet_notes import Noted, follow
from workbench.evidence.packet_sign import Sign
from workbench.evidence.socket import Connection

NEAR_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class CapturedReset:
    """A segment with RST as a capture has it."""

    packet: Packet
    origin: str
    """Of the capture: a path, or ``live``."""
    believed: bool | None
    """Whether its receiver believes it: False if it is out of the window, None if it is challenged first."""
    ttl: int | None
    """TTL of other segments from there at the same interface; None if there were none before or after it."""
    left_there: bool | None
    """Whether it left through a host that other segments of this direction leave from and never enter, which is the
    sender's own; None if no capture was made there, or one that missed packets.
    """

    @property
    def odd_ttl(self) -> bool:
        return self.ttl is not None and self.ttl != self.packet.ttl


def captured_reset(
    captures: Iterable[Capture],
    way: Connection,
    at_ns: int,
    number: int | None = None,
    near_ns: int = NEAR_NS,
) -> CapturedReset | None:
    """The reset that is nearest to a moment, from ``way.local`` to ``way.peer``; None if none was captured then.

    ``at_ns``: wall clock, nanoseconds since the epoch. ``number``: its sequence number, where that is known.
    """
    wanted = way.unmapped
    ends = {wanted, wanted.reversed}
    found: list[tuple[Noted, Capture, Sequence[Packet]]] = []
    sightings: list[tuple[Capture, Sequence[Packet]]] = []
    for capture in captures:
        packets = [packet for packet in capture.packets if packet.way in ends]
        own = [packet for packet in packets if packet.way == wanted]
        sightings.append((capture, own))
        if not any(packet.is_reset for packet in own):
            continue
        for one in follow(packets).segments:
            packet = one.packet
            if not packet.is_reset or packet.way != wanted or abs(packet.at_ns - at_ns) > near_ns:
                continue
            if one.has(Sign.COPY) or (number is not None and packet.seq != number):
                continue
            found.append((one, capture, own))
    if not found:
        return None
    one, where, of_way = min(found, key=lambda each: abs(each[0].packet.at_ns - at_ns))
    return CapturedReset(
        one.packet,
        where.origin,
        False if one.has(Sign.RESET_OUT_OF_WINDOW) else (None if one.has(Sign.RESET_CHALLENGED) else True),
        _usual_ttl(one.packet, of_way),
        _left_there(one.packet, sightings, near_ns),
    )


def _usual_ttl(reset: Packet, own: Iterable[Packet]) -> int | None:
    """Of the segment that is next to it in time."""
    others = (
        packet for packet in own
        if not packet.is_reset and packet.interface == reset.interface and packet.incoming == reset.incoming
    )  # fmt: skip
    nearest = min(others, key=lambda packet: abs(packet.at_ns - reset.at_ns), default=None)
    return None if nearest is None else nearest.ttl


def _left_there(reset: Packet, sightings: Iterable[tuple[Capture, Sequence[Packet]]], near_ns: int) -> bool | None:
    known: bool | None = None
    for capture, packets in sightings:
        places: dict[int | None, list[Packet]] = {}
        for packet in packets:
            places.setdefault(capture.interfaces[packet.interface].netns, []).append(packet)
        for netns, seen in places.items():
            others = [packet for packet in seen if not packet.is_reset]
            if not others or any(packet.incoming is not False for packet in others):
                continue  # the receiver's host, or one that it passes
            left = [packet for packet in seen if packet.is_reset and packet.seq == reset.seq
                    and packet.incoming is False and abs(packet.at_ns - reset.at_ns) <= near_ns]  # fmt: skip
            if left:
                # One device alone may be a router's far side, which TTL tells: not all that enters there was captured.
                same = left[0].ttl in {packet.ttl for packet in others}
                return True if netns is not None or same else None
            if not capture.dropped and any(packet.at_ns <= reset.at_ns for packet in others):
                known = False
    return known
