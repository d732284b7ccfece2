"""One connection read through TCP_REPAIR while nobody uses it: sequence numbers, queues, windows, options.

Why everybody must stand still: while the receive queue is selected, a send() of the owner would go into its own
receive queue, and while the send queue is selected it would be marked as sent and never leave
(net/ipv4/tcp.c:tcp_sendmsg_locked). No data is sent; peeking may let out an acknowledgement that was owed anyway.
"""

import fcntl
import socket
import struct
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from platform import machine

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint, Queue, Sequences, TcpState
from workbench.evidence.sequences import SEQUENCE_MODULUS
from workbench.repair import constants as c
from workbench.repair.borrow import borrow
from workbench.repair.options import read_options
from workbench.repair.record import ReadSocket

_TCP = socket.IPPROTO_TCP
_WINDOW = struct.Struct("=5I")  # struct tcp_repair_window: snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup
_OWN_FIN = {TcpState.FIN_WAIT1, TcpState.CLOSING, TcpState.LAST_ACK}
"""States in which the own FIN is in the send queue, not acknowledged."""
_PEER_FIN = {TcpState.CLOSE_WAIT, TcpState.CLOSING, TcpState.LAST_ACK}
SETTLING_S = 1.0
"""How long a task in CRIU's hold may take to fall asleep."""
_FUTEX = {"x86_64": 202}.get(machine(), 98)


def read_stopped(holders: Sequence[tuple[int, int]], inode: int) -> ReadSocket:
    """Read the connection behind a socket whose every holder is stopped or in CRIU's hands.

    ``holders``: all (pid, fd) that have it open; the caller knows that there are no others. A socket that is in
    repair mode already (CRIU's hold points) stays so, as it was found; any other is taken through repair mode for a
    fraction of a millisecond, silently, and gets its SO_REUSEADDR back. Raises WorkbenchError, before anything is
    touched, if a holder could run, and if the socket is not connected or may not be repaired (CAP_NET_ADMIN).
    """
    if not holders:
        raise WorkbenchError("Nobody holds this socket", "a socket without a descriptor cannot be borrowed")
    with borrow(*holders[0], inode) as sock:
        in_repair = sock.getsockopt(_TCP, c.TCP_REPAIR) != 0
        for pid in sorted({pid for pid, _ in holders}):
            _refuse_if_it_could_run(pid, in_repair)
        try:
            return read_socket(sock, in_repair=in_repair)
        except PermissionError as error:
            raise WorkbenchError(
                "The socket may not be put into repair mode",
                "this needs root (CAP_NET_ADMIN in the socket's network namespace) and a socket that does not listen",
            ) from error
        except OSError as error:
            raise WorkbenchError(f"The socket cannot be read by TCP_REPAIR: {error.strerror}") from error


def _refuse_if_it_could_run(pid: int, in_repair: bool) -> None:
    """Every thread must be stopped, traced or dead; with the socket in repair mode, blocked in CRIU's restorer too.

    Between ``post-restore`` and the release CRIU's restorer blob waits in futex(2) (criu/pie/restorer.c). CRIU tells us
    as soon as a task has reported itself, which is a moment before it sleeps: that moment is waited for.
    """
    deadline = time.monotonic() + (SETTLING_S if in_repair else 0)
    try:
        while (state := _running_state(pid, in_repair)) is not None:
            if time.monotonic() >= deadline:
                raise WorkbenchError(
                    f"Process {pid}, which holds the socket, is not stopped (state {state})",
                    "reading it now could corrupt its stream; stop every process that holds it first",
                )
            time.sleep(0.001)
    except OSError as error:
        raise WorkbenchError(f"Process {pid}, which holds the socket, cannot be looked at: {error.strerror}") from error


