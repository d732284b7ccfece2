"""One file of a CRIU image directory: magic numbers, then messages, then perhaps raw bytes.

Format: criu/image.c, criu/protobuf.c; message classes: pycriu, which belongs to the CRIU in use.
"""

import functools
import importlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench.errors import WorkbenchError

COUNT_LIMIT = 1 << 18
"""Messages of one file that are read, and descriptors of one dump: open files of the largest servers."""
MESSAGE_LIMIT = 4 << 20
"""Bytes of one message; the largest is that of an epoll with 30 bytes for each descriptor that it watches."""

_COMMON = 0x54564319
_SERVICE = 0x55105940
_MAGIC = {
    "inventory": 0x58313116,
    "pstree": 0x50273030,
    "core": 0x55053847,
    "ids": 0x54432030,
    "fdinfo": 0x56213732,
    "remap-fpath": 0x59133954,
    "files": 0x56303138,
    "inetsk": 0x56443851,
    "tcp-stream": 0x51465506,
    "netns": 0x55933752,
    "stats": 0x57093306,
}
_KINDS = {magic: kind for kind, magic in _MAGIC.items()}
_MESSAGES = {
    "inventory": ("inventory_pb2", "inventory_entry"),
    "pstree": ("pstree_pb2", "pstree_entry"),
    "core": ("core_pb2", "core_entry"),
    "ids": ("core_pb2", "task_kobj_ids_entry"),
    "fdinfo": ("fdinfo_pb2", "fdinfo_entry"),
    "remap-fpath": ("remap_file_path_pb2", "remap_file_path_entry"),
    "files": ("fdinfo_pb2", "file_entry"),
    "inetsk": ("sk_inet_pb2", "inet_sk_entry"),
    "tcp-stream": ("tcp_stream_pb2", "tcp_stream_entry"),
    "netns": ("netdev_pb2", "netns_entry"),
    "stats": ("stats_pb2", "stats_entry"),
}


class Damage(Exception):
    """An image file does not hold what its name promises; the text goes on after the name: ``is truncated``."""


class Absent(Damage):
    """There is no such file."""


@functools.cache
def message_class(kind: str) -> Any:
    """The generated class of one kind of image. Raises WorkbenchError without pycriu."""
    module, name = _MESSAGES[kind]
    try:
        return getattr(importlib.import_module(f"pycriu.images.{module}"), name)
    except Exception as error:  # a protobuf that does not fit raises whatever it likes while its modules load
        raise WorkbenchError(
            f"CRIU's images need pycriu, which cannot be loaded: {error}", "run `make setup`"
        ) from error


@dataclass(frozen=True, slots=True)
class ImageFile:
    """The content of one image file, its magic numbers checked."""

    kind: str
    content: bytes

    def messages(self) -> Iterator[Any]:
        """Every message in order. Raises Damage where they end too early or make no sense."""
        position = self._start
        count = 0
        while position < len(self.content):
            message, position = self._message(position)
            yield message
            count += 1
            if count == COUNT_LIMIT:
                raise Damage(f"holds more than {COUNT_LIMIT} messages")

    def first(self) -> Any:
        """The only message of a file that has one. Raises Damage."""
        return self._message(self._start)[0]

    def first_and_rest(self) -> tuple[Any, memoryview]:
        """The first message and the raw bytes behind it. Raises Damage."""
        message, position = self._message(self._start)
        return message, memoryview(self.content)[position:]

    @property
    def _start(self) -> int:
        return 4 if int.from_bytes(self.content[:4], "little") == _MAGIC[self.kind] else 8

    def _message(self, position: int) -> tuple[Any, int]:
        body = position + 4
        end = body + int.from_bytes(self.content[position:body], "little")
        if body > len(self.content) or end > len(self.content):
            raise Damage(f"is truncated: a message should end at byte {end}, the file ends at {len(self.content)}")
        if end - body > MESSAGE_LIMIT:
            raise Damage(f"is damaged: the message at byte {body} has {end - body} bytes")
        message = message_class(self.kind)()
        try:
            message.ParseFromString(self.content[body:end])
        except Exception as error:  # protobuf's DecodeError; its class must not be imported before pycriu
            raise Damage(f"is damaged: the message at byte {body} cannot be decoded") from error
        return message, end


def image_file(content: bytes, kind: str) -> ImageFile:
    """What stands in one file. Raises Damage if it is an image of another kind."""
    magics = [int.from_bytes(content[place : place + 4], "little") for place in (0, 4)]
    if len(content) < 4:
        raise Damage("is empty" if not content else "is truncated: shorter than its magic number")
    own = magics[1] if magics[0] in {_COMMON, _SERVICE} else magics[0]
    if own != _MAGIC[kind]:
        other = _KINDS.get(own)
        raise Damage(f"is an image of another kind ({other})" if other else "is no CRIU image: wrong magic number")
    return ImageFile(kind, content)
