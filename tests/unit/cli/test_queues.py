"""``workbench queues`` on images."""

import base64
import json
from pathlib import Path

import pytest

from workbench.cli.main import run

IMAGES = str(Path(__file__).parents[3] / "fixtures" / "recordings" / "images" / "unsent")


def test_queues_of_images(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["queues", "--images", IMAGES]) == 0
    out = capsys.readouterr().out
    assert "never sent" in out
    assert run(["queues", "--images", IMAGES, "--format", "json"]) == 0
    parts = {each["name"]: each for each in json.loads(capsys.readouterr().out)["queues"]["parts"]}
    unsent = base64.b64decode(parts["unsent"]["base64"])
    assert len(unsent) == parts["unsent"]["bytes"] > 0
    assert run(["queues", "--images", IMAGES, "--find", f"hex:{unsent[5:9].hex()}", "--part", "sent"]) == 0
    assert "found" in capsys.readouterr().out
    assert run(["queues", "--images", IMAGES, "--find", "nowhere to be found"]) == 1


def test_a_part_is_written_to_a_file_for_its_owner_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "sent.bin"
    assert run(["queues", "--images", IMAGES, "--part", "sent", "-o", str(path)]) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    assert f"{path.stat().st_size} bytes written" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["12"], "PID and FD"),
        ([], "Which socket"),
        (["--images", IMAGES, "--stop"], "Images need no --stop"),
        (["--images", IMAGES, "--connection", "1.1.1.1:1-2.2.2.2:2"], "no such connection"),
        (["1", "2", "--plan"], "Without --stop"),
        (["1", "2", "--skip", "-1"], "not negative"),
        (["--images", IMAGES, "--find", "hex:1"], "not hexadecimal"),
        (["--images", IMAGES, "-o", "/nowhere/at/all"], "cannot be written"),
        (["--connection", "1.1.1.1:1-2.2.2.2:2"], "is not on this host"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["queues", *words]) == 2
    assert said in capsys.readouterr().err
