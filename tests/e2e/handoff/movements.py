"""Connections moved from one socket into another, in a network namespace of its own: a program that a test runs.

``movements.py FAMILY`` brings one end of a connection into each state with data in every queue, takes it out under a
lock, puts it into another socket, and lets both ends finish. It prints one JSON object a state: what arrived, how the
old socket looked, and how many resets the namespace has sent in the end.
"""

import ctypes
import fcntl
import json
import os
import select
import socket
import struct
import sys
import time
from pathlib import Path

from workbench.evidence import Connection, Endpoint, TcpState
from workbench.operation.connection_lock import ConnectionLock, new_name
from workbench.read.state_file import unpack
from workbench.repair.export import detach, export, hang_up, resume
from workbench.repair.pack import pack
from workbench.repair.restore import restore

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
FAMILIES = {
    "v4": (socket.AF_INET, "127.0.0.1"),
    "v6": (socket.AF_INET6, "::1"),
    "mapped": (socket.AF_INET6, "::ffff:127.0.0.1"),
}
STATES = ("ESTABLISHED", "full", "CLOSE_WAIT", "FIN_WAIT1", "FIN_WAIT2", "CLOSING", "LAST_ACK")
DEADLINE_S = 30.0


def enter_namespace() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", 1))


class Half:
    """Drops what leaves ``end``'s host for its peer, while the other way is open."""

    def __init__(self, end: socket.socket) -> None:
        self._deaf = end

    def __enter__(self) -> None:
        program = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))
        self._deaf.setsockopt(socket.SOL_SOCKET, 26, struct.pack("@HP", 1, ctypes.addressof(program)))

    def __exit__(self, *_: object) -> None:
        self._deaf.setsockopt(socket.SOL_SOCKET, 27, 0)


def connected(family: int, address: str) -> tuple[socket.socket, socket.socket]:
    with socket.socket(family) as listener:
        listener.bind((address, 0))
        listener.listen()
        peer = socket.socket(family)
        peer.connect(listener.getsockname()[:2])
        own, _ = listener.accept()
    own.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    own.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    own.setsockopt(socket.IPPROTO_TCP, 18, 60_000)  # TCP_USER_TIMEOUT
    return own, peer


def state_of(sock: socket.socket) -> TcpState:
    return TcpState(sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0])


def reach(sock: socket.socket, wanted: TcpState) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while state_of(sock) is not wanted:
        if time.monotonic() > deadline:
            raise SystemExit(f"the socket is in {state_of(sock).name}, not in {wanted.name}")
        time.sleep(0.002)


def fill(end: socket.socket) -> bytes:
    """Write until the kernel has taken no more for a while."""
    end.setblocking(False)
    written, number = bytearray(), 0
    while select.select([], [end], [], 0.2)[1]:
        block = b"".join(b"%015d\n" % (number + place) for place in range(4096))
        try:
            taken = end.send(block)
        except BlockingIOError:
            continue
        written += block[:taken]
        number += taken // 16 if taken % 16 == 0 else 0
    end.setblocking(True)
    return bytes(written)


def read_all(ends: dict[socket.socket, bytes], until: dict[socket.socket, int]) -> dict[socket.socket, bytes]:
    """Read both at once until each has its bytes, or its peer has closed."""
    deadline = time.monotonic() + DEADLINE_S
    open_ends = {end for end in ends if len(ends[end]) < until[end]}
    while open_ends and time.monotonic() < deadline:
        for end in select.select(list(open_ends), [], [], 1)[0]:
            content = end.recv(1 << 20)
            ends[end] += content
            if not content or len(ends[end]) >= until[end]:
                open_ends.discard(end)
    return ends


def resets_sent() -> int:
    lines = Path("/proc/thread-self/net/snmp").read_text().splitlines()
    names, values = (line.split() for line in lines if line.startswith("Tcp:"))
    return int(values[names.index("OutRsts")])


def bring_into(name: str, own: socket.socket, peer: socket.socket, lock: ConnectionLock) -> tuple[bytes, bytes]:
    """Bring ``own`` into a state, and lock; what each end has sent."""
    from_own, from_peer = b"from the owner " * 50, b"from the peer " * 50
    if name == "full":
        from_peer, from_own = fill(peer), fill(own)
    else:
        peer.sendall(from_peer)
    while not own.recv(1, socket.MSG_PEEK):
        pass
    if name in {"CLOSE_WAIT", "LAST_ACK"}:
        peer.shutdown(socket.SHUT_WR)
        reach(own, TcpState.CLOSE_WAIT)
    if name == "FIN_WAIT2":
        own.sendall(from_own)
        own.shutdown(socket.SHUT_WR)
        reach(own, TcpState.FIN_WAIT2)
    if name == "CLOSING":  # the peer does not hear that we have closed, so both close at once
        with Half(peer):
            own.sendall(from_own)
            own.shutdown(socket.SHUT_WR)
            peer.shutdown(socket.SHUT_WR)
            reach(own, TcpState.CLOSING)
            lock.lock()
        return from_own, from_peer
    if name in {"ESTABLISHED", "FIN_WAIT1", "LAST_ACK"}:
        with Half(peer):
            own.sendall(from_own)
            if name != "ESTABLISHED":
                own.shutdown(socket.SHUT_WR)
            lock.lock()
        return from_own, from_peer
    lock.lock()
    if name == "CLOSE_WAIT":  # the lock keeps it from being sent at all
        own.sendall(from_own)
    return from_own, from_peer


