"""The note beside the images."""

import os
from pathlib import Path

import pytest

from workbench.evidence import Connection, Endpoint
from workbench.operation.note import NAME, Note, read_note

CONNECTION = Connection(Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.1", 56692))
NOTE = Note(
    "boot", 5, "/run/netns/app", (4645, 99), "server", (CONNECTION,), {"tcp_established": True, "file_locks": True},
    terminal=True, socket_options={CONNECTION: {"SO_REUSEADDR": 1, "TCP_CONGESTION": "bbr"}},
)  # fmt: skip


def test_there_and_back(tmp_path: Path) -> None:
    directory = os.open(tmp_path, os.O_RDONLY)
    NOTE.write(directory)
    os.close(directory)
    assert read_note(tmp_path) == NOTE
    assert (tmp_path / NAME).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", '{"schema": 2}', '{"schema": 1}', "null", '{"schema": 1, "root": 3}']
)
def test_rubbish_is_no_note(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    assert read_note(tmp_path) is None


def test_no_note(tmp_path: Path) -> None:
    assert read_note(tmp_path) is None
    assert read_note(tmp_path / "absent") is None


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / NAME).symlink_to(tmp_path / "elsewhere")
    directory = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(OSError, match="symbolic link"):
        NOTE.write(directory)
    os.close(directory)
    assert not (tmp_path / "elsewhere").exists()
