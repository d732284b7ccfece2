"""What becomes of a question that the kernel does not answer."""

import pytest

from workbench.collect import inet_diag, sock_diag
from workbench.collect.namespaces import collect_namespaces
from workbench.collect.sock_diag import SockDiag, SockDiags
from workbench.collect.sockets import SocketReader
from workbench.evidence import Gap

NLMSG_NOOP = 1
"""Control messages are not answered (netlink(7))."""


def test_it_ends_after_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sock_diag, "ANSWER_S", 1)
    found, _ = collect_namespaces()
    assert not isinstance(found, Gap)
    diag = SockDiag(found[0])
    with pytest.raises(TimeoutError, match="no answer within 1 s"):
        diag.dump(NLMSG_NOOP, b"")
    diag.close()


def test_it_is_a_gap_and_the_next_look_has_a_socket_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sock_diag, "ANSWER_S", 1)
    found, _ = collect_namespaces()
    assert not isinstance(found, Gap)
    diags = SockDiags()
    with monkeypatch.context() as silent:
        silent.setattr(inet_diag, "DUMP_BOTH_FAMILIES", NLMSG_NOOP)
        table, _ = SocketReader(diags).read(found[:1])
        assert isinstance(table, Gap)
        assert "no answer" in table.reason
    table, gaps = SocketReader(diags).read(found[:1])
    assert not isinstance(table, Gap)
    assert gaps == ()
    diags.close()
