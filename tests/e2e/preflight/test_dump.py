"""What the preflight says of each kind of subject is what CRIU then does to it."""

import os

import pytest

from tests.e2e.preflight.conftest import Start
from tests.e2e.preflight.fidelity import compare, underway
from tests.e2e.preflight.harness import Subject, plain, report_of, rpc_options, until, verdicts_of
from tests.e2e.preflight.kinds import KINDS, Kind
from tests.e2e.preflight.table import PAGE, lost_names, row
from workbench.checking import Severity
from workbench.checking.survival import Answer, Verdict
from workbench.checking.survival.verdict import worst
from workbench.cli.scope import Scope
from workbench.evidence import Gap, TcpState
from workbench.operation.place import Place
from workbench.operation.plan_dump import plan_dump
from workbench.operation.request import DumpRequest

pytestmark = [pytest.mark.root, pytest.mark.criu]

TERMINAL = "Don't have tty to inherit session from"
TALKING = {TcpState.ESTABLISHED, TcpState.FIN_WAIT2}
GONE_MEANWHILE = {"peer-gives-up", "lock-misses-connection"}
"""Verdicts that are about the time between dump and restore."""
BAD = {Answer.REFUSED, Answer.STRANDS}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_verdict(start: Start, kind: Kind) -> None:
    subject = start(kind.name)
    before = subject.evidence()
    found = verdicts_of(before)
    assert worst(found) is kind.answer, found
    written_down = PAGE.read_text()
    assert row(kind, found) in written_down.splitlines(), "run: python -m tests.e2e.preflight.table"
    assert all(f"`{name}`" in written_down for name in lost_names(found))
    report = report_of(before)
    assert report.broken == ()
    assert not kind.cause or kind.cause in {each.name for each in report.findings}
    assert not isinstance(before.target, Gap)
    scope = Scope("subject", before.target.pids, frozenset({subject.netns}))
    about = [each for each in report.findings if scope.concerns(each)]
    errors = {each.name for each in about if each.problem.severity is Severity.ERROR}
    assert {each.cause for each in found if each.answer in BAD} <= errors
    assert not errors or kind.answer in BAD or kind.answer is Answer.LOSES

    plan = plan_dump(before, DumpRequest(subject.pid, "/images"), Place("/images", 1 << 40), os.getpid())
    assert bool(plan.obstacles) is (kind.answer in BAD or kind.cause == "namespace-ends-with-target"), plan.obstacles

    options = rpc_options([each.option for each in found if each.answer is Answer.NEEDS])
    refusing = [each for each in found if each.answer is Answer.REFUSED]
    if refusing:
        _is_refused(subject, refusing, options)
        return
    if options and kind.name != "was-reset":  # of which the restore alone wants it
        _is_refused(subject, [each for each in found if each.answer is Answer.NEEDS], {})
    written = underway(subject.sockets(), subject.pid)
    assert subject.dump(options) == []
    if kind.cause in GONE_MEANWHILE:
        _is_gone(subject)
    errors_then = subject.restore(options)
    stranding = [each for each in found if each.answer is Answer.STRANDS]
    if stranding:
        assert _says(stranding, errors_then)
        return
    if kind.cause == "tty-external":
        assert any(TERMINAL in line for line in errors_then)
        errors_then = subject.restore_on_terminal()
    assert errors_then == []
    if kind.cause in GONE_MEANWHILE:
        until(lambda: not any(each.state is TcpState.ESTABLISHED for each in subject.sockets()))
        return
    compare(before, subject.evidence(), found)
    until(lambda: underway(subject.sockets(), subject.pid) == written)
    if kind.cause == "tcp-keys-lost":
        _is_dead(subject)
    else:
        _is_alive(subject)


def _is_refused(subject: Subject, verdicts: list[Verdict], options: dict[str, object]) -> None:
    assert _says(verdicts, subject.dump(options))
    assert subject.is_alive()
    ways_out = [each.option for each in verdicts if each.answer is Answer.REFUSED and each.option]
    if ways_out:
        assert subject.dump({**options, **rpc_options(ways_out)}) == []


def _says(verdicts: list[Verdict], errors: list[str]) -> bool:
    return any(plain(each.message) in plain(line) for each in verdicts for line in errors)


def _peers(subject: Subject) -> list[int]:
    """Bytes that each peer of the subject has sent and that were not acknowledged, and its retransmissions."""
    ours = {each.connection for each in subject.sockets() if each.pid == subject.pid and each.peer.port}
    return [each.send_q for each in subject.sockets() if each.connection.reversed in ours]


def _is_alive(subject: Subject) -> None:
    """What the peer sends is acknowledged."""
    if any(each.pid == subject.pid and each.state in TALKING for each in subject.sockets()):
        subject.order("send")
        until(lambda: sum(_peers(subject)) == 0)


def _is_gone(subject: Subject) -> None:
    """What the peer sends before the restore ends its connection: it waits in vain, or it is reset at once."""
    subject.order("send")
    until(lambda: subject.order("ended") == "1")


def _is_dead(subject: Subject) -> None:
    """It is sent again and again instead."""
    subject.order("send")
    until(lambda: any(each.retransmits for each in subject.sockets() if each.send_q))
    assert sum(_peers(subject)) == 1
