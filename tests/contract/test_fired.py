"""Every check fires in a scenario of the lab, or on a recording of one, and on all that is sound it stays quiet."""

import pytest

from tests.contract.test_log_messages import MESSAGES
from tests.e2e.preflight.kinds import KINDS
from tests.e2e.preflight.test_restore import CASES
from tests.unit.checks.test_other_formats import FIRED, MADE_OF_THEM
from tests.unit.checks.test_recordings import LOCKS
from workbench.checking.loading import Entry, entries
from workbench.lab.scenario import load, names

LIBRARY = tuple(entry for entry in entries() if not entry.own)
IN_SCENARIOS = {code for name in names() for code in load(name).expectation.checks}
"""Each is seen to fire when the course is followed (tests/e2e/lab)."""
ON_RECORDINGS = {code for codes in LOCKS.values() for code in codes} | {"IMG010"}
"""Each is seen to fire on what was recorded (tests/unit/checks/test_recordings.py)."""
ON_FORMATS = {code for codes in FIRED.values() for code in codes} | MADE_OF_THEM
"""Each is seen to fire on what other tools recorded (tests/unit/checks/test_other_formats.py)."""
ON_PACKETS = {"PKT001", "PKT002", "PKT003", "PKT004", "PKT005"}
"""Each is seen to fire on a capture, recorded or made packet by packet (tests/unit/checks/test_packets.py), or on
events of a connection that was reset (tests/e2e/events/test_routed_resets.py).
"""
ON_SUBJECTS = {kind.cause for kind in KINDS}
"""By name; each is seen to fire on a real process before CRIU is asked to dump it (tests/e2e/preflight)."""
ON_RESTORES = {code for case in CASES for code in case.codes}
"""Each is seen to fire on real images before CRIU is asked to restore them (tests/e2e/preflight/test_restore.py)."""
ON_MESSAGES = {name for name, _ in MESSAGES}
"""By name; each is seen to fire on what CRIU and container engines print (tests/contract/test_log_messages.py)."""
NOT_MADE_HERE = {
    "ENV001": "no CRIU", "ENV002": "an old CRIU", "ENV003": "a CRIU that fails", "ENV004": "no root",
    "ENV005": "no iptables", "ENV006": "a kernel without repair mode",
    "SCK004": "a kernel with TLS",
}  # fmt: skip
"""What it would take: another machine. Their tests are those of tests/unit/checks."""


def _fires(entry: Entry) -> bool:
    return (
        entry.code in IN_SCENARIOS | ON_RECORDINGS | ON_FORMATS | ON_PACKETS | ON_RESTORES
        or entry.name in ON_SUBJECTS
        or (entry.code.startswith("LOG") and entry.name in ON_MESSAGES)
    )


@pytest.mark.parametrize("entry", LIBRARY, ids=lambda entry: entry.code)
def test_each_fires_somewhere(entry: Entry) -> None:
    assert _fires(entry) is (entry.code not in NOT_MADE_HERE)


def test_what_is_not_made_here_are_checks() -> None:
    assert {entry.code for entry in LIBRARY} >= NOT_MADE_HERE.keys()


def test_what_scenarios_expect_are_checks() -> None:
    assert {entry.code for entry in LIBRARY} >= IN_SCENARIOS


def test_there_are_scenarios_on_which_nothing_must_be_found() -> None:
    """Of those with findings each judges all checks that it does not expect: none may warn."""
    quiet = [name for name in names() if not load(name).expectation.checks]
    assert {"established", "loopback", "busy-host", "ready-to-dump"} <= set(quiet)
