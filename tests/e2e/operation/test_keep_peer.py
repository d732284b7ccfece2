"""Peers kept while an operation holds their connections: from complete images on, through a restore, and no longer."""

import time
from collections.abc import Callable

import pytest

from tests.e2e.operation.conftest import OPERATION_S, Bench
from workbench.operation.dump import DumpOperation
from workbench.operation.journal import entries
from workbench.operation.planning import prepare_dump, prepare_restore
from workbench.operation.progress import Outcome, PeerKeeping, Progress
from workbench.operation.request import DumpRequest, Hold, RestoreRequest
from workbench.operation.restore import RestoreOperation
from workbench.operation.runner import Operation

pytestmark = [pytest.mark.root, pytest.mark.criu]

DEADLINE_S = 30.0


def _dump(bench: Bench) -> DumpOperation:
    request = DumpRequest(
        bench.lab.server_pid, str(bench.lab.images), holds=frozenset({Hold.IMAGES_COMPLETE}), keep_peer=True
    )
    return DumpOperation(prepare_dump(request))


def _held_until_answered(operation: Operation, then: Callable[[], None]) -> tuple[Progress, PeerKeeping]:
    """Run it, and answer its hold once the peer was answered; its end, and how it stood then."""
    at_hold: list[PeerKeeping] = []

    def publish(progress: Progress) -> None:
        if progress.held and progress.keeping and progress.keeping.answered and not at_hold:
            at_hold.append(progress.keeping)
            then()

    operation.start(publish)
    done = operation.wait(OPERATION_S)
    return done, at_hold[0]


def _ended() -> list[str]:
    """How every keeper has ended."""
    deadline = time.monotonic() + DEADLINE_S
    while any(not each.ended for each in entries()) and time.monotonic() < deadline:
        time.sleep(0.02)  # a journal tells nobody that it grew
    return [each.transitions[-1] for each in entries() if each.kind == "keeper"]


def test_from_the_hold_of_a_dump_until_the_restore_is_done(bench: Bench) -> None:
    dumping = _dump(bench)
    dumped, held = _held_until_answered(dumping, dumping.proceed)
    assert dumped.outcome is Outcome.SUCCEEDED, dumped.error
    assert dumped.keeping is not None
    assert dumped.keeping.pid == held.pid
    request = RestoreRequest(str(bench.lab.images), holds=frozenset({Hold.RESTORED}), keep_peer=True)
    restoring = RestoreOperation(prepare_restore(request))
    restored, found = _held_until_answered(restoring, restoring.proceed)
    assert restored.outcome is Outcome.SUCCEEDED, restored.error
    assert found.pid == held.pid, "another keeper beside the one of the dump"
    bench.assert_alive()
    assert _ended() == ["ended: released"]


def test_a_restore_has_one_of_its_own_where_nobody_answers(dumped: Bench) -> None:
    request = RestoreRequest(str(dumped.lab.images), holds=frozenset({Hold.RESTORED}), keep_peer=True)
    restoring = RestoreOperation(prepare_restore(request))
    restored, _ = _held_until_answered(restoring, restoring.proceed)
    assert restored.outcome is Outcome.SUCCEEDED, restored.error
    dumped.assert_alive()
    assert _ended() == ["ended: released"]


def test_a_dump_that_is_turned_back_ends_it(bench: Bench) -> None:
    dumping = _dump(bench)
    progress, _ = _held_until_answered(dumping, dumping.turn_back)
    assert progress.outcome is Outcome.TURNED_BACK, progress.error
    bench.assert_alive()
    (ending,) = _ended()
    assert ending in {"ended: released", "ended: stopped"}
