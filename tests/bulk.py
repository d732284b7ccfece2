"""A bulk transfer at the full speed of loopback, now watched, now not."""

import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from statistics import median

from workbench.collect.sequences import SequenceReader
from workbench.evidence import Gap

_SENDS = "import socket\ns = socket.socket(fileno=0)\nblock = bytes(1 << 18)\nwhile True: s.sendall(block)"
_TAKES = "import socket\ns = socket.socket(fileno=0)\nroom = bytearray(1 << 18)\nwhile s.recv_into(room): pass"
_TOTAL_RETRANS, _BYTES_ACKED = 100, 120  # places in struct tcp_info
_SO_COOKIE = 57


@dataclass(frozen=True)
class Stretch:
    """A part of the transfer."""

    watched: bool
    bytes_a_second: float
    retransmitted: int
    """Segments."""


@contextmanager
def transfer() -> Iterator[socket.socket]:
    """Two programs, one of which sends to the other all it can; yields the sending end."""
    with ExitStack() as opened, socket.create_server(("127.0.0.1", 0)) as listener:
        sender = opened.enter_context(socket.create_connection(listener.getsockname()))
        receiver = opened.enter_context(listener.accept()[0])
        for end, code in ((receiver, _TAKES), (sender, _SENDS)):
            program = subprocess.Popen([sys.executable, "-c", code], stdin=end.fileno(), stderr=subprocess.DEVNULL)
            opened.callback(program.wait)
            opened.callback(program.kill)
        yield sender


def stretches(sender: socket.socket, pairs: int, seconds: float, hz: int = 10) -> Iterator[Stretch]:
    """Unwatched and watched ones in turn, so that whatever else the machine does concerns both alike.

    Watched: the sequence numbers of all sockets of the host are read so often, and of this one looked at.
    """
    cookie = int.from_bytes(sender.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, 8), sys.byteorder)
    reader = SequenceReader()
    try:
        reader.read()  # loads the program
        for number in range(2 * pairs):
            watched = number % 2 == 1
            began, (retransmitted, acked) = time.monotonic(), _told(sender)
            looks = 0
            while (left := began + seconds - time.monotonic()) > 0:
                if watched:
                    table = reader.read()
                    assert not isinstance(table, Gap), table
                    assert table[cookie].in_flight >= 0
                    looks += 1
                time.sleep(min(left, 1 / hz))
            took, (later, more) = time.monotonic() - began, _told(sender)
            assert not watched or looks >= seconds * hz / 2
            yield Stretch(watched, (more - acked) / took, later - retransmitted)
    finally:
        reader.close()


def slowdown(measured: list[Stretch]) -> float:
    """Speed watched as a part of that unwatched, the median of neighbours."""
    pairs = zip(measured[::2], measured[1::2], strict=True)
    return median(watched.bytes_a_second / free.bytes_a_second for free, watched in pairs)


def _told(sender: socket.socket) -> tuple[int, int]:
    info = sender.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
    return struct.unpack_from("=I", info, _TOTAL_RETRANS)[0], struct.unpack_from("=Q", info, _BYTES_ACKED)[0]
