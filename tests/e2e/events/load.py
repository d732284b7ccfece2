"""Attempts to connect to a port where nobody listens: each is seen by every tracepoint, a known number of times."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterable

from workbench.collect.events.reader import EventReader
from workbench.evidence.event import Event, EventKind

ADDRESS = "127.91.7.3"
EACH = {
    (EventKind.STATE, None): 2,  # to SYN_SENT and back
    (EventKind.RESET_SENT, None): 1,
    (EventKind.RESET_RECEIVED, None): 1,
    (EventKind.RESET_PACKET, False): 1,
    (EventKind.RESET_PACKET, True): 1,
    (EventKind.DROP, True): 1,
}
"""Events of one attempt by kind and direction."""
OF_TRACEFS = frozenset({EventKind.STATE, EventKind.RESET_SENT, EventKind.RESET_RECEIVED})
_PROGRAM = f"""
import socket, sys
for _ in range(int(sys.argv[1])):
    attempt = socket.socket()
    attempt.connect_ex(({ADDRESS!r}, 9))
    attempt.close()
"""


def attempt(count: int) -> "subprocess.Popen[bytes]":
    """As fast as one process can."""
    return subprocess.Popen([sys.executable, "-S", "-E", "-c", _PROGRAM, str(count)])


def record(reader: EventReader, count: int) -> list[Event]:
    """What is recorded while they are made; the reader is closed afterwards."""
    events: list[Event] = []
    with attempt(count) as process:
        while process.poll() is None:
            events += reader.take(0.1)
    reader.close()
    return events + reader.take(0)


def counted(events: Iterable[Event]) -> Counter[tuple[EventKind, bool | None]]:
    """Those of the attempts."""
    return Counter(
        (event.kind, event.incoming)
        for event in events
        if event.connection and ADDRESS in {event.connection.local.address, event.connection.peer.address}
    )
