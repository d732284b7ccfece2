"""docs/states.md out of living sockets: ``python -m tests.e2e.preflight.states`` writes it anew (root, CRIU).

One subject for each state: its timer and what comes of it are looked at, then CRIU dumps and restores its process.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from tests.e2e.preflight.harness import ROOT, Subject, plain, until
from workbench.collect.live import LiveSource
from workbench.criu.find import find_criu
from workbench.evidence import CriuTool, Gap, Socket, TcpState
from workbench.evidence.outlook import limits_of, outlook

_FINISHING = frozenset({TcpState.FIN_WAIT1, TcpState.CLOSING, TcpState.LAST_ACK})
PAGE = ROOT / "docs" / "states.md"
TIMERS = "| state | timer | when it fires, it | this end gives up |\n| --- | --- | --- | --- |"
FATES = "| state | dump | restore | afterwards |\n| --- | --- | --- | --- |"
INTRODUCTION = """\
# Every state of a TCP connection

Made by `python -m tests.e2e.preflight.states`; not to be edited. Each row is a socket that was brought into this state
in a network namespace and held there by rules that drop what the peer says; `tests/e2e/preflight` looks at each of them
again. `workbench lab run states` makes them all at once, to be looked at in the application.

`SYN_RECV` has two forms: as a rule it is a request that a listening socket keeps (the kernel calls that NEW_SYN_RECV,
sock_diag tells SYN_RECV), and no socket yet; a socket with a descriptor is in it only after both ends have called
connect(2) at once. What no process has open any more (orphans, TIME_WAIT) is not part of any dump.

## Timers

What is said of the settings holds for Linux's defaults. Times are counted as `tests/e2e/patience` shows that the kernel
counts them.
"""
CRIU = """\
## What CRIU does

CRIU 4.2.1 with `--tcp-established` and the nftables lock. The rules that hold the state stay in place, so that a
connection that is restored stays where it was; without them it goes on from there.
"""


@dataclass(frozen=True)
class State:
    """A row."""

    title: str
    kind: str
    """Name of the subject."""
    state: TcpState
    owned: bool = True
    """The process has it open."""


STATES = (
    State("CLOSE (bound only)", "bound", TcpState.CLOSE),
    State("LISTEN", "listen", TcpState.LISTEN),
    State("SYN_SENT", "syn-sent", TcpState.SYN_SENT),
    State("SYN_RECV (both ends connect)", "simultaneous-open", TcpState.SYN_RECV),
    State("NEW_SYN_RECV (a request)", "syn-recv", TcpState.SYN_RECV, owned=False),
    State("ESTABLISHED", "established", TcpState.ESTABLISHED),
    State("FIN_WAIT1", "fin-wait1", TcpState.FIN_WAIT1),
    State("FIN_WAIT1, orphan", "orphan-fin-wait1", TcpState.FIN_WAIT1, owned=False),
    State("FIN_WAIT2", "fin-wait2", TcpState.FIN_WAIT2),
    State("FIN_WAIT2, orphan", "orphan-fin-wait2", TcpState.FIN_WAIT2, owned=False),
    State("CLOSING", "closing", TcpState.CLOSING),
    State("TIME_WAIT", "time-wait", TcpState.TIME_WAIT, owned=False),
    State("CLOSE_WAIT", "close-wait", TcpState.CLOSE_WAIT),
    State("LAST_ACK", "last-ack", TcpState.LAST_ACK),
)


@dataclass(frozen=True)
class Rows:
    timers: str
    fate: str


def rows(state: State, subject: Subject) -> Rows:
    """What is so of a living subject, which is dumped and restored for it."""
    until(lambda: _is_settled(_found(state, subject)))
    timers = _timers(state, subject)
    errors = subject.dump({"tcp_established": True})
    if errors:
        return Rows(timers, _row(state.title, f"refused: `{plain(errors[0])}`", "", ""))
    stayed = _found(state, subject)
    errors = subject.restore({"tcp_established": True})
    if errors:
        return Rows(timers, _row(state.title, "ok", f"fails: `{plain(errors[0])}`", ""))
    dumped = "ok" if state.owned else "not part of it"
    if not state.owned:
        then = "it stays on the host as it was" if stayed else "it is gone from the host"
        return Rows(timers, _row(state.title, dumped, "not part of it", then))
    until(lambda: bool(_owned(subject)))
    then = ", ".join(sorted({each.state.name for each in _owned(subject)}))
    return Rows(timers, _row(state.title, dumped, "ok", then))


def page(found: list[Rows]) -> str:
    """The whole document."""
    timers = "\n".join((TIMERS, *(each.timers for each in found)))
    fates = "\n".join((FATES, *(each.fate for each in found)))
    return f"{INTRODUCTION}\n{timers}\n\n{CRIU}\n{fates}\n"


def _found(state: State, subject: Subject) -> Socket | None:
    listed = (each for each in subject.sockets() if each.state is state.state)
    return next((each for each in listed if (each.pid == subject.pid) == state.owned), None)


def _is_settled(socket: Socket | None) -> bool:
    """Of a FIN the tail loss probe is over."""
    return socket is not None and (socket.state not in _FINISHING or socket.retransmits > 0)


def _owned(subject: Subject) -> list[Socket]:
    return [each for each in subject.sockets() if each.pid == subject.pid]


def _timers(state: State, subject: Subject) -> str:
    source = LiveSource()
    try:
        evidence = source.evidence({"sockets", "sequences", "sysctls"})
    finally:
        source.close()
    assert not isinstance(evidence.sockets, Gap)
    assert not isinstance(evidence.sequences, Gap)
    assert not isinstance(evidence.sysctls, Gap)
    socket = _found(state, subject)
    assert socket
    ahead = outlook(socket, evidence.sequences.get(socket.cookie), limits_of(evidence.sysctls, socket.netns))
    gives_up = ahead.formula if ahead.ends else ahead.ending
    return _row(state.title, ahead.runs or "none", ahead.then, gives_up)


def _row(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def main() -> None:
    tool = find_criu(trying=True)
    assert isinstance(tool, CriuTool)
    found = []
    for state in STATES:
        with tempfile.TemporaryDirectory() as scratch:
            subject = Subject(state.kind, tool.path, Path(scratch))
            try:
                found.append(rows(state, subject))
            finally:
                subject.close()
    PAGE.write_text(page(found))


if __name__ == "__main__":
    main()
