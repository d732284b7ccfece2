"""What nobody takes is bounded and counted."""

from workbench.collect.events.waiting import Waiting
from workbench.evidence.event import Event, EventKind


def _drops(start: int, count: int) -> list[Event]:
    return [Event(at_ns, EventKind.DROP) for at_ns in range(start, start + count)]


def test_what_was_put_is_taken_once_and_in_order() -> None:
    waiting = Waiting(10)
    assert not waiting
    waiting.put(_drops(0, 4))
    waiting.put(_drops(4, 6))
    assert waiting
    assert waiting.take() == _drops(0, 10)
    assert waiting.take() == []
    assert waiting.lost == 0


def test_however_often_more_comes_no_more_waits_and_the_loss_is_one() -> None:
    waiting = Waiting(10)
    for start in range(0, 100, 7):
        waiting.put(_drops(start, 7))
    *kept, loss = waiting.take()
    assert kept == _drops(0, 10)
    assert (loss.kind, loss.at_ns, loss.lost) == (EventKind.LOSS, 10, 95)
    assert waiting.lost == 95


def test_there_is_room_again_once_they_were_taken() -> None:
    waiting = Waiting(2)
    waiting.put(_drops(0, 3))
    waiting.take()
    waiting.put(_drops(3, 2))
    assert waiting.take() == _drops(3, 2)
    assert waiting.lost == 1


def test_a_loss_counts_as_what_it_lost_whether_it_finds_room_or_not() -> None:
    waiting = Waiting(1)
    waiting.put([Event(1, EventKind.LOSS, lost=5), *_drops(2, 1), Event(3, EventKind.LOSS, lost=7)])
    assert [event.lost for event in waiting.take()] == [5, 8]
    assert waiting.lost == 13
