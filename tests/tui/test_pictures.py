import pytest

from tests.tui.screens import DIRECTORY, TOURS, tour


@pytest.mark.parametrize("size", TOURS)
async def test_the_screens_look_as_they_were_accepted(size: str) -> None:
    for name, picture in (await tour(size)).items():
        accepted = (DIRECTORY / f"{name}.txt").read_text(encoding="utf-8")
        assert picture.splitlines() == accepted.splitlines(), f"{name}: python -m tests.tui.screens writes them anew"


def test_no_accepted_picture_is_left_over() -> None:
    pictures = {f"{name}-{size}" for size, (_, stops) in TOURS.items() for name, _ in stops}
    assert {path.stem for path in DIRECTORY.iterdir()} == pictures
