"""What captures add to an attribution, made packet by packet; real ones are those of tests/e2e/events."""

import math
from collections.abc import Sequence

import pytest

from tests.unit.evidence.test_packet_notes import BACK, MS, OUT, Talk
from workbench.evidence import Capture, CaptureInterface, Packet
from workbench.evidence.attribution import Attribution, Cause
from workbench.evidence.event import RST, Event, EventKind
from workbench.evidence.reset_trail import Effect
from workbench.evidence.reset_witness import CAPTURED_NS, Witness, captured_end, with_captures

AT = 10 * MS


def reset(cause: Cause, effect: Effect = Effect.TAKEN, event: Event | None = None) -> Attribution:
    begin = event or Event(AT, EventKind.RESET_RECEIVED, connection=OUT)
    return Attribution(AT, cause, BACK, 1, effect, "", "it came from elsewhere", AT, event=begin)


def capture(packets: Sequence[Packet], *netns: int | None, dropped: int | None = None) -> Capture:
    interfaces = tuple(CaptureInterface(f"eth{number}", each, dropped) for number, each in enumerate(netns or (None,)))
    return Capture("x.pcapng", interfaces, tuple(packets))


def talk(ttl: int = 64, seq: int = 1) -> Talk:
    """Ends with a reset from the far end, seen at the near one."""
    return Talk().data(3, 1, 1).answer(4, 1, 11).say(10, BACK, seq, None, RST, ttl=ttl)


@pytest.mark.parametrize(
    ("before", "ttl", "after", "words"),
    [
        (Cause.UNKNOWN, 64, Cause.PEER, "captured with TTL 64, as other segments"),
        (Cause.PEER, 200, Cause.MIDDLEBOX, "captured with TTL 200, while other segments"),
        (Cause.MIDDLEBOX, 64, Cause.MIDDLEBOX, "it came from elsewhere"),
        (Cause.NOT_REAL, 200, Cause.NOT_REAL, "something between sent it"),
    ],
)
def test_its_ttl(before: Cause, ttl: int, after: Cause, words: str) -> None:
    found = with_captures(reset(before), [capture(talk(ttl).packets)], 0)
    assert found.cause is after
    assert words in found.sentence


@pytest.mark.parametrize(
    ("seq", "cause", "words"),
    [
        (1, Cause.PEER, "that is due"),
        (20, Cause.NOT_REAL, "challenge ACK"),
        (1 << 30, Cause.NOT_REAL, "out of the window"),
    ],
)
def test_its_number_where_nobody_saw_what_became_of_it(seq: int, cause: Cause, words: str) -> None:
    found = with_captures(reset(Cause.UNKNOWN, Effect.NOT_SEEN), [capture(talk(seq=seq).packets)], 0)
    assert found.cause is cause
    assert words in found.sentence


def seen_at_both(*, left: bool) -> list[Packet]:
    """Interface 0 is the near end's, 1 that of the far end."""
    made = Talk(shake=False)
    for at, interface, incoming in ((4, 1, False), (4.01, 0, True)):
        made.answer(at, 1, 11, interface=interface, incoming=incoming)
    if left:
        made.say(10, BACK, 1, None, RST, interface=1, incoming=False)
    return made.say(10.01, BACK, 1, None, RST, interface=0, incoming=True).packets


@pytest.mark.parametrize(("left", "cause"), [(True, Cause.PEER), (False, Cause.MIDDLEBOX)])
def test_where_it_left(left: bool, cause: Cause) -> None:
    found = with_captures(reset(Cause.UNKNOWN), [capture(seen_at_both(left=left), 1, 2)], 0)
    assert found.cause is cause
    assert ("did not leave there" in found.sentence) is not left
    lossy = with_captures(reset(Cause.UNKNOWN), [capture(seen_at_both(left=left), 1, 2, dropped=3)], 0)
    assert lossy.cause is Cause.PEER, "what is missing may only not have been captured"


def test_what_is_known_already_is_not_asked() -> None:
    packets = [capture(talk(200).packets)]
    made_here = Event(AT, EventKind.RESET_PACKET, connection=BACK, incoming=False)
    for known in (reset(Cause.ABORTED), reset(Cause.REJECT_RULE), reset(Cause.MIDDLEBOX, event=made_here)):
        assert with_captures(known, packets, 0) is known
    elsewhere = reset(Cause.PEER)
    assert with_captures(elsewhere, [capture(Talk().packets)], 0) is elsewhere
    assert with_captures(elsewhere, packets, 60_000 * MS) is elsewhere, "another time"


def test_a_capture_that_goes_on_is_asked_once_it_has_the_segment() -> None:
    asked: list[int] = []

    def captures() -> list[Capture]:
        asked.append(1)
        return [capture(talk(200).packets)]

    witness = Witness(captures, 0)
    assert [one.cause for one in witness.asked([reset(Cause.ABORTED), reset(Cause.PEER)], AT)] == [Cause.ABORTED]
    assert witness.asked([], AT + CAPTURED_NS - 1) == []
    assert not asked
    assert [one.cause for one in witness.asked([], AT + CAPTURED_NS)] == [Cause.MIDDLEBOX]
    assert witness.asked([], math.inf) == []
    assert [one.cause for one in witness.asked([reset(Cause.PEER)], math.inf)] == [Cause.MIDDLEBOX]


def test_how_a_connection_ended_that_is_gone() -> None:
    assert "reset from" in captured_end([capture(talk().packets)], OUT)
    assert "something between sent it" in captured_end([capture(talk(200).packets)], BACK)
    assert captured_end([capture(talk(seq=1 << 30).packets)], OUT) == ""
    assert captured_end([capture(Talk().data(3, 1, 1).packets)], OUT) == ""
