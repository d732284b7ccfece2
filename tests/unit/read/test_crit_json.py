"""Images as crit prints them, made into images again."""

import io
import json
from pathlib import Path

import pytest
from pycriu import images as pycriu_images

from workbench.cli.sources import read_sources
from workbench.errors import WorkbenchError
from workbench.read.crit_json import is_crit_json, read_crit_json
from workbench.read.criu_images import read_image_directory

IMAGES = Path(__file__).parents[3] / "fixtures" / "recordings" / "images" / "unread-v6"
NEEDED = ("inventory", "pstree", "core", "ids", "fdinfo", "files", "tcp-stream", "stats")


def decoded(name: str, *, pretty: bool) -> bytes:
    """As ``crit decode`` and ``crit decode --pretty`` write it."""
    image = pycriu_images.load(io.BytesIO((IMAGES / name).read_bytes()), pretty)
    return json.dumps(image, indent=4 if pretty else None).encode()


def decoded_directory(into: Path, *, pretty: bool) -> Path:
    for path in IMAGES.iterdir():
        if path.name.startswith(NEEDED):
            (into / f"{path.name}.json").write_bytes(decoded(path.name, pretty=pretty))
    return into


@pytest.mark.parametrize("pretty", [False, True])
def test_a_directory_that_was_decoded_tells_what_the_images_tell(tmp_path: Path, pretty: bool) -> None:
    (found,) = read_sources([str(decoded_directory(tmp_path, pretty=pretty))]).evidence.images  # type: ignore[misc]
    there = read_image_directory(IMAGES)
    assert found.sockets == there.sockets
    assert found.tasks == there.tasks
    assert (found.complete, found.excerpt, found.problems) == (True, False, ())
    assert found.dump_stats == there.dump_stats


def test_single_files_are_put_together_and_miss_nothing(tmp_path: Path) -> None:
    decoded_directory(tmp_path, pretty=True)
    files = [str(path) for path in tmp_path.iterdir() if path.name.startswith(("files", "tcp-stream", "inventory"))]
    (found,) = read_sources(files).evidence.images  # type: ignore[misc]
    assert (found.excerpt, found.complete, found.problems) == (True, True, ())
    connected = next(socket for socket in found.sockets if socket.queue)
    assert connected.queue is not None
    assert len(connected.queue.received) == 1000


@pytest.mark.parametrize(
    ("file", "image"),
    [
        ("tcp-stream-1f.img.json", "tcp-stream-1f.img"),
        ("tcp-stream-1f.json", "tcp-stream-1f.img"),
        ("tcp-stream-1f.img", "tcp-stream-1f.img"),
        ("core-12.pretty", "core-12.img"),
    ],
)
def test_the_name_of_the_file_tells_which_image_it_is(file: str, image: str) -> None:
    name = next(path.name for path in IMAGES.iterdir() if path.name.startswith(image.partition("-")[0]))
    assert read_crit_json(file, decoded(name, pretty=False))[0] == image


def test_a_stream_without_a_name_is_refused_with_the_way_out() -> None:
    name = next(path.name for path in IMAGES.glob("tcp-stream-*"))
    with pytest.raises(WorkbenchError) as caught:
        read_crit_json("a", decoded(name, pretty=False))
    assert "TCP_STREAM" in caught.value.message
    assert "tcp-stream-" in caught.value.hint


@pytest.mark.parametrize(
    "content",
    [
        b'{"magic": "FILES"}', b'{"magic": "FILES", "entries": 3}', b'{"magic": "FILES", "entries": [{"id": "x"}]}',
        b'{"magic": "NOTHING", "entries": []}', b'{"magic": "INVENTORY", "entries": [{}]}', b'{"magic": "FILES", "en',
        b'{"magic": "TCP_STREAM", "entries": [{"inq_len": -1}]}', b'{"magic": 3}', b"[" * 100_000,
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_one_error(content: bytes) -> None:
    with pytest.raises(WorkbenchError):
        read_crit_json("tcp-stream-1.json", content)


def test_crit_json_is_told_by_its_beginning() -> None:
    assert is_crit_json(b'{\n    "magic": "TCP_STREAM",')
    assert not is_crit_json(b'{"nftables": []}')
