"""Names of states and kinds, as short as a column wants them and as long as a sentence does."""

from workbench.evidence import SocketTimer, TcpState
from workbench.evidence.lock_status import LockStatus
from workbench.present.line import Tone

STATE_SHORT = {
    TcpState.ESTABLISHED: "ESTAB",
    TcpState.SYN_SENT: "SYNSNT",
    TcpState.SYN_RECV: "SYNRCV",
    TcpState.FIN_WAIT1: "FINWT1",
    TcpState.FIN_WAIT2: "FINWT2",
    TcpState.TIME_WAIT: "TIMEWT",
    TcpState.CLOSE: "CLOSE",
    TcpState.CLOSE_WAIT: "CLOSWT",
    TcpState.LAST_ACK: "LASTAK",
    TcpState.LISTEN: "LISTEN",
    TcpState.CLOSING: "CLOSNG",
    TcpState.NEW_SYN_RECV: "SYNRCV",
    TcpState.BOUND_INACTIVE: "BOUND",
}
"""Six characters; the detail has the name in full."""

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
