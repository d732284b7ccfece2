"""Somebody killed at every stage of a hand-off, to every place: the connection is at one side, or waits in its file."""

from collections.abc import Iterator

import pytest

from tests.broken_handoff import Play, nothing_is_left, stage

pytestmark = pytest.mark.root

TAKING = ("locking", "stopped", "exported", "taking away", "taken away")
GIVING = ("restored", "passed on")
STAGES = {
    "here": (*TAKING, *GIVING, "given"),
    "away": (*TAKING, "moving the address", *GIVING, "given"),
    "into": (*TAKING, "in the file"),
    "on": ("locking", *GIVING, "given"),
}
"""Of each way; ``given`` is the last at which it is decided whose it is."""
WORKBENCH_DIES = [
    (at, who, way) for way, stages in STAGES.items() for at in stages for who in ("workbench", "watchdog")
]
RECIPIENT_DIES = [(at, way) for way in ("here", "away", "on") for at in ("locking", *GIVING)]
OWNER_DIES = [(at, way) for way in ("here", "away", "into") for at in STAGES[way] if at != "moving the address"]


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    with stage(tmp_path_factory.mktemp("state")) as playing:
        yield playing


@pytest.mark.parametrize(("at", "who", "way"), WORKBENCH_DIES)
def test_of_a_workbench_nothing_is_left(play: Play, at: str, who: str, way: str) -> None:
    found = play(at, who, way)
    moved = at in {"given", "in the file"} or way == "on"
    assert found["answers"] == ["owner", *(["recipient"] if moved else ["owner"]) * 2], found
    assert found["address"] == ("away" if way == "away" and moved else "here")
    assert found["left_in_file"] is (at == "in the file" or (way == "on" and at != "given"))
    nothing_is_left(found)


@pytest.mark.parametrize(("at", "way"), RECIPIENT_DIES)
def test_a_recipient_that_dies_costs_nothing(play: Play, at: str, way: str) -> None:
    found = play(at, "recipient", way)
    assert found["answers"] == ["owner", *(["recipient"] if way == "on" else ["owner"]) * 2], found
    assert found["address"] == "here"
    nothing_is_left(found)


@pytest.mark.parametrize(("at", "way"), OWNER_DIES)
def test_an_owner_that_dies_does_not_stop_it(play: Play, at: str, way: str) -> None:
    found = play(at, "owner", way)
    assert found["answers"] == ["owner", "recipient", "recipient"], found
    nothing_is_left(found)
