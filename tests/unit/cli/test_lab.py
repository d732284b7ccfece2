"""``workbench lab`` without touching the host."""

import argparse
import json

import pytest

from workbench.cli import lab
from workbench.errors import WorkbenchError
from workbench.lab.scenario import load, names


def workbench(*words: str) -> int:
    parser = argparse.ArgumentParser()
    lab.register(parser.add_subparsers())
    options = parser.parse_args(["lab", *words])
    return int(options.func(options))


@pytest.mark.parametrize("words", [(), ("list",)])
def test_the_list_has_every_scenario_with_its_title(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert workbench(*words) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(names())
    assert all(load(name).title in line for name, line in zip(names(), lines, strict=True))
    assert max(map(len, lines)) <= 100


def test_the_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert workbench("list", "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert {row["name"] for row in document["scenarios"]} == set(names())


@pytest.mark.parametrize("name", names())
def test_a_scenario_is_shown_in_full(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert workbench("show", name) == 0
    text = capsys.readouterr().out
    scenario = load(name)
    assert scenario.shows.strip() in text
    assert scenario.server.listen in text
    assert workbench("show", name, "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    if operation := scenario.operation:
        assert document["operation"] == {"lock": operation.lock.value, "policy": operation.policy.value}
    assert [row["act"] for row in document["course"]] == [act.act for act in scenario.course]
    assert document["situation"]["state"] == scenario.situation.state.name


@pytest.mark.parametrize("action", ["show", "run", "up"])
def test_an_unknown_scenario_is_refused_with_those_that_are_there(action: str) -> None:
    with pytest.raises(WorkbenchError, match="established-v6"):
        workbench(action, "nothing")


def test_a_lock_method_that_criu_does_not_have_is_refused() -> None:
    with pytest.raises(SystemExit):
        workbench("run", "established", "--lock", "ipset")
