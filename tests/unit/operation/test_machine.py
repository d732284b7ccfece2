"""Dump and restore as transcripts: what goes in (>>), what must come out (<<)."""

from typing import Self

import pytest

from workbench.operation.machine import (
    Answer,
    Answered,
    Begin,
    Check,
    Checked,
    Command,
    CriuDied,
    Event,
    Finish,
    Guard,
    Journal,
    JournalLost,
    Notified,
    Phase,
    Proceed,
    Prove,
    Proved,
    ReadSockets,
    Refused,
    Settle,
    Settled,
    StartCriu,
    State,
    TurnBack,
    Unguard,
    advance,
)
from workbench.operation.progress import Outcome
from workbench.operation.request import Hold

YES, NO = Answer(accept=True), Answer(accept=False)
ALL = frozenset(Hold)


class Playbook:
    """A machine with its script: ``>> event`` feeds it, ``<< (commands)`` is what it must have answered."""

    def __init__(self, state: State) -> None:
        self.state = state
        self._commands: tuple[Command, ...] = ()

    def __rshift__(self, event: Event) -> Self:
        self.state, self._commands = advance(self.state, event)
        return self

    def __lshift__(self, expected: tuple[Command, ...]) -> Self:
        assert self._commands == expected
        return self


def dump(**more: object) -> Playbook:
    return Playbook(State("dump", **more)) >> Begin() << (StartCriu(),)  # type: ignore[arg-type]


def restore(**more: object) -> Playbook:
    return Playbook(State("restore", **more)) >> Begin() << (StartCriu(),)  # type: ignore[arg-type]


def frozen(play: Playbook) -> Playbook:
    return (
        play
        >> Notified("pre-dump") << (Journal("pre-dump"), YES)
        >> Notified("query-ext-files") << (Journal("frozen"), Journal("frozen, going on"), YES)
    )  # fmt: skip


COMPLETE = (Journal("images complete"), Guard(), ReadSockets())
LET_GO = (Journal("letting go"), Unguard(), YES)


def test_a_dump() -> None:
    play = (
        frozen(dump())
        >> Notified("post-dump") << (*COMPLETE, *LET_GO)
        >> Answered(success=True) << (Journal("criu succeeded"), Settle())
        >> Settled() << (Journal("ended: succeeded"), Finish(Outcome.SUCCEEDED))
    )  # fmt: skip
    assert play.state.phase is Phase.OVER
    assert play.state.outcome is Outcome.SUCCEEDED


def test_a_dump_that_leaves_a_zombie_is_in_doubt() -> None:
    play = frozen(dump()) >> Notified("post-dump") >> Answered(success=True) >> Settled("Process 7 is not gone yet.")
    play << (Journal("ended: doubtful"), Finish(Outcome.DOUBTFUL, "Process 7 is not gone yet."))


def test_a_dump_that_leaves_the_process_running_is_proved() -> None:
    (
        frozen(dump(runs_on=True))
        >> Notified("post-dump") << (*COMPLETE, *LET_GO)
        >> Answered(success=True) << (Journal("criu succeeded"), Prove())
        >> Proved(all_continue=False) << (Journal("ended: doubtful"), Finish(Outcome.DOUBTFUL))
    )  # fmt: skip


def test_a_dump_whose_destination_is_lost_is_undone_and_says_why() -> None:
    """At the hold at once, before it at the next notification; the reason is told, unlike that of turning back."""
    held = dump(holds=frozenset({Hold.IMAGES_COMPLETE})) >> Notified("post-dump") << COMPLETE
    held >> Refused("It was lost.") << (Journal("turning back"), Unguard(), NO)
    held >> Answered(success=False, reason="x") << (Journal("criu failed"), Check())
    held >> Checked(sound=True, finding="It runs on.") << (
        Journal("ended: failed"), Finish(Outcome.FAILED, "It was lost. It runs on."),
    )  # fmt: skip
    early = frozen(dump()) >> Refused("It was lost.") << ()
    early >> Notified("post-dump") << (*COMPLETE, Journal("turning back"), Unguard(), NO)
    early >> Answered(success=False) >> Checked(sound=True, finding="") << (
        Journal("ended: failed"), Finish(Outcome.FAILED, "It was lost."),
    )  # fmt: skip
    too_late = frozen(dump()) >> Notified("post-dump") >> Answered(success=True) >> Refused("It was lost.") << ()
    assert too_late.state.phase is Phase.ENDING


