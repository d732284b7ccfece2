"""A connection put into a socket; the order of the steps is that of libsoccr (soccr/soccr.c:libsoccr_restore)."""

import errno
import socket
import struct
import time

from workbench.errors import WorkbenchError
from workbench.evidence import TcpState
from workbench.evidence.sequences import SEQUENCE_MODULUS, distance
from workbench.evidence.state import OWN_FIN, PEER_FIN, State, contradictions
from workbench.repair import constants as c
from workbench.repair.options import apply_options, set_buffers
from workbench.repair.segment import ACK, FIN, RawSender, Segment

_TCP = socket.IPPROTO_TCP
_WINDOW = struct.Struct("=5I")  # struct tcp_repair_window
_OPTION = struct.Struct("=II")  # struct tcp_repair_opt
_CHUNK = 1 << 16
_SMALLEST_CHUNK = 1 << 10
_LARGEST_MAXSEG = 32767  # MAX_TCP_WINDOW (include/net/tcp.h)
_AHEAD_MS = 200
_PLAYED_S = 5.0
_POLL_S = 0.0005


def restore(state: State, into: socket.socket | None = None) -> socket.socket:
    """A socket with this connection, in repair mode: silent until ``resume``, and when it is closed.

    In the network namespace of the calling thread, under a lock that lets the mark 0xC114 pass. ``into``: an
    unconnected socket to fill instead of a new one. Needs CAP_NET_ADMIN, and CAP_NET_RAW in states that the peer's FIN
    or its acknowledgement led to. Raises WorkbenchError, with ``into`` unconnected.
    """
    if found := contradictions(state):
        raise WorkbenchError(f"The state contradicts itself: {found[0]}")
    sock = into or socket.socket(state.family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
    try:
        _restore(sock, state)
    except BaseException as error:
        if into is None:
            sock.close()
        if isinstance(error, OSError):
            raise WorkbenchError(f"{state.connection} cannot be restored: {error.strerror}", _advice(error)) from error
        raise
    return sock


def _advice(error: OSError) -> str:
    return {
        errno.EPERM: "run as root (CAP_NET_ADMIN and CAP_NET_RAW in the network namespace)",
        errno.EADDRNOTAVAIL: "its address must be there, and the same connection must not",
        errno.ENETUNREACH: "a route to the peer is needed",
        errno.EHOSTUNREACH: "a route to the peer is needed",
        errno.ENODEV: "a device that it was bound to is missing",
    }.get(error.errno or 0, "")


def _restore(sock: socket.socket, state: State) -> None:
    sock.setsockopt(_TCP, c.TCP_REPAIR, c.REPAIR_ON)
    apply_options(sock, state.socket_options, before_connect=True)
    _set_sequence(sock, c.RECEIVE_QUEUE, state.receive_start)
    _set_sequence(sock, c.SEND_QUEUE, state.send_start)
    # connect(2) computes the MSS in use from the clamp of this moment, and nothing computes it anew later.
    sock.setsockopt(_TCP, socket.TCP_MAXSEG, min(state.mss_clamp, _LARGEST_MAXSEG))
    _bind(sock, state)
    sock.connect(_address(state, state.connection.peer.address, state.connection.peer.port))
    sock.setsockopt(_TCP, socket.TCP_MAXSEG, 0)
    sock.setsockopt(_TCP, c.TCP_REPAIR_OPTIONS, _negotiated(state))
    if state.options & c.HAS_TIMESTAMPS:
        sock.setsockopt(_TCP, c.TCP_TIMESTAMP, _signed(_later(state.timestamp)))
    _fill(sock, state)
    _set_window(sock, state, before_fin=True)
    _play(sock, state)
    apply_options(sock, state.socket_options, before_connect=False)
    if state.nonblocking:
        sock.setblocking(False)


def _bind(sock: socket.socket, state: State) -> None:
    try:
        sock.bind(_address(state, state.connection.local.address, state.connection.local.port))
    except OSError as error:
        # A socket that was bound to its port explicitly has kept it (net/ipv4/tcp.c:tcp_disconnect).
        if error.errno != errno.EINVAL or sock.getsockname()[1] != state.connection.local.port:
            raise


def _address(state: State, address: str, port: int) -> tuple[str, int] | tuple[str, int, int, int]:
    if not state.device:
        return address, port
    return address, port, 0, socket.if_nametoindex(state.device)


def _signed(number: int) -> int:
    """As setsockopt(2) takes an unsigned one."""
    return number - SEQUENCE_MODULUS if number >= SEQUENCE_MODULUS // 2 else number


def _later(timestamp: int) -> int:
    """A paced segment bears the time at which it was to leave, which may lie ahead of the clock that was read.

    With a clock that lags behind it the first data would be dropped by the peer (PAWS, RFC 7323 5).
    """
    ahead = _AHEAD_MS * (1000 if timestamp & 1 else 1)
    return (timestamp + ahead) % SEQUENCE_MODULUS


def _set_sequence(sock: socket.socket, queue: int, start: int) -> None:
    sock.setsockopt(_TCP, c.TCP_REPAIR_QUEUE, queue)
    sock.setsockopt(_TCP, c.TCP_QUEUE_SEQ, _signed(start))


def _negotiated(state: State) -> bytes:
    """What was agreed upon in the handshake, as TCP_REPAIR_OPTIONS takes it."""
    options = _OPTION.pack(c.OPTION_MSS, state.mss_clamp)
    if state.options & c.HAS_WINDOW_SCALE:
        options += _OPTION.pack(c.OPTION_WINDOW, state.snd_wscale | state.rcv_wscale << 16)
    if state.options & c.HAS_SACK:
        options += _OPTION.pack(c.OPTION_SACK_PERMITTED, 0)
    if state.options & c.HAS_TIMESTAMPS:
        options += _OPTION.pack(c.OPTION_TIMESTAMP, 0)
    return options


def _fill(sock: socket.socket, state: State) -> None:
    """Both queues; the buffers are as large as that takes meanwhile."""
    received, sent, unsent = state.queue.received, state.queue.sent, state.queue.unsent
    # A segment costs more than it holds: what fitted in small ones before must fit in any.
    room = 4 * max(len(received), len(sent)) + (1 << 20)
    set_buffers(sock, {"SO_SNDBUF": room, "SO_RCVBUF": room})
    _append(sock, c.RECEIVE_QUEUE, received)
    _append(sock, c.SEND_QUEUE, sent[: len(sent) - unsent])
    if unsent:
        # With repair mode off the kernel takes them as never sent; the peer's window is still 0 here, so they wait.
        sock.setsockopt(_TCP, c.TCP_REPAIR, c.REPAIR_OFF_SILENT)
        _send(sock, sent[len(sent) - unsent :])
        sock.setsockopt(_TCP, c.TCP_REPAIR, c.REPAIR_ON)


def _append(sock: socket.socket, queue: int, content: bytes) -> None:
    if content:
        sock.setsockopt(_TCP, c.TCP_REPAIR_QUEUE, queue)
        _send(sock, content)


def _send(sock: socket.socket, content: bytes) -> None:
    """All of it, in smaller pieces where the kernel has no memory for a large one."""
    rest, size = memoryview(content), _CHUNK
    while rest:
        try:
            rest = rest[sock.send(rest[:size], socket.MSG_DONTWAIT) :]
        except OSError as error:
            if error.errno not in {errno.ENOMEM, errno.ENOBUFS} or size <= _SMALLEST_CHUNK:
                raise
            size //= 2


def _set_window(sock: socket.socket, state: State, *, before_fin: bool = False) -> None:
    """``before_fin``: as it was before the peer's FIN came, with room for it."""
    peer_fin = before_fin and state.state in PEER_FIN
    rcv_wup = (state.rcv_wup - peer_fin) % SEQUENCE_MODULUS
    window = (state.snd_wl1, state.snd_wnd, state.max_window, state.rcv_wnd + peer_fin, rcv_wup)
    sock.setsockopt(_TCP, c.TCP_REPAIR_WINDOW, _WINDOW.pack(*window))


def _play(sock: socket.socket, state: State) -> None:
    """Bring the socket into its half-closed state: own FIN by shutdown(2), the peer's part as its segments.

    The peer's FIN, and its acknowledgement of ours, cannot be said by TCP_REPAIR.
    """
    if state.state is TcpState.ESTABLISHED:
        return
    if state.state is TcpState.LAST_ACK or state.state is TcpState.CLOSE_WAIT:
        _say(sock, state, FIN | ACK, state.snd_una)
    if state.state in OWN_FIN:
        was_sent = distance(state.snd_nxt, state.write_seq) == 0
        sock.setsockopt(_TCP, c.TCP_REPAIR_QUEUE, c.SEND_QUEUE if was_sent else c.NO_QUEUE)
        sock.shutdown(socket.SHUT_WR)
    if state.state is TcpState.CLOSING:
        _say(sock, state, FIN | ACK, state.snd_una)
    if state.state is TcpState.FIN_WAIT2:
        _say(sock, state, ACK, state.write_seq)
    _await(sock, state.state)
    _set_window(sock, state)


def _say(sock: socket.socket, state: State, flags: int, ack: int) -> None:
    """One segment of the peer's, as it once came."""
    seq = state.rcv_nxt - (state.state in PEER_FIN)
    window = min(state.snd_wnd >> state.snd_wscale, 0xFFFF)
    sender = RawSender(c.MARK)
    try:
        sender.send(Segment(state.connection.unmapped.reversed, seq, ack, flags, window))
    finally:
        sender.close()
    if flags & FIN:
        _await(sock, TcpState.CLOSE_WAIT if state.state is TcpState.LAST_ACK else state.state)


def _await(sock: socket.socket, wanted: TcpState) -> None:
    """The segment takes the way through the stack, which tells nobody when it has arrived."""
    deadline = time.monotonic() + _PLAYED_S
    while (found := TcpState(sock.getsockopt(_TCP, socket.TCP_INFO, 1)[0])) is not wanted:
        if time.monotonic() > deadline:
            raise WorkbenchError(
                f"The socket came to {found.name} instead of {wanted.name}",
                "a firewall must let packets with mark 0xC114 pass on their way through the host",
            )
        time.sleep(_POLL_S)
