"""Images that travel: what the sender follows, what the cache keeps, and what it refuses."""

import os
import threading
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from workbench.operation.migration.channel import Channel, ChannelClosed
from workbench.operation.migration.image_cache import ImageCache, Refused
from workbench.operation.migration.image_sender import LEAST, ImageSender

NAMESPACE = "0123456789abcdef"


class Ends:
    """Both ends of a stream, and the two directories."""

    def __init__(self, place: Path) -> None:
        (reading, back), (answers, writing) = os.pipe(), os.pipe()
        self.source, self.destination = Channel(reading, writing), Channel(answers, back)
        self.written, self.kept = place / "source", place / "destination"
        self.written.mkdir()
        self.kept.mkdir()
        self.cache = ImageCache(os.open(self.kept, os.O_RDONLY), NAMESPACE)

    def take(self, count: int) -> None:
        for _ in range(count):
            self.cache.take(self.destination.receive(5), self.destination)

    def take_all(self) -> dict[str, Any]:
        while (head := self.destination.receive(5))["is"] != "complete":
            self.cache.take(head, self.destination)
        return head

    def close(self) -> None:
        for each in (self.source, self.destination, self.cache):
            each.close()


@pytest.fixture
def ends(tmp_path: Path) -> Iterator[Ends]:
    made = Ends(tmp_path)
    yield made
    made.close()


def beside(work: Callable[[], Any]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_what_grows_travels_before_it_is_whole_and_arrives_unchanged(ends: Ends) -> None:
    pages, inventory = os.urandom(3 * LEAST + 123), b"inventory"
    directory = os.open(ends.written, os.O_RDONLY)
    sender = ImageSender(ends.source, directory, NAMESPACE)
    sender.start(lambda error: pytest.fail(str(error)))
    with (ends.written / "pages-1.img").open("wb", buffering=0) as growing:
        growing.write(pages[: 2 * LEAST])
        assert ends.destination.receive(20)["name"] == "pages-1.img", "it travels while it is written"
        growing.write(pages[2 * LEAST :])
    (ends.written / "inventory.img").write_bytes(inventory)
    (ends.written / "dump.log").write_bytes(b"no image")
    ends.cache.take(
        {"is": "image", "image": 0, "name": "pages-1.img", "namespace": NAMESPACE, "size": None}, ends.destination
    )

    def finish() -> None:
        images, total = sender.finish()
        ends.source.send("complete", {"images": images, "total": total})

    thread = beside(finish)
    told = ends.take_all()
    thread.join()
    sender.close()
    os.close(directory)
    ends.cache.complete(told["images"], told["total"])
    assert (ends.kept / "pages-1.img").read_bytes() == pages
    assert (ends.kept / "inventory.img").read_bytes() == inventory
    assert not (ends.kept / "dump.log").exists()


def test_an_image_that_was_written_again_is_sent_again(ends: Ends) -> None:
    directory = os.open(ends.written, os.O_RDONLY)
    sender = ImageSender(ends.source, directory, NAMESPACE)
    sender.start(lambda error: pytest.fail(str(error)))
    (ends.written / "inventory.img").write_bytes(b"first")
    ends.take(3)  # announced, sent, ended
    (ends.written / "inventory.img").write_bytes(b"second")
    images, total = sender.finish()
    ends.source.send("complete", {"images": images, "total": total})
    told = ends.take_all()
    sender.close()
    os.close(directory)
    ends.cache.complete(told["images"], told["total"])
    assert (ends.kept / "inventory.img").read_bytes() == b"second"


def announced(ends: Ends, name: str = "inventory.img", number: int = 0, size: int | None = None) -> None:
    ends.source.send("image", {"image": number, "name": name, "namespace": NAMESPACE, "size": size})
    ends.take(1)


@pytest.mark.parametrize(
    ("head", "body", "reason"),
    [
        ({"is": "image", "image": 1, "name": "../etc/passwd", "namespace": NAMESPACE, "size": None}, b"", "cannot be"),
        ({"is": "image", "image": 1, "name": "core.img", "namespace": "another", "size": None}, b"", "another dump"),
        ({"is": "data", "image": 0, "offset": 7}, b"x", "not due"),
        ({"is": "data", "image": 9, "offset": 0}, b"x", "not due"),
        ({"is": "end", "image": 0, "size": 5, "crc32": 0}, b"", "not complete"),
        ({"is": "end", "image": 0, "size": 0, "crc32": 7}, b"", "damaged"),
        ({"is": "end", "image": 3, "size": 0, "crc32": 0}, b"", "had not begun"),
        ({"is": "skip", "image": 0, "offset": 0, "count": 5, "of": 0, "at": 0}, b"", "never came"),
        ({"is": "image", "image": "one"}, b"", "not as it should be"),
    ],
)
def test_what_cannot_be_is_refused(ends: Ends, head: dict[str, Any], body: bytes, reason: str) -> None:
    announced(ends)
    ends.source.send(head.pop("is"), head, body)
    with pytest.raises(Refused, match=reason):
        ends.take(1)


def test_nothing_is_used_unless_everything_is_whole(ends: Ends) -> None:
    announced(ends)
    with pytest.raises(Refused, match="not complete"):
        ends.cache.complete(1, 0)
    ends.source.send("end", {"image": 0, "size": 0, "crc32": 0})
    ends.take(1)
    with pytest.raises(Refused, match="not 2 of"):
        ends.cache.complete(2, 0)
    ends.cache.complete(1, 0)


def test_what_is_there_already_need_not_travel(ends: Ends) -> None:
    announced(ends, "pages-1.img", 0)
    ends.source.send("data", {"image": 0, "offset": 0}, b"0123456789")
    announced_second = {"image": 1, "name": "inventory.img", "namespace": NAMESPACE, "size": 4}
    ends.source.send("image", announced_second)
    ends.source.send("skip", {"image": 1, "offset": 0, "count": 4, "of": 0, "at": 3})
    ends.source.send("end", {"image": 1, "size": 4, "crc32": zlib.crc32(b"3456")})
    ends.take(4)
    assert (ends.kept / "inventory.img").read_bytes() == b"3456"
    assert ends.cache.bytes_skipped == 4


def test_a_stream_that_ends_or_speaks_otherwise_is_told(ends: Ends) -> None:
    ends.source.close()
    with pytest.raises(ChannelClosed):
        ends.destination.receive(5)
    reading, writing = os.pipe()
    os.write(writing, b"GET / HTTP/1.1\r\n\r\n")
    foreign = Channel(reading, writing)
    with pytest.raises(ChannelClosed, match="language"):
        foreign.receive(5)
    foreign.close()


def test_silence_is_not_waited_for_longer_than_said(ends: Ends) -> None:
    with pytest.raises(TimeoutError):
        ends.destination.receive(0.01)
