"""Every lesson does what it says."""

from pathlib import Path

import pytest

from tests.e2e.tutorial.lesson import Performance, Step, steps_of

pytestmark = [pytest.mark.root, pytest.mark.criu]

DIRECTORY = Path(__file__).parents[3] / "docs" / "tutorial"
LESSONS = sorted(DIRECTORY.glob("[0-9]-*.md"))


def test_there_are_five_and_the_index_names_them() -> None:
    assert len(LESSONS) == 5
    index = (DIRECTORY / "README.md").read_text()
    assert all(f"({page.name})" in index for page in LESSONS)


@pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)
def test_a_lesson_is_true(page: Path, tmp_path: Path) -> None:
    steps = steps_of(page)
    assert len(steps) >= 3
    assert all(step.expected for step in steps)
    performance = Performance(tmp_path)
    try:
        for step in steps:
            performance.perform(step)
    finally:
        performance.end()


def test_a_wrong_line_is_noticed(tmp_path: Path) -> None:
    performance = Performance(tmp_path)
    performance.perform(Step("echo process 4711 after 3 s", ["process 1234 after 7 s"]))
    performance.perform(Step("echo 1234 again", ["1234 again"]))
    with pytest.raises(AssertionError, match="never printed"):
        performance.perform(Step("echo another 815", ["another 816"]))
    with pytest.raises(AssertionError, match="ended with 1"):
        performance.perform(Step("false", []))
