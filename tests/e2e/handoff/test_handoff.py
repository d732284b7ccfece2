"""Hand-offs on a stage, also with somebody killed: one side or the other has the connection, nobody stays stopped."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Protocol

import pytest

pytestmark = pytest.mark.root

PROGRAM = Path(__file__).parent / "stage.py"


class Play(Protocol):
    def __call__(self, stage: str, victim: str) -> dict[str, Any]: ...


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """One hand-off in which ``victim`` is killed at ``stage``."""
    environment = {**os.environ, "WORKBENCH_STATE": str(tmp_path_factory.mktemp("state"))}
    with subprocess.Popen(
        ["unshare", "--net", "--", sys.executable, str(PROGRAM)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    ) as stage_process:
        assert stage_process.stdin is not None
        assert stage_process.stdout is not None
        stdin, stdout = stage_process.stdin, stage_process.stdout

        def one(stage: str, victim: str) -> dict[str, Any]:
            stdin.write(f"{stage}|{victim}\n")
            stdin.flush()
            found: dict[str, Any] = json.loads(stdout.readline())
            return found

        yield one
        stdin.close()


def nothing_is_left(found: dict[str, Any]) -> None:
    assert found["stopped"] == []
    assert found["tables"] == ""
    assert found["unfinished"] == []
    assert found["files"] == []


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