def test_a_dump_held_at_both_points() -> None:
    play = dump(holds=ALL) >> Notified("pre-dump") << (Journal("pre-dump"), YES)
    play >> Notified("query-ext-files") << (Journal("frozen"),)
    assert play.state.held is Hold.FROZEN
    play >> Proceed() << (Journal("frozen, going on"), YES)
    assert play.state.held is None
    play >> Notified("post-dump") << COMPLETE
    assert play.state.held is Hold.IMAGES_COMPLETE
    assert play.state.can_turn_back
    play >> Proceed() << LET_GO
    assert not play.state.can_turn_back


def test_turning_back_from_the_frozen_hold() -> None:
    (
        dump(holds=ALL)
        >> Notified("pre-dump") << (Journal("pre-dump"), YES)
        >> Notified("query-ext-files") << (Journal("frozen"),)
        >> TurnBack() << (Journal("turning back"), NO)
        >> Answered(success=False, reason="CRIU failed.") << (Journal("criu failed"), Check())
        >> Checked(sound=True, finding="It runs on.") << (Journal("ended: turned back"), Finish(Outcome.TURNED_BACK))
    )  # fmt: skip


def test_turning_back_from_complete_images_takes_the_guard_away_first() -> None:
    play = dump(holds=frozenset({Hold.IMAGES_COMPLETE}))
    frozen(play) >> Notified("post-dump") << COMPLETE
    play >> TurnBack() << (Journal("turning back"), Unguard(), NO)


def test_turning_back_between_two_points_happens_at_the_next() -> None:
    play = dump() >> TurnBack() << ()
    assert not play.state.can_turn_back
    play >> Notified("pre-dump") << (Journal("pre-dump, turning back"), NO)


def test_turning_back_while_images_are_written() -> None:
    play = frozen(dump()) >> TurnBack() << ()
    play >> Notified("post-dump") << (*COMPLETE, Journal("turning back"), Unguard(), NO)


def test_turning_back_passes_over_holds() -> None:
    play = dump(holds=ALL) >> Notified("pre-dump") >> TurnBack() << ()
    play >> Notified("query-ext-files") << (Journal("frozen"), Journal("turning back"), NO)
    assert play.state.held is None


@pytest.mark.parametrize("event", [TurnBack(), Proceed()])
def test_it_is_too_late_once_the_tasks_are_let_go(event: Event) -> None:
    play = frozen(dump()) >> Notified("post-dump")
    before = play.state
    play >> event << ()
    assert play.state == before


def test_turning_back_before_it_began() -> None:
    play = Playbook(State("dump")) >> TurnBack()
    play << (Journal("ended: turned back"), Finish(Outcome.TURNED_BACK))


def test_a_failed_dump_says_why_and_what_stands() -> None:
    (
        frozen(dump())
        >> Answered(success=False, reason="CRIU failed.") << (Journal("criu failed"), Check())
        >> Checked(sound=True, finding="It runs on.")
        << (Journal("ended: failed"), Finish(Outcome.FAILED, "CRIU failed. It runs on."))
    )  # fmt: skip


def test_what_could_not_be_put_right_stays_unfinished() -> None:
    play = frozen(dump()) >> CriuDied("signal 9") << (Journal("criu died"), Check())
    play >> Checked(sound=False, finding="A lock stands.")
    play << (Journal("left as it is"), Finish(Outcome.FAILED, "signal 9 A lock stands."))


