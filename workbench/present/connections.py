"""The table of TCP sockets: state, addresses, queues, timer, owner, and what the eye should stop at."""

from workbench.evidence import Gap, Holder, Socket, SocketTimer, TcpState
from workbench.evidence.lock_map import LockUse
from workbench.present.findings import mark
from workbench.present.line import Tone
from workbench.present.situation import HANDSHAKE, Situation
from workbench.present.table import Column, Row, Table, make_table, unreadable
from workbench.present.text import printable
from workbench.present.units import timer_left
from workbench.present.words import HURTING, LOCK_SHORT, STATE_SHORT, STATE_TONES, TIMER_SHORT

COLUMNS = (
    Column("state", "STATE", "s", 6, 6),
    Column("netns", "NETNS", "n", 4, 14, leaves=8, keep_end=True),
    Column("local", "LOCAL", "l", 13, 48, keep_end=True),
    Column("peer", "PEER", "p", 13, 48, keep_end=True),
    Column("recv_q", "RCVQ", "r", 4, 8, leaves=7, right=True),
    Column("send_q", "SNDQ", "q", 4, 8, right=True),
    Column("lock", "LOCK", "c", 4, 7, leaves=10),
    Column("timer", "TIMER", "t", 11, 13, leaves=5),
    Column("in_flight", "FLIGHT", "f", 6, 8, leaves=14, right=True),
    Column("snd_wnd", "WINDOW", "w", 6, 9, leaves=13, right=True),
    Column("rtt", "RTT", "a", 7, 9, leaves=12, right=True),
    Column("cwnd", "CWND", "d", 4, 6, leaves=15, right=True),
    Column("idle", "SILENT", "i", 6, 7, leaves=11, right=True),
    Column("process", "PROCESS", "o", 8, 30, leaves=4),
)

STALLED_MS = 1500
"""A queue counts as not moving when nothing was acknowledged or read for so long; more than one delayed ACK or RTO."""

_FADING = frozenset({TcpState.TIME_WAIT, TcpState.CLOSE, TcpState.BOUND_INACTIVE})
_REPEATING = frozenset({SocketTimer.RTO, SocketTimer.PROBE})
_RANKS = {TcpState.ESTABLISHED: 1, TcpState.LISTEN: 3, TcpState.TIME_WAIT: 4, TcpState.CLOSE: 5}


def connections_table(situation: Situation) -> Table:
    """Every TCP socket; locked ones first, then connections, then listeners, then what is fading away."""
    sockets = situation.evidence.sockets
    if isinstance(sockets, Gap):
        return unreadable(COLUMNS, sockets)
    ranked = sorted(sockets, key=lambda socket: _rank(socket, situation.lock_of(socket)))
    rows = [_row(socket, situation) for socket in ranked]
    return make_table(COLUMNS, rows, "There is no TCP socket.")


def stalled_send(socket: Socket) -> bool:
    """Bytes wait to be acknowledged and nothing was for a while."""
    if socket.state is TcpState.LISTEN or not socket.send_q:
        return False
    return socket.retransmits > 0 or (socket.info is not None and socket.info.last_ack_recv_ms > STALLED_MS)


def stalled_receive(socket: Socket) -> bool:
    """Bytes wait to be read and the program has not taken them for a while."""
    if socket.state is TcpState.LISTEN or not socket.recv_q:
        return False
    return socket.info is not None and socket.info.last_data_recv_ms > STALLED_MS


def timer_text(socket: Socket) -> str:
    """``rto 1.6s x3``: which timer, what is left of it, how often it has fired without an answer."""
    name = TIMER_SHORT.get(socket.timer)
    if name is None:
        return "-"
    fired = f" x{socket.retransmits}" if socket.retransmits else ""
    return f"{name} {timer_left(socket.timer_ms)}{fired}"


def owner(socket: Socket) -> Holder | None:
    """Whose socket it is: the first holder that is not a CRIU at work, which opens it too while it dumps."""
    return next((holder for holder in socket.holders if holder.command != "criu"), next(iter(socket.holders), None))


def unheld_text(socket: Socket) -> str:
    """Why no holder is told: the kernel alone has it (no inode), or who has it is out of sight."""
    return "holder not known" if socket.inode else "no process"


