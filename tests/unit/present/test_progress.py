from dataclasses import replace

import pytest

from workbench.evidence import Connection, DumpStats, Endpoint, LogLine, RestoreStats
from workbench.operation.plan import Plan
from workbench.operation.progress import Outcome, PeerKeeping, Progress, Proof, Step, StepState, Verdict
from workbench.operation.request import Hold, RestoreRequest
from workbench.present.line import plain_lines, wrapped
from workbench.present.operation import lock_lines, steps_line
from workbench.present.progress import report_lines, step_line

CONNECTION = Connection(Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.1", 56692))
PLAN = Plan("restore", RestoreRequest("/img"), "Restore server 4645", (), (), (CONNECTION,), (), "", 0, None, None)


def _progress(**changes: object) -> Progress:
    values: dict[str, object] = {"plan": PLAN, "elapsed_ms": 340.0, "steps": (Step("plan", StepState.DONE, 1.0),)}
    return Progress(**(values | changes))  # type: ignore[arg-type]


def test_steps_differ_without_colour() -> None:
    marks = {step_line(Step("locked", state, 4.0))[:3] for state in StepState}
    assert len(marks) == len(StepState)


@pytest.mark.parametrize("width", range(12, 90))
def test_no_step_is_broken_over_two_lines(width: int) -> None:
    steps = tuple(Step("images", state, 20.0) for state in StepState)
    rows = plain_lines(wrapped([steps_line(_progress(steps=steps))], width))
    if width >= max(len(step_line(step)) for step in steps) + 2:
        assert all(row.count("[") == row.count("images") == row.count("ms") for row in rows), rows


def test_the_proof_is_told_in_plain_words_with_both_values() -> None:
    proof = Proof(
        CONNECTION,
        Verdict.CONTINUED,
        "data flowed both ways after the restore",
        {"state": ("ESTABLISHED", "ESTABLISHED"), "snd_una": {"before": 5, "after": 9}},
        bytes_checked=590,
    )
    lines = report_lines(_progress(outcome=Outcome.SUCCEEDED, proofs=(proof,), restored_pid=4645))
    text = "\n".join(lines)
    assert "1 of 1 connection proved to go on" in text
    assert "10.0.0.2:7022 -> 10.0.0.1:56692  goes on" in text
    assert "590 bytes of its queues compared one by one" in text
    assert "snd_una 5 -> 9" in text
    assert "state ESTABLISHED" in text
    assert "No lock of these connections is left." in text


def test_a_failure_shows_why_and_the_log_without_its_harmless_errors() -> None:
    log = (
        LogLine(1, "Error (criu/x.c): harmless", level="error", harmless=True),
        LogLine(2, "Error (criu/sk-inet.c): In-flight \x1b[1m", level="error"),
    )
    lines = report_lines(_progress(outcome=Outcome.FAILED, error="CRIU refused: wait", log=log))
    assert "  CRIU refused: wait" in lines
    assert r"  Error (criu/sk-inet.c): In-flight \x1b[1m" in lines
    assert not any("harmless" in each for each in lines)


def test_criu_numbers_tell_what_of_the_frozen_time_was_the_lock() -> None:
    stats = DumpStats(900, 31_200, 4_000, 6_000, 2000, 1010)
    lines = report_lines(_progress(outcome=Outcome.SUCCEEDED, dump_stats=stats, lock_ms=4.0))
    assert "  frozen          31 ms, 4.0 ms of it for the lock" in lines


@pytest.mark.parametrize(
    ("keeping", "said"),
    [
        (PeerKeeping(), "the keeper begins ..."),
        (PeerKeeping(99, 3), "peers kept by process 99: 3 answers"),
        (PeerKeeping(0, 1, ending="released"), "peers released after 1 answer of their keeper"),
        (PeerKeeping(problem="no packets \x1b[1m"), r"nobody answers the peers: no packets \x1b[1m"),
    ],
)
def test_who_keeps_the_peers_is_told_at_the_end_and_meanwhile(keeping: PeerKeeping, said: str) -> None:
    done = report_lines(_progress(outcome=Outcome.SUCCEEDED, keeping=keeping))
    assert done[done.index("Peers") + 1] == f"  {said}"
    assert said in plain_lines(lock_lines(_progress(keeping=keeping)))
    assert "Peers" not in report_lines(_progress(outcome=Outcome.SUCCEEDED))


def test_a_restore_that_was_held_is_not_called_slow() -> None:
    stats = RestoreStats(2_600_000, 20, 2138)
    assert "  restored in     2.6 s" in report_lines(_progress(restore_stats=stats))
    held = replace(PLAN, request=RestoreRequest("/img", holds=frozenset({Hold.RESTORED})))
    assert "  restored in     2.6 s, the time held included" in report_lines(_progress(plan=held, restore_stats=stats))
