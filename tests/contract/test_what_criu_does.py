"""The table of what CRIU does has a row for each kind that is tried, and no other."""

from itertools import pairwise

from tests.e2e.preflight.kinds import KINDS, SECTIONS
from tests.e2e.preflight.table import HEADER, PAGE
from workbench.checking.survival.options import KEPT


def test_a_row_for_each_kind_in_order() -> None:
    text = PAGE.read_text()
    places = [text.index(f"\n| {kind.title} | {kind.answer.words}") for kind in KINDS]
    assert all(one < other for one, other in pairwise(places))
    assert sum(line.startswith("| ") for line in text.splitlines()) == len(KINDS) + len(SECTIONS) * 2
    assert text.count(HEADER) == len(SECTIONS)


def test_names_of_kinds_are_unique() -> None:
    assert len({kind.name for kind in KINDS}) == len({kind.title for kind in KINDS}) == len(KINDS)


def test_options_that_are_kept() -> None:
    kept = next(line for line in PAGE.read_text().splitlines() if line.startswith("Saved and set again"))
    assert kept.count("`") == 2 * len(KEPT)