def look_of_old(old: socket.socket) -> list[str]:
    """What a program that still has the old socket finds."""
    old.setblocking(False)
    found = [repr(old.recv(10))]
    try:
        found.append(repr(old.send(b"x")))
    except OSError as error:
        found.append(type(error).__name__)
    return found


def move(name: str, family: int, address: str) -> dict[str, object]:
    own, peer = connected(family, address)
    local, far = own.getsockname(), own.getpeername()
    connection = Connection(Endpoint(local[0], local[1]), Endpoint(far[0], far[1]))
    lock = ConnectionLock(new_name(), [connection], "/proc/thread-self/ns/net")
    from_own, from_peer = bring_into(name, own, peer, lock)
    mss = own.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)
    state = export(own)
    detach(own)
    moved = restore(unpack(pack(state)))
    again = export_again(moved)
    hang_up(own, state)
    lock.lift()
    resume(moved, state)
    lock.close()
    got = read_all({moved: b"", peer: b""}, {moved: len(from_peer), peer: len(from_own)})
    for end in (moved, peer):
        try:
            end.shutdown(socket.SHUT_WR)
        except OSError:  # that end is shut down already, and has perhaps ended
            continue
    ends = [end.recv(10) for end in (moved, peer)]
    return {
        "state": state.state.name,
        "unread": len(state.queue.received),
        "in_flight": len(state.queue.sent) - state.queue.unsent,
        "unsent": state.queue.unsent,
        "received": got[moved] == from_peer,
        "delivered": got[peer] == from_own,
        "closed": ends == [b"", b""],
        "old": look_of_old(own),
        "same": differences(state, again),
        "mss": [mss, moved.getsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG)],
        "resets": resets_sent(),
    }


def export_again(moved: socket.socket) -> dict[str, object]:
    """The restored socket, read back while it is still in repair mode."""
    from workbench.repair.read import read_socket

    read = read_socket(moved, in_repair=True)
    numbers = {
        name: getattr(read.sequences, name) for name in ("write_seq", "rcv_nxt", "snd_una", "snd_wnd", "rcv_wnd")
    }
    return {
        **numbers,
        "state": read.state.name,
        "received": read.queue.received,
        "sent": read.queue.sent,
        "unsent": read.queue.unsent,
        "options": read.options & 7,
        "scales": (read.snd_wscale, read.rcv_wscale),
        "mss_clamp": read.mss_clamp,
        "user_timeout": read.socket_options["TCP_USER_TIMEOUT"],
        "congestion": read.socket_options["TCP_CONGESTION"],
        "keepalive": read.socket_options["SO_KEEPALIVE"],
        "nodelay": read.socket_options["TCP_NODELAY"],
        "buffers": (read.socket_options["SO_SNDBUF"], read.socket_options["SO_RCVBUF"]),
        "buffer_lock": read.socket_options["SO_BUF_LOCK"],
    }


def differences(state: object, again: dict[str, object]) -> list[str]:
    from workbench.evidence.state import State

    assert isinstance(state, State)
    options = state.socket_options
    before = {
        "write_seq": state.write_seq,
        "rcv_nxt": state.rcv_nxt,
        "snd_una": state.snd_una,
        "snd_wnd": state.snd_wnd,
        "rcv_wnd": state.rcv_wnd,
        "state": state.state.name,
        "received": state.queue.received,
        "sent": state.queue.sent,
        "unsent": state.queue.unsent,
        "options": state.options & 7,
        "scales": (state.snd_wscale, state.rcv_wscale),
        "mss_clamp": state.mss_clamp,
        "user_timeout": options["TCP_USER_TIMEOUT"],
        "congestion": options["TCP_CONGESTION"],
        "keepalive": options["SO_KEEPALIVE"],
        "nodelay": options["TCP_NODELAY"],
        "buffers": (options["SO_SNDBUF"], options["SO_RCVBUF"]),
        "buffer_lock": options["SO_BUF_LOCK"],
    }
    return [name for name in before if before[name] != again[name]]


def main() -> None:
    enter_namespace()
    for name in STATES:
        sys.stdout.write(json.dumps({"name": name, **move(name, *FAMILIES[sys.argv[1]])}) + "\n")
        sys.stdout.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
