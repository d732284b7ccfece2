"""Fifty migrations in a row, and each half killed at each stage: a client of 6 MB/s each way misses no byte."""

import sys
from collections.abc import Iterator
from statistics import median

import pytest

from tests.broken_migration import break_off, other
from workbench.lab.awaiting import await_data
from workbench.lab.lab import Lab
from workbench.lab.migrating import migrate
from workbench.lab.scenario import load

pytestmark = [pytest.mark.root, pytest.mark.criu]

MIGRATIONS = 50
ROUNDS = 7
STAGES = {
    "source": ("begun", "criu started", "pre-dump", "frozen", "images complete", "address gone", "letting go",
               "criu succeeded", "handed over"),
    "destination": ("begun", "lock and address come", "restoring", "criu started", "pre-restore", "restored",
                    "restored here", "taken over", "releasing", "pre-resume", "criu succeeded"),
}  # fmt: skip
"""Transitions of the two journals."""


@pytest.fixture(scope="module", params=["migrate-v6"])
def lab(request: pytest.FixtureRequest) -> Iterator[Lab]:
    with Lab(load(request.param)) as made:
        yield made


@pytest.mark.parametrize(("side", "stage"), [(side, stage) for side, stages in STAGES.items() for stage in stages])
def test_it_lives_once_and_goes_on(lab: Lab, side: str, stage: str) -> None:
    break_off(lab, side, stage)


@pytest.mark.timeout(1800)
def test_no_byte_is_missing_after_many_migrations(lab: Lab) -> None:
    for _ in range(MIGRATIONS):
        migrate(lab, to=other(lab))
        await_data(lab, count=1_000_000)


def test_images_that_travel_while_criu_writes_shorten_the_standstill() -> None:
    """From frozen to released, against a dump, a copy and a restore one after the other; the same process, in turn."""
    took: dict[bool, list[float]] = {False: [], True: []}
    with Lab(load("migrate")) as lab:
        for _ in range(ROUNDS):
            for after, times in took.items():
                times.append(float(str(migrate(lab, to=other(lab), after=after)["stopped_ms"])))
                await_data(lab, count=100_000)
    sys.stdout.write(f"\nstanding still, ms: travelling ahead {took[False]}, one after the other {took[True]}\n")
    assert median(took[False]) < median(took[True])
