"""A connection taken out of its socket."""

import ctypes
import fcntl
import os
import socket
import sys
import time

from workbench.errors import WorkbenchError
from workbench.evidence.state import MOVABLE, State
from workbench.repair import constants as c
from workbench.repair.read import read_socket

_TCP = socket.IPPROTO_TCP
_MPTCP = 262
_ROOM = 128
"""Bytes of a struct sockaddr_storage."""


def export(sock: socket.socket) -> State:
    """The state of a connection; its socket is in repair mode from then on: silent, also when it is closed.

    Nobody may use the socket meanwhile, and nothing of the connection may pass (a lock), or the state is out of date
    the next moment. Undone by ``resume``. Raises WorkbenchError, with the socket as it was, if it cannot be taken.
    """
    reason = refusal(sock)
    if reason:
        raise WorkbenchError(f"The connection cannot be taken: {reason}")
    reuse = sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)
    name = sock.getsockname()
    try:
        sock.setsockopt(_TCP, c.TCP_REPAIR, c.REPAIR_ON)
    except OSError as error:
        raise WorkbenchError(f"Repair mode is refused: {error.strerror}", "run as root (CAP_NET_ADMIN)") from error
    try:
        read = read_socket(sock, in_repair=True)
    except BaseException:
        _leave(sock, c.REPAIR_OFF_SILENT, reuse)
        raise
    known = read.sequences
    return State(
        connection=read.connection,
        family=read.family,
        state=read.state,
        write_seq=known.write_seq,
        rcv_nxt=known.rcv_nxt,
        snd_nxt=known.snd_nxt,
        snd_wnd=known.snd_wnd or 0,
        max_window=known.max_window or 0,
        snd_wl1=known.snd_wl1 or 0,
        rcv_wnd=known.rcv_wnd or 0,
        rcv_wup=known.rcv_wup or 0,
        queue=read.queue,
        mss_clamp=read.mss_clamp,
        options=read.options,
        snd_wscale=read.snd_wscale,
        rcv_wscale=read.rcv_wscale,
        timestamp=read.timestamp,
        socket_options={**read.socket_options, "SO_REUSEADDR": reuse},
        nonblocking=bool(fcntl.fcntl(sock, fcntl.F_GETFL) & os.O_NONBLOCK),
        device=socket.if_indextoname(name[3]) if len(name) > 3 and name[3] else "",
        taken=time.time(),
    )


def refusal(sock: socket.socket) -> str:
    """Why a socket's connection cannot be taken, one clause; empty if it can. Nothing is disturbed by asking."""
    if sock.family not in {socket.AF_INET, socket.AF_INET6} or sock.type != socket.SOCK_STREAM:
        return "it is no TCP socket"
    if sock.getsockopt(socket.SOL_SOCKET, socket.SO_PROTOCOL) == _MPTCP:
        return "it is multipath TCP, which has no repair mode"
    state = sock.getsockopt(_TCP, socket.TCP_INFO, 1)[0]
    if state not in MOVABLE:
        return "it is not connected"
    try:
        ulp = sock.getsockopt(_TCP, c.TCP_ULP, 16).rstrip(b"\0").decode(errors="replace")
    except OSError:
        ulp = ""
    if ulp:
        return f"the kernel speaks {ulp} on it, whose keys cannot be read"
    if sock.getsockopt(_TCP, c.TCP_REPAIR):
        return "it is in repair mode already: somebody else works on it, or was killed at it (workbench recover)"
    return ""


def resume(sock: socket.socket, state: State) -> None:
    """Leave repair mode: the connection goes on, beginning with a probe that the peer answers. Raises OSError.

    What was never sent is sent at once. What is in flight waits for an answer of the peer: see ``nudge``.
    """
    _leave(sock, c.REPAIR_OFF, int(state.socket_options.get("SO_REUSEADDR", 0)))
    if state.queue.unsent:  # setting it pushes, whatever it was before (net/ipv4/tcp.c:__tcp_sock_set_nodelay)
        sock.setsockopt(_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(_TCP, socket.TCP_NODELAY, int(state.socket_options.get("TCP_NODELAY", 0)))


def _leave(sock: socket.socket, how: int, reuse: int) -> None:
    sock.setsockopt(_TCP, c.TCP_REPAIR, how)
    # Leaving repair mode clears it (net/ipv4/tcp.c:do_tcp_setsockopt).
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, reuse)


def detach(sock: socket.socket) -> None:
    """Take the connection away from an exported socket without a packet; the socket is unconnected then.

    It may be filled again (``restore(state, into=sock)``). Whoever holds it finds it closed: see ``hang_up``.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    nowhere = socket.AF_UNSPEC.to_bytes(2, sys.byteorder) + bytes(_ROOM - 2)
    if libc.connect(sock.fileno(), nowhere, len(nowhere)):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def hang_up(sock: socket.socket, state: State) -> None:
    """Have a detached socket look to its holders as if the peer had closed: reads give 0, writes EPIPE.

    Without it they would see ECONNABORTED once and ENOTCONN from then on (net/ipv4/tcp.c:tcp_disconnect).
    """
    _leave(sock, c.REPAIR_OFF_SILENT, int(state.socket_options.get("SO_REUSEADDR", 0)))
    sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:  # ENOTCONN, after it has had its effect (net/ipv4/af_inet.c:inet_shutdown)
        return
