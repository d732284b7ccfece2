"""What captures add to the attribution of a reset: where it left, its TTL, and whether its number was due."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from workbench.evidence.attribution import Attribution, Cause, attribute
from workbench.evidence.captured_reset import CapturedReset, captured_reset
from workbench.evidence.event import EventKind
from workbench.evidence.evidence import Evidence
from workbench.evidence.gap import Gap
from workbench.evidence.packet import Capture
from workbench.evidence.reset_trail import Effect
from workbench.evidence.socket import Connection

CAPTURED_NS = 1_000_000_000
"""So long after a segment passed a capture that goes on has it."""
_FROM_ELSEWHERE = frozenset({Cause.PEER, Cause.MIDDLEBOX, Cause.NOT_REAL, Cause.UNKNOWN})


def may_be_captured(found: Attribution) -> bool:
    """Whether events left open who sent it, so that a capture can tell more."""
    if found.cause not in _FROM_ELSEWHERE or found.connection is None:
        return False
    if found.event is None:  # read from a file
        return found.cause is not Cause.MIDDLEBOX
    return found.event.kind is not EventKind.RESET_PACKET or found.event.incoming is True


def with_captures(found: Attribution, captures: Iterable[Capture], wall_ns: int) -> Attribution:
    """The attribution, better founded if one of the captures has the segment; else as it was.

    ``wall_ns`` added to the clock of events gives the time since the epoch.
    """
    if not may_be_captured(found):
        return found
    assert found.connection is not None
    segment = found.event.segment if found.event else None
    seen = captured_reset(captures, found.connection, found.at_ns + wall_ns, segment.seq if segment else None)
    if seen is None:
        return found
    cause, sentence = _judged(found, seen)
    if found.effect is Effect.NOT_SEEN and seen.believed is not True:
        cause = Cause.NOT_REAL
    return replace(found, cause=cause, sentence=f"{sentence}{_outcome(found, seen)}")


def _judged(found: Attribution, seen: CapturedReset) -> tuple[Cause, str]:
    assert found.connection is not None
    sender, ttl = found.connection.local, seen.packet.ttl
    not_real = found.cause if found.cause is Cause.NOT_REAL else None
    if seen.left_there is False:
        return not_real or Cause.MIDDLEBOX, (
            f"something between sent it: captured where segments of {sender} leave, it did not leave there"
        )
    if seen.odd_ttl:
        return not_real or Cause.MIDDLEBOX, (
            f"something between sent it: captured with TTL {ttl}, while other segments of {sender.address} have"
            f" {seen.ttl}"
        )
    if seen.left_there:
        if found.cause is Cause.MIDDLEBOX:
            return found.cause, f"a program on the host of {sender} made it, not TCP: it was captured as it left there"
        return not_real or Cause.PEER, f"the peer sent it: captured as it left the host of {sender}"
    if seen.ttl is not None and found.cause is not Cause.MIDDLEBOX:
        return not_real or Cause.PEER, (
            f"the peer sent it: captured with TTL {ttl}, as other segments of {sender.address} have"
        )
    return found.cause, found.sentence.partition("; ")[0]


def _outcome(found: Attribution, seen: CapturedReset) -> str:
    """What its receiver made of it; what the capture lets one expect where that was not seen."""
    if found.effect is Effect.NOT_SEEN:
        words = {
            True: ", with the sequence number that is due",
            None: "; it is in the window but not due, so the receiver asks back (challenge ACK)",
            False: "; it is out of the window, so no receiver believes it",
        }
        return words[seen.believed]
    _, separator, outcome = found.sentence.partition("; ")
    return separator + outcome


class Witness:
    """Asks captures that go on while events come, about each reset once its segment is sure to be among them."""

    def __init__(self, captures: Callable[[], Sequence[Capture]], wall_ns: int) -> None:
        """``captures`` is called when there is something to ask; those that do not go on any more count too."""
        self._captures = captures
        self._wall_ns = wall_ns
        self._held: list[Attribution] = []

    def asked(self, found: Iterable[Attribution], until_ns: float) -> list[Attribution]:
        """Those of this call and of former ones to which nothing is added that happens after ``until_ns``.

        ``until_ns``: on the clock of events; infinite for all of them.
        """
        ready: list[Attribution] = []
        for one in found:
            (self._held if may_be_captured(one) else ready).append(one)
        due = [one for one in self._held if one.at_ns + CAPTURED_NS <= until_ns]
        if due:
            self._held = [one for one in self._held if one.at_ns + CAPTURED_NS > until_ns]
            captures = self._captures()
            ready += [with_captures(one, captures, self._wall_ns) for one in due]
        return ready


def captured_end(captures: Iterable[Capture], connection: Connection) -> str:
    """How captures say that a connection was reset, by what one knows; empty if they have no reset that was believed.

    The last one counts, whichever end it is said to come from.
    """
    kept = tuple(captures)
    last = 1 << 63
    seen = [
        found for way in (connection, connection.reversed) if (found := captured_reset(kept, way, last, near_ns=last))
    ]
    believed = [found for found in seen if found.believed]
    if not believed:
        return ""
    found = max(believed, key=lambda each: each.packet.at_ns)
    way = found.packet.way
    where = f"a reset from {way.local} came (capture {found.origin}, TTL {found.packet.ttl})"
    if found.left_there is False:
        return f"{where}, which did not leave there: something between sent it"
    if found.odd_ttl and not found.left_there:
        return f"{where}, while other segments from there have {found.ttl}: something between sent it"
    return where


def recorded_resets(evidence: Evidence) -> tuple[Attribution, ...]:
    """Every reset and every silence in recorded events, with what rules and captures of the same recording tell."""
    if isinstance(evidence.events, Gap):
        return ()
    rules = () if isinstance(evidence.rules, Gap) else evidence.rules
    captures = () if isinstance(evidence.captures, Gap) else evidence.captures
    wall_ns = round(evidence.taken * 1e9) - evidence.monotonic_ns
    return tuple(with_captures(one, captures, wall_ns) for one in attribute(evidence.events, rules))
