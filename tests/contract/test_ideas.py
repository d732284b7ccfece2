"""The pages on what this grew from name scenarios and commands that there are."""

import re
from pathlib import Path

import pytest

from workbench.checking.loading import entries
from workbench.lab.scenario import names

DIRECTORY = Path(__file__).parents[2] / "docs" / "ideas"
PAGES = sorted(DIRECTORY.glob("*.md"))


def test_the_index_has_every_page() -> None:
    index = (DIRECTORY / "README.md").read_text()
    for page in PAGES:
        assert page.name == "README.md" or f"({page.name})" in index


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    performed = re.findall(r"workbench (?:lab run|--lab) ([a-z0-9-]+)", text)
    assert set(performed) <= {*names()}
    explained = re.findall(r"workbench explain\s+([a-z0-9-]+)", text)
    assert set(explained) <= {entry.name for entry in entries()}
    for link in re.findall(r"\]\(([^)#]+)\)", text):
        assert (DIRECTORY / link).exists(), link


def test_every_page_tells_what_was_thought_and_what_is_seen() -> None:
    for page in PAGES:
        text = page.read_text()
        assert page.name == "README.md" or ("**Then.**" in text and "**Now" in text), page.name


def test_scenarios_of_the_troubles_are_there() -> None:
    rows = [line for line in (DIRECTORY / "trouble.md").read_text().splitlines() if line.startswith("|")][2:]
    assert len(rows) >= 8
    for row in rows:
        assert set(re.findall(r"`([a-z0-9-]+)`", row.split("|")[2])) <= {*names()}
