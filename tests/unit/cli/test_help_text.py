"""--help on a narrow terminal: sentences are broken between words, examples are not."""

import re
import shlex

import pytest

from workbench.checking.loading import entries
from workbench.checking.selection import named
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
    assert "\n  workbench compare images live                  was everything restored" in capsys.readouterr().out


def _examples(said: str) -> list[list[str]]:
    """Each as the words of its command line: what stands behind two spaces, a pipe or ``>`` is not for the parser."""
    lines = re.findall(r"^ +(?:\w+   )?(?:source <\()?(workbench .*)", said, re.MULTILINE)
    return [shlex.split(re.split(r" {2,}| [|>] |\)$|\) ", line)[0])[1:] for line in lines]


@pytest.mark.parametrize("command", [[], *([command] for command in COMMANDS)], ids=" ".join)
def test_every_command_has_examples_and_each_can_be_typed(
    command: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    with pytest.raises(SystemExit):
        build_parser(COMMANDS).parse_args([*command, "--help"])
    examples = _examples(capsys.readouterr().out.partition("\nexamples:\n")[2])
    assert examples, "it has none"
    for words in examples:
        if words[:1] not in ([], ["--lab"]):  # the application has no parser
            options = build_parser().parse_args(words)
            assert callable(options.func), words
            if words[0] == "explain":
                assert named(entries(), options.check), words
    assert any(words[:1] == command[:1] for words in examples), "of this command"
