"""--help on a narrow terminal: sentences are broken between words, examples are not."""

import pytest

from workbench.cli.main import COMMANDS, build_parser

WIDTH = 80


@pytest.mark.parametrize("command", COMMANDS)
def test_sentences_fill_the_terminal_and_no_more(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    with pytest.raises(SystemExit):
        build_parser([command]).parse_args([command, "--help"])
    said = capsys.readouterr().out.splitlines()
    assert [line for line in said if len(line) > WIDTH and not line.startswith(" ")] == []


def test_examples_keep_their_columns(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("COLUMNS", str(WIDTH))
    with pytest.raises(SystemExit):
        build_parser(["compare"]).parse_args(["compare", "--help"])
    assert "\n  workbench compare images live                 was everything restored" in capsys.readouterr().out
