"""Images sent while CRIU writes them.

Memory pages, nearly all of the bytes, are appended to ``pages-N.img`` (criu/page-xfer.c) and travel as that grows;
every other image travels once its writer has closed it, since CRIU may come back to it until then.
"""

import contextlib
import ctypes
import itertools
import mmap
import os
import select
import struct
import threading
import time
import zlib
from collections.abc import Callable

from workbench.operation.migration.channel import Channel

IN_MODIFY, IN_CLOSE_WRITE, IN_NONBLOCK, IN_CLOEXEC = 0x2, 0x8, 0x800, 0x80000
_EVENT = struct.Struct("iIII")
STAYING = (".log", "stats-dump", "stats-restore")
"""Ends of the names of files that are no images: CRIU writes them on after the images are complete."""
PIECE = 4 << 20
"""Bytes of one frame at most; a multiple of the page size, so that each begins where mmap(2) can."""
LEAST = 1 << 20
"""What has grown by less waits for more, or for its end."""
LOOK_EVERY_S = 0.2


class _Image:
    """One image on its way."""

    def __init__(self, number: int, descriptor: int) -> None:
        self.number, self.descriptor = number, descriptor
        self.sent = 0
        self.checksum = 0
        self.ended = False


class ImageSender:
    """Sends the images of one directory; ``start`` before CRIU begins, ``finish`` when it has written all of them."""

    def __init__(self, channel: Channel, directory: int, namespace: str, *, ahead: bool = True) -> None:
        """``directory``: open. ``ahead``: otherwise nothing is sent before ``finish``."""
        self._channel, self._directory, self._namespace = channel, directory, namespace
        self._ahead = ahead
        self._images: dict[str, _Image] = {}
        self._numbers = itertools.count()
        self._stop = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread: threading.Thread | None = None
        self._failed: Callable[[Exception], None] = lambda _: None
        self._error: Exception | None = None
        self.bytes_ahead = 0
        """Sent before all was written."""
        self.finish_ms = 0.0
        """How long the rest took."""
        libc = ctypes.CDLL(None, use_errno=True)
        self._inotify: int = libc.inotify_init1(IN_NONBLOCK | IN_CLOEXEC)
        if self._inotify >= 0:
            libc.inotify_add_watch(self._inotify, os.fsencode(f"/proc/self/fd/{directory}"), IN_MODIFY | IN_CLOSE_WRITE)

    def start(self, failed: Callable[[Exception], None]) -> None:
        """Begin to send in a thread of its own; ``failed`` is called there if the other half is gone."""
        self._failed = failed
        if self._ahead:
            self._thread = threading.Thread(target=self._run, name="images", daemon=True)
            self._thread.start()

    def finish(self) -> tuple[int, int]:
        """All is written: send the rest, and return the number of images and of their bytes. Raises what stopped it."""
        began, self.bytes_ahead = time.monotonic(), self._channel.sent
        self._end_thread()
        if self._error is not None:
            raise self._error
        for name in sorted(os.listdir(self._directory)):  # noqa: PTH208 - a descriptor
            if name.endswith(STAYING):
                continue
            if name in self._images and self._images[name].ended and self._has_changed(name):
                del self._images[name]
            self._send(name, final=True)
        self.finish_ms = (time.monotonic() - began) * 1000
        return len(self._images), sum(image.sent for image in self._images.values())

    def close(self) -> None:
        """Release everything; what was not sent is not sent any more."""
        self._end_thread()
        for image in self._images.values():
            self._release(image)
        for descriptor in (self._inotify, self._stop):
            if descriptor >= 0:
                os.close(descriptor)
        self._inotify = self._stop = -1

    def _end_thread(self) -> None:
        if self._thread is not None:
            os.eventfd_write(self._stop, 1)
            self._thread.join()
            self._thread = None

    def _run(self) -> None:
        try:
            while not select.select([self._stop], [], [], 0)[0]:
                select.select([self._inotify, self._stop], [], [], LOOK_EVERY_S)
                self._follow()
        except Exception as error:
            self._error = error
            self._failed(error)

    def _follow(self) -> None:
        """What inotify(7) told: grown images, and those that are whole now."""
        try:
            events = os.read(self._inotify, 1 << 16)
        except BlockingIOError:
            return
        told: dict[str, int] = {}
        while events:
            _, mask, _, length = _EVENT.unpack_from(events)
            name = os.fsdecode(events[_EVENT.size : _EVENT.size + length].rstrip(b"\0"))
            told[name] = told.get(name, 0) | mask
            events = events[_EVENT.size + length :]
        for name, mask in told.items():
            if name.endswith(STAYING) or not name.endswith(".img"):
                continue
            if name.startswith("pages-"):
                self._send(name, final=False)
            elif mask & IN_CLOSE_WRITE:
                self._send(name, final=True)

    def _send(self, name: str, *, final: bool) -> None:
        image = self._images.get(name)
        if image is None:
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW, dir_fd=self._directory)
            self._images[name] = image = _Image(next(self._numbers), descriptor)
            size = os.fstat(descriptor).st_size if final else None
            announced = {"image": image.number, "name": name, "namespace": self._namespace, "size": size}
            self._channel.send("image", announced)
        if image.ended:
            return
        while True:
            count = min(os.fstat(image.descriptor).st_size - image.sent, PIECE)
            if count < (1 if final else LEAST):
                break
            self._send_piece(image, count if final else count - count % mmap.ALLOCATIONGRANULARITY)
        if final:
            self._channel.send("end", {"image": image.number, "size": image.sent, "crc32": image.checksum})
            image.ended = True
            self._release(image)

    def _has_changed(self, name: str) -> bool:
        """Whether CRIU wrote to an image after it had closed it."""
        with open(name, "rb", opener=lambda path, flags: os.open(path, flags, dir_fd=self._directory)) as file:
            return zlib.crc32(file.read()) != self._images[name].checksum

    def _send_piece(self, image: _Image, count: int) -> None:
        with mmap.mmap(image.descriptor, count, mmap.MAP_SHARED, mmap.PROT_READ, offset=image.sent) as mapped:
            image.checksum = zlib.crc32(mapped, image.checksum)
        self._channel.send_file("data", {"image": image.number}, image.descriptor, image.sent, count)
        image.sent += count

    def _release(self, image: _Image) -> None:
        if image.descriptor >= 0:
            with contextlib.suppress(OSError):
                os.close(image.descriptor)
            image.descriptor = -1
