import subprocess
import sys
from pathlib import Path

import pytest

from workbench import main


def _interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("place", ["workbench.cli.main.build_parser", "workbench.cli.doctor.doctor"])
def test_ctrl_c_is_told_in_one_line_at_any_moment(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(place, lambda *_: _interrupt())
    assert main.main(["doctor"]) == 130
    assert capsys.readouterr().err == "workbench: interrupted\n"


@pytest.mark.parametrize("words", [("checks",), ("explain", "NFT001"), ("check", "-o", "/dev/full")])
def test_a_full_disk_under_the_output_is_one_sentence(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "workbench.main", *words],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "workbench: error: the output cannot be written: No space left on device"
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("closed", [0, 1, 2])
def test_a_standard_stream_may_be_closed(closed: int) -> None:
    command = [sys.executable, "-m", "workbench.main", "dump", "1", "-D", "/nowhere"]
    script = f"import os, sys; os.close({closed}); os.execv(sys.argv[1], sys.argv[1:])"
    done = subprocess.run([sys.executable, "-c", script, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
