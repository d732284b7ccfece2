"""docs/states.md says what is so: every state is made, looked at, dumped and restored."""

import pytest

from tests.e2e.preflight.conftest import Start
from tests.e2e.preflight.states import PAGE, STATES, State, rows
from workbench.evidence import TcpState

pytestmark = [pytest.mark.root, pytest.mark.criu]


@pytest.mark.parametrize("state", STATES, ids=lambda state: state.title)
def test_the_page_has_its_rows(start: Start, state: State) -> None:
    found = rows(state, start(state.kind))
    written_down = PAGE.read_text().splitlines()
    assert found.timers in written_down, "run: python -m tests.e2e.preflight.states"
    assert found.fate in written_down, "run: python -m tests.e2e.preflight.states"


def test_no_state_is_missing() -> None:
    told = {each.state for each in STATES}
    assert told == set(TcpState) - {TcpState.NEW_SYN_RECV, TcpState.BOUND_INACTIVE}
    assert sum(line.startswith("| ") for line in PAGE.read_text().splitlines()) == 2 * len(STATES) + 4
