"""Hand-offs with somebody killed: one side or the other has the connection, nobody stays stopped; more in soak."""

from collections.abc import Iterator

import pytest

from tests.broken_handoff import Play, nothing_is_left, stage

pytestmark = pytest.mark.root


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    with stage(tmp_path_factory.mktemp("state")) as playing:
        yield playing


@pytest.mark.parametrize("killed", ["workbench", "watchdog"])
@pytest.mark.parametrize("stage", ["stopped", "taken away", "passed on"])
def test_the_old_owner_goes_on_as_if_nothing_had_been(play: Play, stage: str, killed: str) -> None:
    found = play(stage, killed)
    assert found["answers"] == ["owner"] * 3
    assert found["old"] == ""
    nothing_is_left(found)


@pytest.mark.parametrize("killed", ["workbench", "watchdog"])
def test_what_the_recipient_was_given_stays_with_it(play: Play, killed: str) -> None:
    found = play("given", killed)
    assert found["answers"] == ["owner", "recipient", "recipient"]
    assert found["old"] == "EOF"
    nothing_is_left(found)


@pytest.mark.parametrize("stage", ["restored", "passed on"])
def test_a_recipient_that_dies_costs_nothing(play: Play, stage: str) -> None:
    found = play(stage, "recipient")
    assert found["said"].startswith("with its old owner: ")
    assert found["answers"] == ["owner"] * 3
    assert found["old"] == ""
    nothing_is_left(found)


def test_an_owner_that_dies_meanwhile_does_not_stop_it(play: Play) -> None:
    found = play("taken away", "owner")
    assert found["said"].startswith("handed over: ")
    assert found["answers"] == ["owner", "recipient", "recipient"]
    nothing_is_left(found)


def test_an_address_that_had_moved_along_comes_back(play: Play) -> None:
    found = play("moving the address", "workbench", "away")
    assert found["answers"] == ["owner"] * 3
    assert found["address"] == "here"
    nothing_is_left(found)


def test_on_another_host_it_stays_with_its_address(play: Play) -> None:
    found = play("given", "watchdog", "away")
    assert found["answers"] == ["owner", "recipient", "recipient"]
    assert found["address"] == "away"
    assert found["old"] == "EOF"
    nothing_is_left(found)


@pytest.mark.parametrize(
    ("stage", "killed", "way"), [("in the file", "workbench", "into"), ("passed on", "watchdog", "on")]
)
def test_what_is_in_a_file_can_be_handed_on_after_all(play: Play, stage: str, killed: str, way: str) -> None:
    found = play(stage, killed, way)
    assert found["left_in_file"]
    assert found["answers"] == ["owner", "recipient", "recipient"]
    assert found["old"] == "EOF"
    nothing_is_left(found)


def test_by_way_of_a_file_with_a_keeper(play: Play) -> None:
    found = play("file", "")
    assert found["said"] == "in a file; ESTABLISHED; handed over; released; True; 1"
    assert found["answers"] == ["owner", "recipient", "recipient"]
    assert found["old"] == "EOF"
    assert found["tables"] == ""
    assert found["stopped"] == []
    assert found["unfinished"] == []


def test_a_program_is_started_for_it(play: Play) -> None:
    found = play("command", "")
    assert found["said"] == "handed over"
    assert found["answers"] == ["owner", "command", "command"]
    nothing_is_left({**found, "files": []})
