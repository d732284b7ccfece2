"""Either half of a migration killed: after ``recover`` the process lives once, and its client goes on."""

from collections.abc import Iterator

import pytest

from tests.broken_migration import break_off, other, unfinished
from workbench.lab import marker
from workbench.lab.lab import Lab
from workbench.lab.migrating import migrate
from workbench.lab.scenario import load

pytestmark = [pytest.mark.root, pytest.mark.criu]

STAGES = (
    ("source", "address gone"),
    ("source", "handed over"),
    ("destination", "restored here"),
)
"""Those after which somebody else must act; all others are in ``make soak``."""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with Lab(load("migrate-v6")) as made:
        yield made


@pytest.mark.parametrize(("side", "stage"), STAGES)
def test_it_lives_once_and_goes_on(lab: Lab, side: str, stage: str) -> None:
    break_off(lab, side, stage)


def test_nothing_is_left_of_it(lab: Lab) -> None:
    assert not [*marker.MEMORY.glob(f"{marker.SCRATCH_PREFIX}{lab.id}-*")]
    assert not unfinished(lab)


def test_it_can_move_again(lab: Lab) -> None:
    measured = migrate(lab, to=other(lab))
    assert measured["sent_while_written_bytes"], "nothing travelled before all was written"
