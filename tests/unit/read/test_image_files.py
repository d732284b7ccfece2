"""Files that images need, on recorded images."""

from pathlib import Path

import pytest

from workbench.read.criu_images import read_image_directory

RECORDINGS = sorted((Path(__file__).parents[3] / "fixtures" / "recordings" / "images").iterdir())


@pytest.mark.parametrize("directory", RECORDINGS, ids=lambda path: path.name)
def test_paths_and_sizes(directory: Path) -> None:
    files = read_image_directory(directory).files
    assert all(each.path.startswith("/") for each in files)
    assert all(each.size is None for each in files if each.path == "/dev/null")


def test_some_recording_has_files() -> None:
    sizes = [each.size for directory in RECORDINGS for each in read_image_directory(directory).files]
    assert any(sizes)
