"""How the other half of a migration is named, and what its command says if it cannot be reached."""

import os
import sys

import pytest

from workbench.cli.main import build_parser, run
from workbench.operation.migration.transport import Transport


def test_all_that_stands_after_the_dashes_is_the_command() -> None:
    words = ["migrate", "send", "4645", "--plan", "--format", "json", "--", "ssh", "-p", "22", "host", "--plan", "x"]
    options = build_parser().parse_args(words)
    assert options.to == ["ssh", "-p", "22", "host", "--plan", "x"]
    assert (options.pid, options.plan, options.format) == (4645, True, "json")


def test_a_command_may_have_dashes_of_its_own() -> None:
    """As `nsenter`, `env` and `kubectl exec` take them."""
    command = ["nsenter", "--target=9", "--net", "--", "env", "A=b", "--", "workbench", "migrate", "receive"]
    options = build_parser().parse_args(["migrate", "send", "4645", "--yes", "--", *command])
    assert options.to == command
    assert options.yes


def test_the_other_half_takes_no_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["migrate", "receive", "--", "ssh"])
    assert "unrecognized arguments: -- ssh" in capsys.readouterr().err


@pytest.mark.parametrize("words", [(), ("--on-descriptor", "3", "--", "ssh", "host")])
def test_there_is_one_way_to_the_other_half(words: tuple[str, ...], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["migrate", "send", "1", *words]) == 2
    assert "after --" in capsys.readouterr().err


def test_a_command_that_ends_at_once_is_quoted() -> None:
    with Transport.through([sys.executable, "-c", "import sys; sys.exit('ssh: no route')"]) as way:
        assert way.complaint == "ssh: no route"
        assert os.getpid() in way.pids


def test_a_command_that_lives_has_nothing_to_complain_of() -> None:
    with Transport.through(["cat"]) as way:
        way.channel.send("hello", {"to": "myself"})
        assert way.channel.receive(20) == {"is": "hello", "to": "myself"}
        assert len(way.pids) == 2


def test_the_receiving_half_talks_to_nobody_but_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    assert run(["migrate", "receive"]) == 2
