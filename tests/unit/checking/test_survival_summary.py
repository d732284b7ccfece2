"""The summary of a preflight, and the bytes that it counts."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.checks.made import LISTENER, NETNS, SEQUENCES, SERVER, SOCKET, TARGET, host
from workbench.checking.survival import Answer
from workbench.checking.survival.ledger import account
from workbench.checking.survival.summary import Neighbour, Summary, sentences, summarize
from workbench.evidence import Container, Endpoint, Gap, Holder, NetworkNamespace, Socket, SocketTimer, TcpState

OTHER = replace(
    SOCKET,
    local=SOCKET.peer,
    peer=SOCKET.local,
    inode=702,
    cookie=9,
    netns=4026532001,
    holders=(Holder(60, 3, "client"),),
)


def summary(*sockets: Socket, **sections: object) -> Summary:
    found = summarize(host(sockets=sockets, target=TARGET, **sections))
    assert isinstance(found, Summary), found
    return found


def test_without_a_target_there_is_none() -> None:
    assert isinstance(summarize(host()), Gap)


def test_where_connections_lead() -> None:
    far = replace(SOCKET, peer=Endpoint("192.0.2.1", 9), inode=703)
    found = summary(SOCKET, OTHER, far)
    assert (found.inside_tree, found.on_this_host, found.elsewhere) == (0, 1, 1)
    found = summary(SOCKET, replace(OTHER, holders=SOCKET.holders))
    assert (found.inside_tree, found.on_this_host, found.elsewhere) == (2, 0, 0)


def test_mapped_addresses_are_the_same_connection() -> None:
    mapped = replace(SOCKET, family=10, local=Endpoint("::ffff:10.0.0.2", 7022), peer=Endpoint("::ffff:10.0.0.1", 5000))
    assert summary(mapped, OTHER).on_this_host == 1


def test_options_and_answers() -> None:
    found = summary(SOCKET, replace(LISTENER, recv_q=2))
    assert found.options == ("--tcp-established",)
    assert {each.answer for each in found.things} == {Answer.OK, Answer.NEEDS, Answer.REFUSED}
    assert next(sentences(found)) == "judged one by one: 1 CRIU refuses, 1 ok with an option, 1 ok"


def test_neighbours_are_those_of_a_namespace_other_than_the_hosts() -> None:
    namespaces = (NetworkNamespace(NETNS, "/run/netns/a", ("a",), (50, 60, 61)),)
    assert summary(SOCKET, namespaces=namespaces, processes={50: SERVER}).neighbours == (
        Neighbour(60, "", ""),
        Neighbour(61, "", ""),
    )
    assert summary(SOCKET).neighbours == ()


def test_listeners_refuse_meanwhile() -> None:
    assert summary(LISTENER).listeners == (LISTENER.local,)


@pytest.mark.parametrize(
    ("changes", "unread", "unacknowledged", "closed"),
    [
        ({}, 0, 0, 0),
        ({"recv_q": 1000}, 1000, 0, 1000),
        ({"send_q": 500}, 0, 500, 0),
        ({"recv_q": 1000, "send_q": 500}, 1000, 500, 1500),
        ({"recv_q": 1001, "state": TcpState.CLOSE_WAIT}, 1000, 0, 1000),
        ({"recv_q": 1, "state": TcpState.CLOSE_WAIT}, 0, 0, 0),
        ({"send_q": 501, "state": TcpState.FIN_WAIT1}, 0, 500, 0),
    ],
)
def test_the_ledger_of_one_connection(
    changes: dict[str, object], unread: int, unacknowledged: int, closed: int
) -> None:
    one = account(replace(SOCKET, **changes))  # type: ignore[arg-type]
    assert (one.unread, one.unacknowledged) == (unread, unacknowledged)
    assert (one.lost_when_kept(), one.lost_when_closed(), one.resets_peer) == (0, closed, unread > 0)


def test_how_long_peers_wait_is_said_with_what_is_assumed() -> None:
    far = replace(SOCKET, peer=Endpoint("192.0.2.1", 9), inode=703)
    found = summary(SOCKET, OTHER, far, sequences={9: replace(SEQUENCES, user_timeout_ms=5000)})
    assert [(str(line.peer), wait.peer is None) for line, wait in found.waits] == [
        ("10.0.0.1:5000", False),
        ("192.0.2.1:9", True),
    ]
    said = next(each for each in sentences(found) if "gives up" in each)
    assert "the most impatient peer gives up after 5.2 s: TCP_USER_TIMEOUT 5 s after" in said
    assert any("restored at once, on this host" in each for each in sentences(found))
    assert "a Linux machine with its defaults" in next(each for each in sentences(summary(far)) if "gives up" in each)


def test_memory_makes_the_freeze_longer() -> None:
    small = summary(SOCKET, processes={50: replace(SERVER, rss_bytes=1 << 20)}).freeze
    large = summary(SOCKET, processes={50: replace(SERVER, rss_bytes=4 << 30)}).freeze
    assert 10 * small.least_ms < large.least_ms < large.most_ms
    assert "memory of some" in summary(SOCKET).freeze.assumed[-1]


def test_neighbours_are_named() -> None:
    namespaces = (NetworkNamespace(NETNS, "/run/netns/a", ("a",), (50, 60)),)
    beside = replace(SERVER, pid=60, command="sidecar", container=Container("podman", "0123456789abcdef"))
    found = summary(SOCKET, namespaces=namespaces, processes={50: SERVER, 60: beside})
    assert list(sentences(found))[-1].endswith(": sidecar 60 (container 0123456789ab)")


@pytest.mark.parametrize(
    ("ours", "theirs", "because"),
    [
        ({}, {}, []),
        ({"recv_q": 12}, {}, ["12 bytes that it sent are not read"]),
        ({}, {"send_q": 5, "timer": SocketTimer.RTO, "timer_ms": 400}, ["it sends within 0.4 s"]),
        ({}, {"timer": SocketTimer.KEEPALIVE, "timer_ms": 75_000}, ["it sends within 75 s"]),
    ],
    ids=["quiet", "unread", "retransmits", "probes"],
)
def test_who_is_reset_without_a_lock(ours: dict[str, Any], theirs: dict[str, Any], because: list[str]) -> None:
    found = summary(replace(SOCKET, **ours), replace(OTHER, **theirs))
    assert [why for _, why in found.resets] == because
    assert any("without a lock" in each for each in sentences(found)) is bool(because)
