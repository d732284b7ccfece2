"""Captures of situations between two hosts of a lab, recorded live: run as a program, it writes them anew.

``fixtures/recordings/captures/NAME.pcapng``: ``reset`` (closed with unread data), ``silence`` (the peer's answers are
dropped), ``closed-window`` (a program that does not read), ``forged-reset`` (one beyond the window, with another TTL).
"""

import contextlib
import select
import socket
import time
from collections.abc import Callable
from pathlib import Path

from workbench.collect.capture import LiveCapture, Saved
from workbench.collect.namespaces import inside
from workbench.evidence import Connection, Endpoint
from workbench.evidence.event import RST
from workbench.evidence.packet_notes import Follower
from workbench.evidence.packet_sign import Sign
from workbench.lab.marker import new_id
from workbench.lab.namespaces import Host, address, join
from workbench.repair.segment import RawSender, Segment

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings" / "captures"
DEADLINE_S = 30.0
SILENT_S = 2.5


class Ends:
    """A connection between two hosts."""

    def __init__(self, near: Host, far: Host) -> None:
        listener = inside(near.path, lambda: socket.create_server(("10.77.0.1", 80)))
        self.far = inside(far.path, lambda: socket.create_connection(("10.77.0.1", 80)))
        self.near, _ = listener.accept()
        listener.close()
        local, peer = (Endpoint(*name) for name in (self.near.getsockname(), self.near.getpeername()))
        self.connection = Connection(local, peer)
        self.hosts = near, far

    def exchange(self) -> None:
        for _ in range(3):
            self.near.sendall(b"question")
            self.far.recv(8, socket.MSG_WAITALL)
            self.far.sendall(b"answer")
            self.near.recv(6, socket.MSG_WAITALL)


def reset(ends: Ends) -> None:
    ends.near.sendall(b"unread")
    select.select([ends.far], [], [], DEADLINE_S)
    ends.far.close()


def silence(ends: Ends) -> None:
    ends.hosts[1].inside("nft", "add table inet quiet; add chain inet quiet in { type filter hook input priority 0; }")
    ends.hosts[1].inside("nft", "add rule inet quiet in tcp dport != 0 drop")
    ends.near.sendall(b"is anybody there?")


def closed_window(ends: Ends) -> None:
    ends.near.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            ends.near.send(bytes(4096))


def forged_reset(ends: Ends) -> None:
    sender = RawSender(0)
    inside(ends.hosts[1].path, lambda: sender.send(Segment(ends.connection.reversed, 12345, 0, RST, 0)))
    sender.close()


SITUATIONS: dict[str, tuple[Callable[[Ends], None], Sign | None]] = {
    "reset": (reset, Sign.RESET),
    "silence": (silence, None),
    "closed-window": (closed_window, Sign.WINDOW_PROBE),
    "forged-reset": (forged_reset, Sign.RESET_OUT_OF_WINDOW),
}


def record(name: str, path: Path) -> None:
    """Bring it about and write what passed at the near end, headers only."""
    happen, awaited = SITUATIONS[name]
    lab = new_id()
    near, far = Host("near", lab), Host("far", lab)
    with contextlib.ExitStack() as stack:
        stack.callback(far.close)
        stack.callback(near.close)
        join(near, far)
        address(near, ["10.77.0.1/24"])
        address(far, ["10.77.0.2/24"])
        near.inside("sysctl", "-q", "-w", "net.ipv4.tcp_wmem=4096 16384 65536", "net.ipv4.tcp_rmem=4096 16384 65536")
        far.inside("sysctl", "-q", "-w", "net.ipv4.tcp_rmem=4096 16384 65536")
        live = LiveCapture({near.inode: (near.namespace, "near")}, None)
        stack.callback(live.close)
        ends = Ends(near, far)
        ends.exchange()
        happen(ends)
        follower, records = Follower(), []
        begun = time.monotonic()
        while time.monotonic() < begun + DEADLINE_S:
            for one, packet in live.take(0.2):
                records.append(one)
                follower.add([packet] if packet else [])
            (flow,) = follower.followed.flows or [None]
            seen = flow is not None and (awaited is None or flow.signs.get(awaited, 0) >= (1 if "reset" in name else 3))
            if seen and (time.monotonic() > begun + SILENT_S or "reset" in name):
                break
        with path.open("wb") as file:
            saved = Saved(file, f"recorded in a lab: {name}")
            saved.write(records)
            saved.finish(live.interfaces)


def main() -> None:
    RECORDINGS.mkdir(parents=True, exist_ok=True)
    for name in SITUATIONS:
        record(name, RECORDINGS / f"{name}.pcapng")


if __name__ == "__main__":
    main()
