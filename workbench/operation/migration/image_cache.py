"""Images at the destination: kept as they come, and used only if every one is whole."""

import contextlib
import os
import re
import zlib
from collections.abc import Mapping
from typing import Any

from workbench.errors import WorkbenchError
from workbench.operation.migration.channel import Channel

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,200}")
SPARE_BYTES = 64 << 20
"""Of the file system that the images go to; they may not take the last of it."""


class Refused(WorkbenchError):
    """What came cannot be used."""


class _Image:
    """One image, growing."""

    def __init__(self, name: str, size: int | None, descriptor: int) -> None:
        self.name, self.size, self.descriptor = name, size, descriptor
        self.got = 0
        self.checksum = 0
        self.whole = False


class ImageCache:
    """Takes the frames ``image``, ``data``, ``skip`` and ``end`` into one directory; whatever is wrong is refused."""

    def __init__(self, directory: int, namespace: str) -> None:
        """``directory``: open and empty. ``namespace``: of the images that are waited for."""
        self._directory, self._namespace = directory, namespace
        self._images: dict[int, _Image] = {}
        self._names: dict[str, int] = {}
        self.bytes_skipped = 0
        """Taken from what was there already."""

    @property
    def names(self) -> frozenset[str]:
        """Images that are whole."""
        return frozenset(name for name, number in self._names.items() if self._images[number].whole)

    @property
    def total(self) -> int:
        """Bytes of all that came."""
        return sum(self._images[number].got for number in self._names.values())

    def take(self, head: Mapping[str, Any], channel: Channel) -> None:
        """One frame, with its raw bytes. Raises Refused, ChannelClosed."""
        try:
            match head["is"]:
                case "image":
                    self._announce(int(head["image"]), str(head["name"]), str(head["namespace"]), head["size"])
                case "data":
                    self._data(int(head["image"]), int(head["offset"]), int(head["bytes"]), channel)
                case "skip":
                    source = int(head["of"]), int(head["at"])
                    self._skip(int(head["image"]), int(head["offset"]), int(head["count"]), source)
                case "end":
                    self._end(int(head["image"]), int(head["size"]), int(head["crc32"]))
        except (KeyError, ValueError, TypeError) as error:
            raise Refused("a frame of the migration is not as it should be") from error

    def complete(self, images: int, total: int) -> None:
        """Raise Refused unless exactly so many images, of so many bytes together, have come whole."""
        missing = sorted(name for name, number in self._names.items() if not self._images[number].whole)
        if missing:
            raise Refused(f"image {missing[0]} is not complete")
        if len(self._names) != images or self.total != total:
            raise Refused(f"{len(self._names)} images of {self.total} bytes came, not {images} of {total}")
        if "inventory.img" not in self._names:
            raise Refused("inventory.img, which is written last, did not come")

    def close(self) -> None:
        for image in self._images.values():
            self._release(image)

    def _announce(self, number: int, name: str, namespace: str, size: int | None) -> None:
        if namespace != self._namespace:
            raise Refused(f"an image of another dump came: {namespace}")
        if number in self._images or not _NAME.fullmatch(name) or (size is not None and size < 0):
            raise Refused("an image was announced that cannot be")
        if (known := self._names.get(name)) is not None:
            self._release(self._images[known])
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(name, flags, 0o600, dir_fd=self._directory)
        self._images[number] = _Image(name, size, descriptor)
        self._names[name] = number

    def _growing(self, number: int, offset: int, count: int) -> _Image:
        image = self._images.get(number)
        if image is None or image.whole or offset != image.got or count < 0:
            raise Refused("a part of an image came that was not due")
        if image.size is not None and offset + count > image.size:
            raise Refused(f"image {image.name} became larger than announced")
        room = os.fstatvfs(self._directory)
        if count > room.f_bavail * room.f_frsize - SPARE_BYTES:
            raise Refused("there is no room for the images here")
        return image

    def _data(self, number: int, offset: int, count: int, channel: Channel) -> None:
        image = self._growing(number, offset, count)
        for piece in channel.body(count):
            image.checksum = zlib.crc32(piece, image.checksum)
            _write(image.descriptor, piece)
        image.got += count

    def _skip(self, number: int, offset: int, count: int, source: tuple[int, int]) -> None:
        """Bytes that need not travel, since they are in an image that came before."""
        image = self._growing(number, offset, count)
        of, at = self._images.get(source[0]), source[1]
        if of is None or at < 0 or at + count > of.got or of.descriptor < 0:
            raise Refused("what was to be skipped never came")
        while count:
            piece = os.pread(of.descriptor, min(count, 1 << 20), at)
            image.checksum = zlib.crc32(piece, image.checksum)
            _write(image.descriptor, memoryview(piece))
            image.got += len(piece)
            self.bytes_skipped += len(piece)
            at, count = at + len(piece), count - len(piece)

    def _end(self, number: int, size: int, checksum: int) -> None:
        image = self._images.get(number)
        if image is None or image.whole:
            raise Refused("an image ended that had not begun")
        if image.got != size:
            raise Refused(f"image {image.name} is not complete: {image.got} bytes of {size} came")
        if image.checksum != checksum:
            raise Refused(f"image {image.name} is damaged: its checksum is not the one that it was sent with")
        image.whole = True

    def _release(self, image: _Image) -> None:
        if image.descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(image.descriptor)
            image.descriptor = -1


def _write(descriptor: int, data: memoryview) -> None:
    while data:
        try:
            data = data[os.write(descriptor, data) :]
        except OSError as error:
            raise Refused(f"an image cannot be written here: {error.strerror}") from error
