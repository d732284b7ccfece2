"""Whole answers of inet_diag decoded at once with numpy (include/uapi/linux/inet_diag.h).

Within one answer almost every message has the same length and the same attributes at the same places. Messages are
grouped by length, each group is split by the headers of its attributes, and each part becomes one structured array.
"""

import struct
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from workbench.collect.arrays import distinct
from workbench.collect.coded import Coded, coded
from workbench.collect.sock_diag import HEADER, Answer

Number = TypeVar("Number", np.uint32, np.uint64)

DUMP_BOTH_FAMILIES = 18
"""``TCPDIAG_GETSOCK``: unlike SOCK_DIAG_BY_FAMILY it lists IPv4 and IPv6 in one pass over the kernel's table."""
INFO, CONG, SKMEMINFO, SHUTDOWN, SKV6ONLY, MARK, MD5SIG, ULP_INFO = 2, 4, 7, 8, 11, 15, 18, 19
SHOWN = (INFO, CONG, SKMEMINFO, SHUTDOWN, SKV6ONLY, MARK, ULP_INFO, MD5SIG)
"""``INET_DIAG_*`` attributes. MARK and MD5SIG come only with CAP_NET_ADMIN, MD5SIG and ULP_INFO only where there is
one."""
_ALL_STATES = 0xFFFFFFFF  # with the bit of TCP_BOUND_INACTIVE (Linux 6.8): bound, neither listening nor connected
DETAILS = (INFO, CONG, SKMEMINFO, SHUTDOWN)
"""Attributes that come only if they are asked for."""

MESSAGE = struct.Struct("=BBBB HH 16s 16s I Q IIIII")
"""``struct inet_diag_msg``: family, state, timer, retrans, ports (network order), addresses, interface, cookie,
expires (ms), receive queue, send queue, uid, inode."""
_ATTRIBUTES = HEADER.size + MESSAGE.size
_COLUMNS = {
    "family": ("u1", 0),
    "state": ("u1", 1),
    "timer": ("u1", 2),
    "retransmits": ("u1", 3),
    "local_port": (">u2", 4),
    "peer_port": (">u2", 6),
    "local": ("(2,)>u8", 8),
    "peer": ("(2,)>u8", 24),
    "interface": ("u4", 40),
    "cookie": ("u8", 44),
    "timer_ms": ("u4", 52),
    "recv_q": ("u4", 56),
    "send_q": ("u4", 60),
    "uid": ("u4", 64),
    "inode": ("u4", 68),
}


def request(details: Collection[int] = DETAILS) -> bytes:
    """``struct inet_diag_req``: every TCP socket in every state, with these attributes."""
    wanted = sum(1 << (attribute - 1) for attribute in details)
    return struct.pack("=BBBB48xII", 0, 0, 0, wanted, _ALL_STATES, 0)


@dataclass(frozen=True, slots=True)
class Block:
    """Messages of one form: the same length, the same attributes at the same places."""

    raw: memoryview
    """The messages one after the other, each ``size`` bytes, netlink header first."""
    size: int
    places: tuple[slice | None, ...]
    """Where the payload of each of ``SHOWN`` lies in a message; None if there is none."""

    def __len__(self) -> int:
        return len(self.raw) // self.size

    def column(self, name: str) -> NDArray[np.generic]:
        """One field of ``struct inet_diag_msg`` of every message, without a copy."""
        kind, offset = _COLUMNS[name]
        return self._field(kind, HEADER.size + offset)

    def payloads(self, attribute: int) -> list[bytes | None]:
        """One of ``SHOWN`` of every message; None if they have none."""
        place = self.places[SHOWN.index(attribute)]
        if place is None:
            return [None] * len(self)
        found: list[bytes | None] = self._field(f"V{place.stop - place.start}", place.start).tolist()
        return found

    def coded(self, attribute: int) -> Coded:
        """The same, for attributes that have one value in nearly every message."""
        place = self.places[SHOWN.index(attribute)]
        if place is None:
            return Coded([None], np.zeros(len(self), np.intp))
        rows = np.frombuffer(self.raw, np.uint8).reshape(-1, self.size)[:, place]
        if (rows == rows[0]).all():
            return Coded([rows[0].tobytes()], np.zeros(len(self), np.intp))
        return coded(self.payloads(attribute))

    def sixteen(self, name: str) -> list[bytes]:
        """``local`` or ``peer`` of every message as its 16 bytes."""
        found: list[bytes] = self._field("V16", HEADER.size + _COLUMNS[name][1]).tolist()
        return found

    def _field(self, kind: str, offset: int) -> NDArray[np.generic]:
        form = np.dtype({"names": ["it"], "formats": [kind], "offsets": [offset], "itemsize": self.size})
        return np.frombuffer(self.raw, form)["it"]

    def message(self, index: int) -> bytes:
        return bytes(self.raw[index * self.size : (index + 1) * self.size])


def blocks(answer: Answer) -> Iterator[Block]:
    """Every message of an answer, in blocks of one form each."""
    data = np.frombuffer(answer.data, np.uint8)
    offsets = np.array(answer.offsets, np.int64)
    lengths = _numbers(data, offsets, np.uint32)
    offsets = offsets[lengths >= _ATTRIBUTES]
    # A socket that moves to another place of the kernel's table during the dump is told twice: the last time counts.
    cookies = _numbers(data, offsets + HEADER.size + _COLUMNS["cookie"][1], np.uint64)
    ordered = np.sort(cookies)
    if (ordered[1:] == ordered[:-1]).any():
        offsets = offsets[::-1][np.sort(np.unique(cookies[::-1], return_index=True)[1])[::-1]]
    lengths = _numbers(data, offsets, np.uint32)
    for length in distinct(lengths):
        places = offsets[lengths == length]
        if (np.diff(places) == length).all():
            yield from _split(data[places[0] : places[0] + len(places) * length].reshape(-1, length))
        else:
            windows = np.lib.stride_tricks.sliding_window_view(data, length)
            yield from _split(windows[places])


def _numbers(data: NDArray[np.uint8], offsets: NDArray[np.int64], kind: type[Number]) -> NDArray[Number]:
    """The number at each of these places, aligned or not."""
    places = offsets[:, None] + np.arange(np.dtype(kind).itemsize)
    found: NDArray[Number] = data[places].view(kind)[:, 0]
    return found


def _split(rows: NDArray[np.uint8]) -> Iterator[Block]:
    """Part messages of one length by the headers of their attributes."""
    while len(rows):
        attributes = _attributes(rows[0].tobytes())
        headers = [place.start - 4 + byte for place in attributes.values() for byte in range(4)]
        alike = (rows[:, headers] == rows[0, headers]).all(axis=1)
        everything = bool(alike.all())
        places = tuple(attributes.get(attribute) for attribute in SHOWN)
        picked = rows if everything else rows[alike]
        yield Block(picked.data.cast("B"), rows.shape[1], places)
        if everything:
            return
        rows = rows[~alike]


def _attributes(message: bytes) -> dict[int, slice]:
    """Where each attribute's payload lies, by type."""
    found: dict[int, slice] = {}
    position = _ATTRIBUTES
    while position + 4 <= len(message):
        length, kind = struct.unpack_from("=HH", message, position)
        if length < 4:
            break
        found[kind] = slice(position + 4, position + length)
        position += (length + 3) & ~3
    return found
