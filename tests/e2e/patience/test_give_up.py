"""The kernel gives up when we say that it will: every case waits at the same time, on a network of its own."""

import statistics

import pytest

from workbench.lab.patience import Watched, watch
from workbench.lab.patience_cases import CASES

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def watched() -> list[Watched]:
    return watch(CASES.values())


def test_each_end_lies_in_every_range_that_was_foretold(watched: list[Watched]) -> None:
    assert {each.case.name for each in watched} == CASES.keys()
    for each in watched:
        assert len(each.told) >= 4, each.case
        assert each.misses == [], each.case


def test_ranges_are_narrow(watched: list[Watched]) -> None:
    """On the edge between two time-outs a range is as long as the last of them, about half of the whole."""
    for each in watched:
        assert each.ended is not None
        whole = each.ended - each.began
        # Of what no process has open it is not told whether it was armed for a minute: then it fires up to 2 s late.
        assert each.widest <= 0.6 * whole + (2.2 if each.waiting.held is None else 0.2), each.case
        if each.waiting.held is not None:  # all that decides is known
            assert statistics.median(told.most - told.least for told in each.told) <= 0.15 * whole + 0.1, each.case
