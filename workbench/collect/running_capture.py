"""A live capture in a thread of its own, which can be looked at while it runs."""

import os
import threading
import time
from pathlib import Path

from workbench.collect.capture import MOST_BYTES, LiveCapture, Saved, places_of
from workbench.collect.namespaces import collect_namespaces
from workbench.collect.sock_diag import SockDiags
from workbench.collect.sockets import SocketReader
from workbench.errors import WorkbenchError
from workbench.evidence import Capture, Connection, Evidence, Gap, Packet
from workbench.evidence.packet_notes import Followed, Follower
from workbench.read.pcap_records import Record

MOST_PACKETS = 100_000
"""Kept; what comes after is counted only."""
_WAIT_S = 0.2


def capture_connection(connection: Connection) -> "RunningCapture":
    """Begin to capture a connection at every end that is on this host, headers only. Raises WorkbenchError."""
    namespaces, _ = collect_namespaces()
    diags = SockDiags()
    try:
        sockets, _ = SocketReader(diags).read(() if isinstance(namespaces, Gap) else namespaces)
    finally:
        diags.close()
    evidence = Evidence(time.time(), time.monotonic_ns(), ("live",), namespaces=namespaces, sockets=sockets)
    places = places_of([connection], evidence)
    return RunningCapture(LiveCapture(places, [connection]))


class RunningCapture:
    """Captures until it is closed; any thread may ask."""

    def __init__(self, live: LiveCapture) -> None:
        """Takes over the capture."""
        self._live = live
        self._lock = threading.Lock()
        self._records: list[Record] = []
        self._packets: list[Packet] = []
        self._follower = Follower()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="capture", daemon=True)
        self._thread.start()

    @property
    def count(self) -> int:
        """Segments so far."""
        return len(self._packets)

    def snapshot(self) -> tuple[Capture, Followed]:
        """Everything so far."""
        with self._lock:
            return self._live.capture(self._packets), self._follower.followed

    def save(self, path: Path) -> str:
        """Write what came so far; what was done, one sentence. Raises WorkbenchError."""
        with self._lock:
            records, interfaces = tuple(self._records), tuple(self._live.interfaces)
        try:
            with open(path, "xb", opener=lambda at, flags: os.open(at, flags | os.O_CLOEXEC, 0o600)) as file:
                saved = Saved(file, "headers only", MOST_BYTES)
                whole = saved.write(records)
                saved.finish(interfaces)
        except OSError as error:
            raise WorkbenchError(f"{path} cannot be written: {error.strerror}", "choose another name") from error
        return f"{saved.packets} packets written to {path}" + ("" if whole else "; the rest is too much for it")

    def close(self) -> None:
        """End it; again it does nothing."""
        if not self._closed:
            self._closed = True
            self._thread.join()
            self._live.close()

    def _run(self) -> None:
        while not self._closed:
            found = self._live.take(_WAIT_S)
            with self._lock:
                for record, packet in found[: max(MOST_PACKETS - len(self._records), 0)]:
                    self._records.append(record)
                    if packet is not None:
                        self._packets.append(packet)
                        self._follower.add((packet,))
