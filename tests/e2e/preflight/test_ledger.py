"""Bytes that the ledger calls lost are lost, and no others."""

import pytest

from tests.e2e.preflight.conftest import Start
from tests.e2e.preflight.harness import Subject
from workbench.checking.survival.ledger import Account
from workbench.checking.survival.summary import Summary, summarize
from workbench.evidence import Gap, TcpState

pytestmark = [pytest.mark.root, pytest.mark.criu]


def ledger(subject: Subject) -> Account:
    summary = summarize(subject.evidence())
    assert isinstance(summary, Summary), summary
    (only,) = summary.ledger
    return only


def unread(subject: Subject) -> int:
    """Bytes that the restored program could still read."""
    borrowed = subject.evidence().borrowed
    assert not isinstance(borrowed, Gap)
    (only,) = borrowed.values()
    return only.unread or 0


@pytest.mark.parametrize("kind", ["unread", "unsent", "unread-and-unsent"])
def test_closed(start: Start, kind: str) -> None:
    subject = start(kind)
    account = ledger(subject)
    info = account.socket.info
    assert info is not None
    assert info.bytes_acked is not None
    written = max(info.bytes_acked - 1, 0) + account.unacknowledged  # the SYN is counted
    assert subject.dump({"tcp_close": True}) == []
    arrived = int(subject.order("drain"))
    lost_on_the_way = written - arrived
    assert subject.restore({"tcp_close": True}) == []
    assert not any(each.state is TcpState.ESTABLISHED for each in subject.sockets() if each.pid == subject.pid)
    lost_here = account.unread - unread(subject)
    assert lost_here + lost_on_the_way == account.lost_when_closed()


@pytest.mark.parametrize("kind", ["unread", "unsent", "unread-and-unsent", "urgent-then-more"])
def test_kept(start: Start, kind: str) -> None:
    subject = start(kind)
    account = ledger(subject)
    assert subject.dump({"tcp_established": True}) == []
    assert subject.restore({"tcp_established": True}) == []
    assert account.unread - unread(subject) == account.lost_when_kept()
