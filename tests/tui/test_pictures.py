import pytest

from tests.tui.screens import DIRECTORY, PICTURES, picture


@pytest.mark.parametrize("name", PICTURES)
async def test_a_screen_looks_as_it_was_accepted(name: str) -> None:
    accepted = (DIRECTORY / f"{name}.txt").read_text(encoding="utf-8")
    assert (await picture(name)).splitlines() == accepted.splitlines(), "python -m tests.tui.screens writes them anew"


def test_no_accepted_picture_is_left_over() -> None:
    assert {path.stem for path in DIRECTORY.iterdir()} == set(PICTURES)
