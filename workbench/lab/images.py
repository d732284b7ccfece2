"""Images as they may come from somewhere else: incomplete, cut, or made on another kernel."""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.read.image_file import message_class

_HEAD = 12
"""Two magic numbers and the length of the message, in front of every message of ``tcp-stream-*.img``."""


def edit(
    images: Path,
    *,
    without: str = "",
    cut: str = "",
    garbled: str = "",
    odd_timestamps: bool = False,
    other_scale: bool = False,
) -> None:
    """Change a directory of images.

    A file (a pattern) is missing, lacks its last byte or has it changed; the timestamps of all connections are odd, as
    every second one of a kernel before Linux 6.7 is; their windows have another scale.
    """
    if without:
        _one(images, without).unlink()
    if cut:
        path = _one(images, cut)
        path.write_bytes(path.read_bytes()[:-1])
    if garbled:
        path = _one(images, garbled)
        content = path.read_bytes()
        path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    for wanted, change in ((odd_timestamps, _make_odd), (other_scale, _scale_otherwise)):
        for path in _streams(images) if wanted else ():
            _change(path, change)


def _one(images: Path, pattern: str) -> Path:
    found = sorted(images.glob(pattern))
    if not found:
        raise WorkbenchError(f"the lab's images have no {pattern}")
    return found[0]


def _streams(images: Path) -> Iterator[Path]:
    return iter(sorted(images.glob("tcp-stream-*.img")))


def _make_odd(stream: Any) -> None:
    stream.timestamp |= 1
    stream.opt_mask &= ~64  # TCPI_OPT_USEC_TS (include/uapi/linux/tcp.h)


def _scale_otherwise(stream: Any) -> None:
    stream.rcv_wscale ^= 1


def _change(path: Path, change: Callable[[Any], None]) -> None:
    """Change the message of one file and leave the rest as it is."""
    content = path.read_bytes()
    (length,) = struct.unpack_from("<I", content, _HEAD - 4)
    message = message_class("tcp-stream")()
    message.ParseFromString(content[_HEAD : _HEAD + length])
    change(message)
    fresh = message.SerializeToString()
    path.write_bytes(content[: _HEAD - 4] + struct.pack("<I", len(fresh)) + fresh + content[_HEAD + length :])
