"""Names of states and kinds, as short as a column wants them and as long as a sentence does."""

from workbench.evidence import SocketTimer, TcpState
from workbench.evidence.lock_status import LockStatus
from workbench.present.line import Tone

STATE_SHORT = {
    TcpState.ESTABLISHED: "ESTAB",
    TcpState.SYN_SENT: "SYNST",
    TcpState.SYN_RECV: "SYNRC",
    TcpState.FIN_WAIT1: "FINW1",
    TcpState.FIN_WAIT2: "FINW2",
    TcpState.TIME_WAIT: "TIMEW",
    TcpState.CLOSE: "CLOSE",
    TcpState.CLOSE_WAIT: "CLOSW",
    TcpState.LAST_ACK: "LASTA",
    TcpState.LISTEN: "LISTEN",
    TcpState.CLOSING: "CLOSG",
    TcpState.NEW_SYN_RECV: "SYNRC",
    TcpState.BOUND_INACTIVE: "BOUND",
}
"""Five characters, where a lock is possible: six with its sign. The detail has the name in full."""

STATE_TONES = {
    TcpState.ESTABLISHED: Tone.GOOD,
    TcpState.LISTEN: Tone.NORMAL,
    TcpState.TIME_WAIT: Tone.DIM,
    TcpState.CLOSE: Tone.DIM,
    TcpState.BOUND_INACTIVE: Tone.DIM,
}
"""All others are on their way from one state to another."""

TIMER_SHORT = {
    SocketTimer.RTO: "rto",
    SocketTimer.KEEPALIVE: "keep",
    SocketTimer.TIMEWAIT: "tw",
    SocketTimer.PROBE: "probe",
}

LOCK_SHORT = {
    LockStatus.HELD: "held",
    LockStatus.NEEDED: "needed",
    LockStatus.LEAK: "LEAK",
    LockStatus.STUCK: "STUCK",
    LockStatus.HALF: "HALF",
    LockStatus.ORPHAN: "orphan",
    LockStatus.UNCLEAR: "unclear",
}
"""Capitals where a connection is hurt."""

HURTING = frozenset({LockStatus.LEAK, LockStatus.STUCK, LockStatus.HALF})
"""Locks that keep a living connection dead."""

PROCESS_STATES = {
    "R": "running",
    "S": "sleeping",
    "D": "waiting for a disk or the kernel",
    "T": "stopped",
    "t": "stopped by a tracer",
    "Z": "zombie: ended, not yet waited for",
    "X": "dead",
    "I": "idle kernel thread",
}
