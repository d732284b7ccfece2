"""The completion scripts, and what bash completes with them."""

import shlex
import subprocess

import pytest

from workbench.cli.completion import SHELLS
from workbench.cli.main import COMMANDS, run


def _script(shell: str, capsys: pytest.CaptureFixture[str]) -> str:
    assert run(["completion", shell]) == 0
    return capsys.readouterr().out


def _bash(script: str, words: str) -> list[str]:
    """What bash offers for the last of these words, the way readline asks."""
    split = words.split(" ")
    asked = (
        f"COMP_WORDS=({' '.join(map(shlex.quote, split))}); COMP_CWORD={len(split) - 1}; "
        f"_shtab_workbench workbench {shlex.quote(split[-1])} {shlex.quote(split[-2])}; "
        'printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True, check=True, timeout=30)
    return done.stdout.split()


@pytest.mark.parametrize("shell", SHELLS)
def test_every_script_knows_commands_codes_and_scenarios(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    script = _script(shell, capsys)
    for word in ("explain", "NFT001", "--select", "many-connections", "recover"):
        assert word in script


def test_bash_takes_the_script_and_completes(capsys: pytest.CaptureFixture[str]) -> None:
    script = _script("bash", capsys)
    subprocess.run(["bash", "-n"], input=script, text=True, check=True, timeout=30)
    assert _bash(script, "workbench expl") == ["explain"]
    assert {"NFT001", "NFT003"} <= set(_bash(script, "workbench explain NFT"))
    assert _bash(script, "workbench explain netlock-half") == ["netlock-half"]
    assert _bash(script, "workbench check --select SCK006") == ["SCK006"]
    assert "IMG" in _bash(script, "workbench check --ignore IMG")
    assert _bash(script, "workbench check --select NFT001,SCK006") == ["NFT001,SCK006"]
    assert {"NFT001,SCK,IMG001", "NFT001,SCK,IMG"} <= set(_bash(script, "workbench check --select NFT001,SCK,IMG"))
    assert "NFT001,NFT001" not in _bash(script, "workbench check --select NFT001,NFT")
    assert _bash(script, "workbench check --select NFT001,NO-SUCH") == []
    assert _bash(script, "workbench lab run many") == ["many-connections"]
    assert _bash(script, "workbench check --form") == ["--format"]
    assert set(_bash(script, "workbench check --format js")) == {"json", "jsonl"}


def test_completion_changes_nothing_of_what_is_accepted(capsys: pytest.CaptureFixture[str]) -> None:
    _script("bash", capsys)
    assert run(["explain", "NFT00"]) == 2
    assert "did you mean NFT00" in capsys.readouterr().err


def test_every_command_is_offered(capsys: pytest.CaptureFixture[str]) -> None:
    offered = set(_bash(_script("bash", capsys), "workbench "))
    # a module may register several commands under names of their own
    assert {name for name in COMMANDS if name != "sections"} <= offered