def process_text(socket: Socket) -> str:
    """``server 4645``, with the number of other holders; ``-`` if nobody holds it."""
    if len(socket.holders) == 1:
        return printable(f"{socket.holders[0].command} {socket.holders[0].pid}")
    holder = owner(socket)
    pids = {each.pid for each in socket.holders}
    more = f" +{len(pids) - 1}" if len(pids) > 1 else ""
    return printable(f"{holder.command} {holder.pid}{more}") if holder else "-"


def _rank(socket: Socket, lock: LockUse | None) -> tuple[object, ...]:
    rank = 0 if lock else _RANKS.get(socket.state, 2)
    local, peer = socket.local, socket.peer
    return (rank, socket.netns, local.address, local.port, peer.address, peer.port, socket.cookie)


def _row(socket: Socket, situation: Situation) -> Row:
    lock = situation.lock_of(socket)
    sequences = situation.sequences_of(socket)
    info = socket.info
    listening = socket.state is TcpState.LISTEN
    netns = situation.namespace_name(socket.netns)
    in_flight = sequences.in_flight if sequences else None
    window = sequences.snd_wnd if sequences else info.snd_wnd if info else None
    silent = info is None or listening or socket.state in HANDSHAKE
    idle = None if silent or info is None else min(info.last_data_recv_ms, info.last_data_sent_ms)
    process = process_text(socket)
    cells = (
        STATE_SHORT[socket.state] + ("!" if lock else ""),
        netns,
        printable(str(socket.local)),
        "-" if listening else printable(str(socket.peer)),
        short_count(socket.recv_q),
        short_count(socket.send_q),
        LOCK_SHORT[lock.status] if lock else "",
        timer_text(socket),
        _optional(None if listening else in_flight),
        _optional(None if listening else window),
        "-" if info is None or listening else f"{info.rtt_us / 1000:.1f}ms",
        "-" if info is None or listening else str(info.snd_cwnd),
        "-" if idle is None else timer_left(idle),
        process,
    )
    order = (
        socket.state,
        netns,
        socket.local,
        socket.peer,
        socket.recv_q,
        socket.send_q,
        lock is None,
        (socket.timer is SocketTimer.NONE, socket.timer_ms),
        -1 if in_flight is None else in_flight,
        -1 if window is None else window,
        info.rtt_us if info else -1,
        info.snd_cwnd if info else -1,
        -1 if idle is None else idle,
        (process == "-", process),
    )
    found = situation.judgement.concerning(socket)
    return Row((socket.netns, socket.cookie), cells, order, socket, _tones(socket, lock, window), mark(found))


def _tones(socket: Socket, lock: LockUse | None, window: int | None) -> tuple[Tone, ...]:
    plain = Tone.DIM if socket.state in _FADING else Tone.NORMAL
    locked = Tone.BAD if lock and lock.status in HURTING else Tone.LOCK
    return (
        locked if lock else STATE_TONES.get(socket.state, Tone.WARNING),
        Tone.DIM,
        plain,
        plain,
        Tone.WARNING if stalled_receive(socket) else Tone.NORMAL if socket.recv_q else Tone.DIM,
        Tone.WARNING if stalled_send(socket) else Tone.NORMAL if socket.send_q else Tone.DIM,
        locked,
        timer_tone(socket),
        plain,
        Tone.BAD if window == 0 and socket.state is TcpState.ESTABLISHED else plain,
        plain,
        plain,
        plain,
        plain,
    )


def timer_tone(socket: Socket) -> Tone:
    """A timer that fired without an answer backs off: the peer, or what lies between, is silent."""
    if socket.timer in _REPEATING:
        return Tone.BAD if socket.retransmits > 2 else Tone.WARNING if socket.retransmits else Tone.NORMAL
    return Tone.DIM


def short_count(number: int) -> str:
    """At most six characters: exact below a million, then ``1.2M``."""
    if number < 1_000_000:
        return str(number)
    return f"{number / 1e6:.1f}M" if number < 1e9 else f"{number / 1e9:.1f}G"


def _optional(number: int | None) -> str:
    return "-" if number is None else short_count(number)
