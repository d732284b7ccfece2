"""What the peer of a locked connection is told, as a transcript: a segment in, an answer out."""

import dataclasses

import pytest

from tests.unit.read.test_state_file import STATE
from workbench.evidence import TcpState
from workbench.repair.keeper import Held, Keeper, held_of
from workbench.repair.segment import ACK, FIN, PSH, RST, SYN, Segment


def held() -> Held:
    found = held_of(STATE.image_socket)
    assert isinstance(found, Held)
    return found


HELD = held()
NEXT = STATE.rcv_nxt
LEFT = STATE.rcv_wnd >> STATE.rcv_wscale
"""The window that the peer was told of, as a header says it."""


def from_peer(seq: int, payload: bytes = b"", flags: int = ACK) -> Segment:
    return Segment(STATE.connection.reversed, seq % (1 << 32), 6, flags, 500, (777, 1), payload)


def test_a_keepalive_hears_of_the_same_window_as_before() -> None:
    keeper = Keeper(HELD)
    answer = keeper.answer(from_peer(NEXT - 1))
    assert answer is not None
    assert answer.window == LEFT
    assert not keeper.closed


def test_data_that_cannot_be_taken_is_refused_by_a_closed_window() -> None:
    keeper = Keeper(HELD)
    answer = keeper.answer(from_peer(NEXT, b"data", ACK | PSH))
    assert answer == Segment(STATE.connection, 6, NEXT, ACK, 0, (STATE.timestamp, 777))


def test_once_closed_the_window_stays_closed_while_it_is_locked() -> None:
    keeper = Keeper(HELD)
    keeper.answer(from_peer(NEXT, b"data"))
    probe = keeper.answer(from_peer(NEXT - 1))
    assert probe is not None
    assert probe.window == 0


def test_a_window_that_was_used_up_is_zero_without_being_shrunk() -> None:
    full = dataclasses.replace(HELD, right_edge=NEXT)
    answer = Keeper(full).answer(from_peer(NEXT - 1))
    assert answer is not None
    assert answer.window == 0


def test_no_byte_is_ever_acknowledged() -> None:
    keeper = Keeper(HELD)
    answers = [keeper.answer(from_peer(NEXT + place, b"x" * 100)) for place in (0, 100, 5000)]
    assert {answer.ack for answer in answers if answer} == {NEXT}
    assert keeper.answered == 3


@pytest.mark.parametrize("flags", [ACK, SYN, SYN | ACK, PSH])
def test_what_asks_for_nothing_gets_no_answer(flags: int) -> None:
    """A bare acknowledgement in its place: an answer could be answered, and so on for ever."""
    keeper = Keeper(HELD)
    assert keeper.answer(from_peer(NEXT, flags=flags)) is None
    assert keeper.answered == 0


def test_a_reset_ends_it() -> None:
    keeper = Keeper(HELD)
    assert keeper.answer(from_peer(NEXT, flags=RST | ACK)) is None
    assert keeper.reset


def test_the_kick_is_what_the_socket_needs_next_and_bears_no_old_time_stamp() -> None:
    keeper = Keeper(dataclasses.replace(HELD, mss=10))
    assert keeper.kick() is None
    keeper.answer(from_peer(NEXT, b"old copy"))
    keeper.answer(from_peer(NEXT, b"the newest copy of all"))
    keeper.answer(from_peer(NEXT + 3000, b"later data"))
    kick = keeper.kick()
    assert kick is not None
    assert (kick.seq, kick.payload, kick.timestamps) == (NEXT, b"the newest", None)


def test_a_fin_is_waited_for_like_data() -> None:
    keeper = Keeper(HELD)
    answer = keeper.answer(from_peer(NEXT, flags=FIN | ACK))
    assert answer is not None
    assert answer.window == 0
    assert keeper.kick() is not None


@pytest.mark.parametrize(
    ("change", "word"),
    [({"timestamp": 0}, "time stamp"), ({"state": TcpState.LISTEN}, "not connected"), ({"sequences": None}, "not")],
)
def test_who_cannot_be_answered_for_rightly_is_not(change: dict[str, object], word: str) -> None:
    refused = held_of(dataclasses.replace(STATE.image_socket, **change))  # type: ignore[arg-type]
    assert isinstance(refused, str)
    assert word in refused
