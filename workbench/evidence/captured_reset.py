"""Resets in captures: whether the peer's TCP can have sent one, by what else was captured of the connection."""

from collections.abc import Iterable
from dataclasses import dataclass

from workbench.evidence.packet import Capture, Packet
from workbench.evidence.packet_notes import follow
from workbench.evidence.packet_sign import Sign
from workbench.evidence.socket import Connection

NEAR_NS = 2_000_000_000


@dataclass(frozen=True, slots=True)
class CapturedReset:
    """A segment with RST as a capture has it."""

    packet: Packet
    believed: bool | None
    """Whether its receiver believes it: False if it is out of the window, None if it is challenged first."""
    usual_ttl: int | None
    """TTL of other segments from there at the same interface, if it is another; None if it is the same or unknown."""

    @property
    def sent_by_peer(self) -> bool:
        """It came in, with the TTL that segments of the peer have and a number that the receiver waits for."""
        return self.packet.incoming is not False and self.usual_ttl is None and self.believed is True


def captured_reset(
    captures: Iterable[Capture], way: Connection, at_ns: int, near_ns: int = NEAR_NS
) -> CapturedReset | None:
    """The reset that is nearest to a moment, from ``way.local`` to ``way.peer``; None if none was captured then.

    ``at_ns``: wall clock, nanoseconds since the epoch.
    """
    wanted = way.unmapped
    ends = {wanted, wanted.reversed}
    found: list[CapturedReset] = []
    for capture in captures:
        packets = [packet for packet in capture.packets if packet.way in ends]
        if not any(packet.is_reset and packet.way == wanted for packet in packets):
            continue
        for one in follow(packets).segments:
            packet = one.packet
            if not packet.is_reset or packet.way != wanted or abs(packet.at_ns - at_ns) > near_ns:
                continue
            believed = (
                False if one.has(Sign.RESET_OUT_OF_WINDOW) else (None if one.has(Sign.RESET_CHALLENGED) else True)
            )
            odd = next((note.value for note in one.notes if note.sign is Sign.ODD_TTL), None)
            found.append(CapturedReset(packet, believed, odd))
    return min(found, key=lambda each: abs(each.packet.at_ns - at_ns), default=None)
