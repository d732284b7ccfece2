"""Every course of a scenario with real CRIU and real rules: the checks find what they should, and nothing else."""

import pytest

from workbench.checking import Severity
from workbench.lab.acts import ACTS, perform
from workbench.lab.lab import Lab
from workbench.lab.run import run
from workbench.lab.scenario import Act, load, names

pytestmark = [pytest.mark.root, pytest.mark.criu]

ELSEWHERE = {"locks", "patience"}
"""A shorter course of one is in test_locks, the other is what tests/e2e/patience looks at."""
COURSES = [name for name in names() if load(name).course and name not in ELSEWHERE]
HEALTHY = ("busy-host", "ready-to-dump", "ready-to-restore", "lock-waiting")


@pytest.mark.parametrize("name", COURSES)
def test_the_checks_find_what_is_to_be_found_and_nothing_else(name: str) -> None:
    ran = run(load(name))
    assert ran.amiss == ()
    if name in HEALTHY:
        assert {finding.severity for finding in ran.findings} <= {Severity.NOTE}


def test_there_are_healthy_ones() -> None:
    assert set(HEALTHY) <= set(COURSES)


def test_a_course_that_goes_astray_says_where() -> None:
    with Lab(load("lock-waiting")) as lab:
        perform(lab, Act("dump", {}))
        with pytest.raises(Exception, match="the restore succeeded, which was not meant"):
            perform(lab, Act("restore", {"fails": True}))


def test_every_act_is_performed_in_some_course() -> None:
    assert {act.act for name in names() for act in load(name).course} == ACTS.keys()
