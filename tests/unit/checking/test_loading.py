"""Files that are checks, files that are not, and what is said of the latter."""

from pathlib import Path

import pytest

from workbench.checking.check import HEADINGS, Broken, Check
from workbench.checking.loading import entries, library_directory, load

PAGE = "It is so.\n\n" + "\n\n".join(f"{heading}\n{'-' * len(heading)}\nText." for heading in HEADINGS)
BODY = "CODE = 'X001'\nNAME = 'own'\nSINCE = '1.0'\n\ndef check(log, rules: tuple | Gap):\n    return ()\n"


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The directory of a user's own checks."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    directory = tmp_path / "workbench" / "checks"
    directory.mkdir(parents=True)
    return directory


def _load_own() -> Check | Broken:
    return load(next(entry for entry in entries() if entry.own))


def _write(directory: Path, page: str = PAGE, body: str = BODY, name: str = "X001_own.py") -> None:
    directory.joinpath(name).write_text(f'"""{page}"""\nfrom workbench.evidence import Gap\n{body}')


def test_a_users_own_check(own: Path) -> None:
    _write(own)
    check = _load_own()
    assert isinstance(check, Check), check
    assert (check.code, check.name, check.since, check.title) == ("X001", "own", "1.0", "It is so.")
    assert (check.needs, check.accepts) == (("log",), ("rules",))


def test_the_library_comes_first_and_by_code(own: Path) -> None:
    _write(own)
    codes = [entry.code for entry in entries()]
    assert codes[:-1] == sorted(codes[:-1])
    assert codes[-1] == "X001"


def test_a_user_cannot_take_a_code_of_the_library(own: Path) -> None:
    _write(own, name="NFT001_own.py")
    assert all(not entry.own for entry in entries())


def test_other_files_are_passed_over(own: Path) -> None:
    _write(own, name="notes.py")
    assert all(entry.path.parent == library_directory() for entry in entries())


@pytest.mark.parametrize(
    ("page", "body", "said"),
    [
        (PAGE, "def check(:\n", "SyntaxError"),
        (PAGE, "import nonsense_that_is_not_there\n", "may not import nonsense_that_is_not_there"),
        (PAGE, "import os\n" + BODY, "may not import os"),
        (PAGE, "from workbench.collect import procfs\n" + BODY, "may not import workbench.collect"),
        (PAGE, BODY.replace("def check", "1 / 0\ndef check"), "ZeroDivisionError: division by zero (X001_own.py:"),
        (PAGE, BODY.replace("def check", "raise SystemExit(3)\ndef check"), "SystemExit"),
        (PAGE, "CODE = 'X001'\n", "no attribute 'check'"),
        (PAGE, BODY.replace("X001", "X002"), "CODE is not X001"),
        (PAGE, BODY.replace("'own'", "'other'"), "NAME is not own"),
        (PAGE, BODY.replace("'1.0'", "''"), "SINCE is not a version"),
        (PAGE, BODY.replace("log", "journals"), "'journals' is no section of evidence"),
        (PAGE.replace("It is so.", "it is\nso"), BODY, "does not begin with a sentence"),
        (PAGE.replace("What to do", "What to eat"), BODY, "no text under 'What to do'"),
        (PAGE.replace(f"{'References':}\n----------\nText.", "References\n----------\n"), BODY, "under 'References'"),
    ],
)
def test_what_is_wrong_is_said(own: Path, page: str, body: str, said: str) -> None:
    _write(own, page, body)
    result = _load_own()
    assert isinstance(result, Broken)
    assert said in result.error
    assert result.check.code == "X001"


def test_headings_out_of_order(own: Path) -> None:
    head, *parts = PAGE.split("\n\n")
    _write(own, "\n\n".join([head, *reversed(parts)]))
    result = _load_own()
    assert isinstance(result, Broken)
    assert "out of order" in result.error