def _running_state(pid: int, in_repair: bool) -> str | None:
    """State letter of a thread that could run; None if there is none."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        state = (task / "stat").read_text(errors="replace").rpartition(")")[2].split()[0]
        in_restorer = in_repair and state == "S" and (task / "syscall").read_text().startswith(f"{_FUTEX} ")
        if state not in "tTZX" and not in_restorer:
            return state
    return None


def read_socket(sock: socket.socket, *, in_repair: bool) -> ReadSocket:
    """Read a socket that nobody uses meanwhile; ``in_repair``: it is in repair mode, and stays so. Raises OSError."""
    options = read_options(sock)
    family = int(sock.family)
    connection = Connection(_endpoint(sock.getsockname()), _endpoint(_peer(sock)))
    cookie = int.from_bytes(sock.getsockopt(socket.SOL_SOCKET, c.SO_COOKIE, 8), sys.byteorder)
    started = time.perf_counter_ns()
    with _repair(sock, in_repair), _whole_peeks(sock):
        info = sock.getsockopt(_TCP, socket.TCP_INFO, 256)
        state = TcpState(info[0])
        _select(sock, c.SEND_QUEUE)
        write_seq = _sequence(sock)
        # A closed socket keeps its numbers, but the kernel has dropped what they counted.
        is_closed = state is TcpState.CLOSE
        unacknowledged, unsent = (0, 0) if is_closed else (_count(sock, c.SIOCOUTQ), _count(sock, c.SIOCOUTQNSD))
        fin = 1 if state in _OWN_FIN else 0
        sent = _peek(sock, max(unacknowledged - fin, 0))
        _select(sock, c.RECEIVE_QUEUE)
        rcv_nxt = _sequence(sock)
        # Before the queue: even a peek may announce a larger window (net/ipv4/tcp.c:__tcp_cleanup_rbuf).
        snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup = _WINDOW.unpack(
            sock.getsockopt(_TCP, c.TCP_REPAIR_WINDOW, _WINDOW.size)
        )
        received = _peek(sock, _count(sock, c.SIOCINQ))
        timestamp = sock.getsockopt(_TCP, c.TCP_TIMESTAMP) % SEQUENCE_MODULUS
        mss_clamp = sock.getsockopt(_TCP, socket.TCP_MAXSEG)
    peer_fin = 1 if state in _PEER_FIN and received else 0
    # A SYN is not counted by SIOCOUTQ, but it is not acknowledged either.
    syn = 1 if state is TcpState.SYN_SENT else 0
    return ReadSocket(
        connection=connection,
        family=family,
        state=state,
        cookie=cookie,
        sequences=Sequences(
            snd_una=(write_seq - unacknowledged - syn) % SEQUENCE_MODULUS,
            snd_nxt=(write_seq - unsent) % SEQUENCE_MODULUS,
            write_seq=write_seq,
            rcv_nxt=rcv_nxt,
            copied_seq=(rcv_nxt - peer_fin - len(received)) % SEQUENCE_MODULUS,
            snd_wnd=snd_wnd,
            rcv_wnd=rcv_wnd,
            rcv_wup=rcv_wup,
            snd_wl1=snd_wl1,
            max_window=max_window,
            repair=in_repair,
        ),
        queue=Queue(received, sent, min(max(unsent - fin, 0), len(sent))),
        mss_clamp=mss_clamp,
        options=info[5],
        snd_wscale=info[6] & 15,
        rcv_wscale=info[6] >> 4,
        timestamp=timestamp,
        segments_in=int.from_bytes(info[140:144], sys.byteorder) if len(info) >= 144 else None,
        socket_options=options,
        was_in_repair=in_repair,
        milliseconds=(time.perf_counter_ns() - started) / 1e6,
    )


@contextmanager
def _repair(sock: socket.socket, already: bool) -> Iterator[None]:
    """Repair mode for as long as the context lasts, left as it was found."""
    if already:
        selected = sock.getsockopt(_TCP, c.TCP_REPAIR_QUEUE)
        try:
            yield
        finally:
            _select(sock, selected)
        return
    reuse = sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    sock.setsockopt(_TCP, c.TCP_REPAIR, c.REPAIR_ON)
    try:
        yield
    finally:
        sock.setsockopt(_TCP, c.TCP_REPAIR, c.REPAIR_OFF_SILENT)
        # Leaving repair mode clears it (net/ipv4/tcp.c:do_tcp_setsockopt).
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)


@contextmanager
def _whole_peeks(sock: socket.socket) -> Iterator[None]:
    """Peeks see the whole queue, and an owner that peeks by SO_PEEK_OFF finds its place again (TCP: Linux >= 6.9)."""
    try:
        place = sock.getsockopt(socket.SOL_SOCKET, c.SO_PEEK_OFF)
    except OSError:
        place = -1
    if place < 0:
        yield
        return
    sock.setsockopt(socket.SOL_SOCKET, c.SO_PEEK_OFF, -1)
    try:
        yield
    finally:
        sock.setsockopt(socket.SOL_SOCKET, c.SO_PEEK_OFF, place)


def _select(sock: socket.socket, queue: int) -> None:
    sock.setsockopt(_TCP, c.TCP_REPAIR_QUEUE, queue)


def _sequence(sock: socket.socket) -> int:
    """End of the selected queue."""
    return sock.getsockopt(_TCP, c.TCP_QUEUE_SEQ) % SEQUENCE_MODULUS


def _count(sock: socket.socket, request: int) -> int:
    (count,) = struct.unpack("=i", fcntl.ioctl(sock.fileno(), request, bytes(4)))
    return max(int(count), 0)


def _peek(sock: socket.socket, length: int) -> bytes:
    """Contents of the selected queue, not taken out of it."""
    if not length:
        return b""
    content = sock.recv(length, socket.MSG_PEEK | socket.MSG_DONTWAIT)
    if len(content) != length:
        raise WorkbenchError(f"The queue holds {length} bytes, but only {len(content)} can be seen")
    return content


def _peer(sock: socket.socket) -> tuple[str, int]:
    try:
        address = sock.getpeername()
    except OSError:  # ENOTCONN: closed by a reset
        return ("::" if sock.family == socket.AF_INET6 else "0.0.0.0", 0)  # noqa: S104 (compared, not bound)
    return address[0], address[1]


def _endpoint(address: tuple[str, int]) -> Endpoint:
    """Without the zone of a link-local address: connections are compared by address and port."""
    return Endpoint(address[0].partition("%")[0], address[1])
