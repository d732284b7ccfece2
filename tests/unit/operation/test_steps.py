"""Steps and times from real lines of CRIU's log."""

import pytest

from workbench.operation.lock_cost import LockClock, expected_ms
from workbench.operation.machine import Phase, State
from workbench.operation.progress import Outcome, StepState
from workbench.operation.request import Hold, LockMethod
from workbench.operation.steps import Course
from workbench.read.criu_log import parse_line

DUMP = """\
(00.053807) Running pre-dump scripts
(00.053849) 	RPC
(00.097086) Seized task 3477, state 1
(00.097138) Collected 3477 in 1 state
(00.097196) net: Lock network
(00.635442) RPC NOTIFY query-ext-files: no `opts` returned.
(00.647772) Dumping opened files (pid: 3477)
(00.648246) 	Running nftables [add element inet CRIU-8e conns4 { 10.9.0.1 . 34168 . 10.9.0.2 . 7000 }]
(00.648847) 	Running nftables [add element inet CRIU-8e conns4 { 10.9.0.2 . 7000 . 10.9.0.1 . 34168 }]
pie: 3477: a line without a time
(00.649447) tcp: Done
(00.650000) Dumping pages (type: 58 pid: 3477)
(00.657400) Writing image inventory (version 1)
(00.657461) Running post-dump scripts
""".splitlines()
IPTABLES = """\
(00.060000) net: Lock network
(00.061000) Collected, longest area occupies 691 pages
(00.070000) 	Running iptables [iptables -w -t filter -I INPUT --protocol tcp]
(00.075000) Locked 10.0.0.1:1 - 10.0.0.2:2 connection
(00.075100) 	Running iptables [iptables -w -t filter -I OUTPUT --protocol tcp]
(00.079100) Locked 10.0.0.2:2 - 10.0.0.1:1 connection
""".splitlines()


def course(lines: list[str], **waited: float) -> Course:
    made = Course()
    for name, seconds in waited.items():
        made.waited(name.replace("_", "-"), seconds)
    for number, line in enumerate(lines, 1):
        made.add(parse_line(number, line))
    return made


def clock(lines: list[str], notified_s: float = 0.0) -> float | None:
    made = LockClock()
    made.notified_s = notified_s
    for number, line in enumerate(lines, 1):
        made.add(parse_line(number, line))
    return made.milliseconds


def test_the_lock_costs_what_its_commands_take() -> None:
    assert clock(IPTABLES) == pytest.approx(1 + 5 + 4)
    assert clock(DUMP[:3]) is None


def test_waiting_for_an_answer_is_not_the_locks_time() -> None:
    assert clock(DUMP, notified_s=0.53) == pytest.approx(8.246 + 1.201, abs=0.01)


def test_a_dump_step_by_step() -> None:
    made = course(DUMP, pre_dump=0.043, query_ext_files=0.53)
    steps = made.steps(State("dump", phase=Phase.IMAGES_COMPLETE, held=Hold.IMAGES_COMPLETE), locks=True)
    assert [(step.name, step.state) for step in steps] == [
        ("plan", StepState.DONE),
        ("frozen", StepState.DONE),
        ("locked", StepState.DONE),
        ("images", StepState.HELD),
        ("ended", StepState.TODO),
    ]
    took = {step.name: step.milliseconds for step in steps}
    assert took["frozen"] == pytest.approx(0.3, abs=0.1)
    assert took["locked"] == pytest.approx(9.4, abs=0.1)
    assert took["images"] == pytest.approx(560.2 - 530 - 9.4, abs=0.2)


@pytest.mark.parametrize(
    ("outcome", "states"),
    [
        (None, [StepState.DONE, StepState.RUNNING, StepState.TODO]),
        (Outcome.FAILED, [StepState.DONE, StepState.FAILED, StepState.SKIPPED]),
        (Outcome.TURNED_BACK, [StepState.DONE, StepState.SKIPPED, StepState.SKIPPED]),
    ],
)
def test_what_was_not_reached(outcome: Outcome | None, states: list[StepState]) -> None:
    phase = Phase.STARTED if outcome is None else Phase.OVER
    steps = course(DUMP[:2]).steps(State("dump", phase=phase, outcome=outcome), locks=False)
    assert [step.state for step in steps][:3] == states


def test_a_doubtful_restore_fails_at_its_proof() -> None:
    steps = Course().steps(State("restore", phase=Phase.OVER, outcome=Outcome.DOUBTFUL), locks=True)
    assert steps[-1].name == "proved"
    assert steps[-1].state is StepState.FAILED


@pytest.mark.parametrize("method", [LockMethod.NFTABLES, LockMethod.IPTABLES])
def test_the_expected_cost_grows_with_the_connections(method: LockMethod) -> None:
    costs = [expected_ms(method, count) or 0.0 for count in (1, 2, 10, 50, 1_000, 4_000, 20_000)]
    assert costs == sorted(costs)
    assert len(set(costs)) == len(costs)


def test_no_lock_costs_nothing() -> None:
    assert expected_ms(LockMethod.SKIP, 5) is None
    assert expected_ms(LockMethod.NFTABLES, 0) is None
