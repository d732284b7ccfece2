"""Which CRIU is used, with real files but no root."""

import json
import os
from pathlib import Path

import pytest

from workbench.criu import find
from workbench.criu.trial import Trial
from workbench.evidence import CriuTool, Gap


@pytest.fixture
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with an empty PATH and an empty cache."""
    monkeypatch.setattr(find, "cache_directory", lambda: tmp_path / "cache")
    monkeypatch.setattr(find, "private_prefix", lambda: tmp_path / "private")
    monkeypatch.setattr("shutil.which", lambda name, path=None: _first(name, tmp_path / "bin"))
    monkeypatch.delenv(find.CHOICE_VARIABLE, raising=False)
    return tmp_path


def _first(name: str, directory: Path) -> str | None:
    return str(directory / name) if (directory / name).exists() else None


def _criu(path: Path, version: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho 'Version: {version}'\n")
    path.chmod(0o755)
    return str(path)


def test_without_any_it_is_a_gap_with_a_way_out(places: Path) -> None:
    result = find.find_criu()
    assert isinstance(result, Gap)
    assert "make setup" in result.remedy


def test_the_one_on_path_comes_first_when_it_works(places: Path) -> None:
    on_path = _criu(places / "bin" / "criu", "4.3")
    private = _criu(places / "private" / "sbin" / "criu", "4.2.1")
    find.remember(on_path, Trial(True, "tried"))
    find.remember(private, Trial(True, "tried"))
    assert find.find_criu() == CriuTool(on_path, "4.3", True, "path", "tried")


def test_the_private_one_is_used_when_the_one_on_path_fails(places: Path) -> None:
    on_path = _criu(places / "bin" / "criu", "3.17.1")
    private = _criu(places / "private" / "sbin" / "criu", "4.2.1")
    find.remember(on_path, Trial(False, "vdso"))
    find.remember(private, Trial(True, "tried"))
    chosen = find.find_criu()
    assert isinstance(chosen, CriuTool)
    assert (chosen.path, chosen.origin) == (private, "private")


def test_a_trial_is_forgotten_when_the_file_changes(places: Path) -> None:
    criu = _criu(places / "bin" / "criu", "4.2")
    find.remember(criu, Trial(True, "tried"))
    assert find.remembered(criu) == Trial(True, "tried")
    _criu(Path(criu), "4.2.1-changed")
    assert find.remembered(criu) is None
    untried = find.find_criu()
    assert isinstance(untried, CriuTool)
    assert untried.works is None


@pytest.mark.parametrize("rubbish", ["", "[]", '{"x": 1}', "\x00", '{"CRIU": null}'])
def test_a_damaged_memory_is_no_memory(places: Path, rubbish: str) -> None:
    criu = _criu(places / "bin" / "criu", "4.2")
    (places / "cache").mkdir()
    (places / "cache" / "criu-trials.json").write_text(rubbish.replace("CRIU", criu))
    assert find.remembered(criu) is None
    find.remember(criu, Trial(True, "tried"))
    assert find.remembered(criu) == Trial(True, "tried")


def test_the_variable_decides_alone(places: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _criu(places / "bin" / "criu", "4.3")
    chosen = _criu(places / "elsewhere" / "criu", "4.4")
    monkeypatch.setenv(find.CHOICE_VARIABLE, chosen)
    assert list(find.candidates()) == [(chosen, "configured")]


def test_the_memory_names_the_kernel(places: Path) -> None:
    criu = _criu(places / "bin" / "criu", "4.2")
    find.remember(criu, Trial(True, "tried"))
    entry = json.loads((places / "cache" / "criu-trials.json").read_text())[criu]
    assert os.uname().release in entry["identity"]
