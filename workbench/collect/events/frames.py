"""Values between a recorder and its child: a length of four bytes in host byte order, then the pickled value."""

import copyreg
import os
import pickle
import struct
from types import MappingProxyType
from typing import Any

_HEADER = struct.Struct("=I")


def send(descriptor: int, value: object) -> None:
    """Write one value; blocks while the pipe is full. Raises BrokenPipeError."""
    data = pickle.dumps(value, pickle.HIGHEST_PROTOCOL)
    left = memoryview(_HEADER.pack(len(data)) + data)
    while left:
        left = left[os.write(descriptor, left) :]


def receive(descriptor: int) -> Any:
    """The next value; raises EOFError at the end, also in the middle of a value. Only for what a trusted end sends."""
    return pickle.loads(_read(descriptor, _HEADER.unpack(_read(descriptor, _HEADER.size))[0]))  # noqa: S301


def _read(descriptor: int, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = os.read(descriptor, size - len(data))
        if not piece:
            raise EOFError
        data += piece
    return bytes(data)


def _proxy(values: dict[str, int | str]) -> "MappingProxyType[str, int | str]":
    return MappingProxyType(values)


copyreg.pickle(MappingProxyType, lambda proxy: (_proxy, (dict(proxy),)))
