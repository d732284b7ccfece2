"""Verdicts as findings: whom they are about, how bad they are, and what they are known from."""

from collections.abc import Iterable, Iterator, Mapping

from workbench.checking.finding import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import process_subject, socket_subject
from workbench.checking.survival.verdict import Answer, Verdict
from workbench.evidence import Gap, Process

_SEVERITIES = {
    Answer.OK: Severity.NOTE,
    Answer.NEEDS: Severity.WARNING,
    Answer.LOSES: Severity.WARNING,
    Answer.UNKNOWN: Severity.NOTE,
    Answer.STRANDS: Severity.ERROR,
    Answer.REFUSED: Severity.ERROR,
}


def caused(verdicts: Iterable[Verdict], name: str) -> Iterator[Verdict]:
    """The verdicts that a check of this name tells of."""
    return (each for each in verdicts if each.cause == name)


def severity(verdict: Verdict) -> Severity:
    return _SEVERITIES[verdict.answer]


def subject(verdict: Verdict, processes: Mapping[int, Process] | Gap) -> Subject:
    """The socket, if the kernel lists it; else the process."""
    if verdict.socket is not None:
        return socket_subject(verdict.socket)
    if verdict.process is not None:
        return process_subject(verdict.process.pid, processes)
    return process_subject(verdict.descriptor.pid if verdict.descriptor else 0, processes)


def what(verdict: Verdict) -> str:
    """How a sentence calls it: ``10.0.0.1:80 LISTEN``, ``descriptor 5 (udp)``, ``server 4645``."""
    if verdict.socket is not None:
        socket = verdict.socket
        return f"{socket.connection if socket.peer.port else socket.local} {socket.state.name}"
    if verdict.descriptor is not None:
        return f"descriptor {verdict.descriptor.fd} ({verdict.descriptor.kind.value})"
    return f"{verdict.process.command} {verdict.process.pid}" if verdict.process else "it"


def quotes(verdict: Verdict) -> tuple[Quote, ...]:
    """Where it stands in the evidence."""
    if verdict.socket is not None:
        return (Quote("sockets", f"{what(verdict)} recv_q {verdict.socket.recv_q} send_q {verdict.socket.send_q}"),)
    if verdict.descriptor is not None:
        each = verdict.descriptor
        return (Quote("descriptors", f"{each.pid} fd {each.fd} -> {each.target}"),)
    if verdict.process is not None:
        each_process = verdict.process
        return (Quote("processes", f"{each_process.pid} {each_process.command} state {each_process.state}"),)
    return ()


def problem(verdict: Verdict, processes: Mapping[int, Process] | Gap, *fixes: Fix, then: str = ".") -> Problem:
    """The verdict as it stands: ``what: reason``; ``then`` ends the sentence, or goes on."""
    return Problem(
        severity(verdict),
        subject(verdict, processes),
        f"{what(verdict)}: {verdict.reason}{then}",
        facts=verdict.facts,
        quotes=quotes(verdict),
        fixes=fixes,
    )