def test_turning_back_that_does_not_come_back_is_a_failure() -> None:
    play = dump(holds=ALL) >> Notified("pre-dump") >> Notified("query-ext-files") >> TurnBack()
    play >> Answered(success=False) >> Checked(sound=False, finding="A lock stands.")
    play << (Journal("left as it is"), Finish(Outcome.FAILED, "A lock stands."))


def test_criu_dies_while_held() -> None:
    play = dump(holds=ALL) >> Notified("pre-dump") >> Notified("query-ext-files")
    assert play.state.held
    play >> CriuDied("signal 9") << (Journal("criu died"), Check())
    assert play.state.held is None
    play >> CriuDied("signal 9") << ()
    play >> Answered(success=False) << ()


@pytest.mark.parametrize(
    ("until", "commands"),
    [
        (["pre-dump"], (NO,)),
        (["pre-dump", "query-ext-files"], (NO,)),
        (["pre-dump", "query-ext-files", "post-dump"], (Unguard(), NO)),
    ],
)
def test_what_cannot_be_journaled_is_not_done(until: list[str], commands: tuple[Command, ...]) -> None:
    play = dump()
    for name in until:
        play >> Notified(name)
    play >> JournalLost("disk full") << commands
    play >> Answered(success=False, reason="CRIU failed.") >> Checked(sound=True, finding="It runs on.")
    play << (Journal("ended: failed"), Finish(Outcome.FAILED, "disk full It runs on."))


READ = (Journal("restored"), ReadSockets())


def test_a_restore() -> None:
    (
        restore()
        >> Notified("pre-restore") << (Journal("pre-restore"), YES)
        >> Notified("post-restore") << (*READ, Journal("releasing"), YES)
        >> Notified("pre-resume") << (Journal("pre-resume"), YES)
        >> Notified("post-resume") << (Journal("post-resume"), YES)
        >> Answered(success=True) << (Journal("criu succeeded"), Prove())
        >> Proved(all_continue=True) << (Journal("ended: succeeded"), Finish(Outcome.SUCCEEDED))
    )  # fmt: skip


def test_a_restore_with_a_time_namespace_in_its_images() -> None:
    """Every process that was restored once lives in one, so that its second restore notifies more."""
    (
        restore()
        >> Notified("pre-restore") << (Journal("pre-restore"), YES)
        >> Notified("setup-namespaces") << (Journal("setup-namespaces"), YES)
        >> Notified("post-setup-namespaces") << (Journal("post-setup-namespaces"), YES)
        >> Notified("post-restore") << (*READ, Journal("releasing"), YES)
    )  # fmt: skip


def test_a_restore_turned_back_while_the_lock_still_stands() -> None:
    play = restore(holds=ALL) >> Notified("pre-restore") >> Notified("post-restore") << READ
    assert play.state.held is Hold.RESTORED
    (
        play
        >> TurnBack() << (Journal("turning back"), NO)
        >> Answered(success=False) << (Journal("criu failed"), Check())
        >> Checked(sound=True, finding="") << (Journal("ended: turned back"), Finish(Outcome.TURNED_BACK))
    )  # fmt: skip


def test_a_restore_cannot_be_turned_back_after_the_unlock() -> None:
    play = restore() >> Notified("pre-restore") >> Notified("post-restore")
    assert not play.state.can_turn_back
    play >> TurnBack() << ()
    play >> Notified("pre-resume") << (Journal("pre-resume"), YES)


def test_a_restore_turned_back_before_anything_was_made() -> None:
    restore() >> TurnBack() >> Notified("pre-restore") << (Journal("pre-restore, turning back"), NO)


def test_nothing_happens_any_more_when_it_is_over() -> None:
    play = restore() >> CriuDied("x") >> Checked(sound=True, finding="")
    assert play.state.phase is Phase.OVER
    for event in (Notified("post-restore"), Proceed(), TurnBack(), Answered(success=True), CriuDied("y"), Begin()):
        play >> event << ()
