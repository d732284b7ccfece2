"""Where images may go."""

import os
from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.operation.place import look_at, make


def test_absent_or_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert look_at(str(tmp_path)).problem == ""
    absent = look_at(str(tmp_path / "a" / "b"))
    assert absent.problem == ""
    assert absent.free_bytes
    monkeypatch.chdir(tmp_path)
    assert look_at("images").path == str(tmp_path / "images")
    assert list(tmp_path.iterdir()) == []


def test_not_empty(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    assert "is not empty" in look_at(str(tmp_path)).problem


def test_no_directory(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("")
    assert "is not a directory" in look_at(str(tmp_path / "x")).problem
    assert "is not a directory" in look_at(str(tmp_path / "x" / "y")).problem


def test_no_room() -> None:
    assert look_at("/proc/images").free_bytes == 0


def test_made_for_the_owner_only(tmp_path: Path) -> None:
    os.close(make(str(tmp_path / "a" / "b")))
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    (tmp_path / "x").write_text("")
    with pytest.raises(WorkbenchError, match="choose another image directory"):
        make(str(tmp_path / "x"))
