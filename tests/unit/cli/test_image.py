"""``workbench image`` and ``workbench log`` on recordings."""

import argparse
import json
import shutil
from pathlib import Path

import pytest

from tests.e2e.connection.both_ends import pattern
from tests.unit.read.test_checkpoint_archive import ECHO, packed, written
from workbench.cli import image
from workbench.cli.main import run
from workbench.errors import WorkbenchError

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings" / "images"


def workbench(*words: str) -> int:
    parser = argparse.ArgumentParser()
    image.register(parser.add_subparsers())
    options = parser.parse_args(words)
    return int(options.func(options))


def test_a_directory_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    assert workbench("image", str(RECORDINGS / "unread")) == 0
    text = capsys.readouterr().out
    assert "complete" in text.splitlines()[0]
    assert "lock nftables connection by connection" in text
    assert "receive queue: 1000 bytes, sha256" in text
    assert pattern(16)[:16].hex(" ") not in text, "payload only when asked for"


def test_payload_is_shown_only_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    workbench("image", str(RECORDINGS / "unread"), "--payload")
    lines = capsys.readouterr().out.splitlines()
    assert any(line.strip().startswith(f"00000000  {pattern(16).hex(' ')}") for line in lines)
    assert max(map(len, lines)) <= 100


def test_a_directory_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert workbench("image", str(RECORDINGS / "unread"), "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == 1
    (row,) = document["images"]
    assert (row["complete"], row["problems"], row["lock_method"]) == (True, [], "nftables")
    (found,) = row["sockets"]
    assert found["state"] == "ESTABLISHED"
    assert found["received"]["bytes"] == 1000
    assert "base64" not in found["received"]
    assert (found["rcv_nxt"] - found["copied_seq"]) % (1 << 32) == 1000
    workbench("image", str(RECORDINGS / "unread"), "--format", "jsonl", "--payload")
    row = json.loads(capsys.readouterr().out)
    assert len(row["sockets"][0]["received"]["base64"]) == 1336


def test_a_damaged_directory_has_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = shutil.copytree(RECORDINGS / "unread", tmp_path / "images\x1b[31m")
    (images / "inventory.img").unlink()
    assert workbench("image", str(images)) == 1
    text = capsys.readouterr().out
    assert "NOT COMPLETE" in text
    assert "! inventory.img is missing" in text
    assert "\x1b" not in text


def test_what_is_no_image_directory_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="holds no CRIU images"):
        workbench("image", str(tmp_path))
    with pytest.raises(WorkbenchError, match="cannot be read"):
        workbench("log", str(tmp_path))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (bytes(range(32, 256)) * 40, "neither text nor anything known"),
        (b"\xd4\xc3\xb2\xa1" + bytes(20), "is no log: it is a packet capture"),
    ],
)
def test_what_is_no_log_is_an_error(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "dump.log"
    path.write_bytes(content)
    with pytest.raises(WorkbenchError, match=said):
        workbench("log", str(path))


def test_an_archive_of_a_container(capsys: pytest.CaptureFixture[str]) -> None:
    assert workbench("image", str(ECHO)) == 0
    said = capsys.readouterr().out
    assert said.startswith("podman container echo ")
    assert "address 10.88.0.55/16 eth0, gateway 10.88.0.1" in said
    assert "[::ffff:10.88.0.55]:7001 -> [::ffff:10.88.0.1]:36940  tcp-stream-" in said
    assert workbench("image", str(ECHO), "--format", "json") == 0
    (row,) = json.loads(capsys.readouterr().out)["images"]
    assert row["container"]["addresses"][0]["address"] == "10.88.0.55"
    assert [socket["state"] for socket in row["sockets"]].count("ESTABLISHED") == 2


def test_an_archive_without_images_has_findings(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = written(tmp_path, packed({"config.dump": b'{"name": "web"}', "spec.dump": b"{}"}))
    assert workbench("image", str(path)) == 1
    assert "! there are no images of CRIU's in it" in capsys.readouterr().out


def test_an_archive_without_dates_has_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = {f"checkpoint/{each.name}": each.read_bytes() for each in (RECORDINGS / "restored").glob("*.img")}
    path = str(written(tmp_path, packed({"config.dump": b'{"name": "web"}', "spec.dump": b"{}", **images})))
    workbench("image", path)
    assert "without a date" in capsys.readouterr().out
    workbench("image", path, "--format", "json")
    assert json.loads(capsys.readouterr().out)["images"][0]["modified"] is None


def test_a_log_by_its_notable_lines(capsys: pytest.CaptureFixture[str]) -> None:
    assert workbench("log", str(RECORDINGS / "restored" / "restore.log"), "--notable") == 0
    lines = capsys.readouterr().out.splitlines()
    marks = [line[20:37].strip() for line in lines]
    stages = list(dict.fromkeys(marks))
    assert stages == [
        "started", "pre-restore", "forked", "restoring sockets", "restored", "unlocked", "repair off", "released",
        "done",
    ]  # fmt: skip
    workbench("log", str(RECORDINGS / "restored" / "restore.log"))
    assert len(capsys.readouterr().out.splitlines()) > len(lines)


def test_the_stages_of_a_dump(capsys: pytest.CaptureFixture[str]) -> None:
    workbench("log", str(RECORDINGS / "restored" / "dump.log"), "--format", "jsonl", "--notable")
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    stages = list(dict.fromkeys(row["stage"] for row in rows))
    assert stages == [
        "started", "pre-dump", "frozen", "locking", "sockets", "memory", "images complete", "released", "done",
    ]  # fmt: skip
    seconds = [row["seconds"] for row in rows]
    assert seconds == sorted(seconds)


def test_hostile_lines_cannot_act_on_a_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "dump.log"
    path.write_bytes(b"(00.1) Dumping processes (pid: 1 comm: \x1b]0;x\x07\xff)\n\x00\x01\n")
    assert workbench("log", str(path), "--format", "json") == 0
    assert len(json.loads(capsys.readouterr().out)["log"]) == 2
    workbench("log", str(path))
    text = capsys.readouterr().out
    assert "\\x1b" in text
    assert not set(text) & {"\x1b", "\x07", "\x00"}


def test_a_name_that_no_file_can_have_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["image", "x" * 5000]) == 2
    said = capsys.readouterr().err
    assert said.startswith("workbench: error: ")
    assert said.count("\n") == 1
