"""Checks that tell of one verdict each: fired by the evidence that it is judged from, quiet without."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from tests.sample import tcp_info
from tests.unit.checks.made import LINE, LISTENER, NETNS, SEQUENCES, SERVER, SOCKET, TARGET, ask, host, one
from workbench.checking import Severity
from workbench.evidence import (
    Address,
    BorrowedSocket,
    Connection,
    ConntrackEntry,
    Descriptor,
    DescriptorKind,
    Endpoint,
    Evidence,
    Holder,
    Namespaces,
    Network,
    NetworkNamespace,
    SocketTimer,
    Sysctl,
    TcpState,
)

OPENED = Descriptor(50, 5, DescriptorKind.UDP, "socket:[900]", inode=900)
ASKED = BorrowedSocket(
    pid=50, fd=5, inode=900, family=2, type=2, protocol=17, netns=NETNS, listening=False, readable=False,
    local="10.0.0.2:53", peer="", options={"SO_REUSEADDR": 0, "UDP_CORK": 0}, fresh={"SO_REUSEADDR": 0, "UDP_CORK": 0},
    unread_memory=0,
)  # fmt: skip
TCP = replace(ASKED, inode=700, type=1, protocol=6, local="10.0.0.2:7022", peer="10.0.0.1:5000", unread=0)
HERE = Network(
    (), (Address(NETNS, "eth0", "10.0.0.2", 24, "global"), Address(NETNS, "eth0", "fe80::2", 64, "link")), ()
)


def dump(*opened: Descriptor, asked: BorrowedSocket | None = None, **sections: Any) -> Evidence:
    """A dump of process 50, which has these open, on a host with the address 10.0.0.2."""
    borrowed: Mapping[int, BorrowedSocket] = {} if asked is None else {asked.inode: asked}
    return host(**{"descriptors": opened, "borrowed": borrowed, "network": HERE, "target": TARGET, **sections})


def udp(**changes: Any) -> Evidence:
    return dump(OPENED, asked=replace(ASKED, **changes))


def other(kind: DescriptorKind, target: str = "socket:[900]", **changes: Any) -> Evidence:
    return dump(replace(OPENED, kind=kind, target=target, **changes))


def tcp(asked: BorrowedSocket | None = None, **changes: Any) -> Evidence:
    return dump(sockets=(replace(SOCKET, **changes), LISTENER), asked=asked)


FE80 = replace(LINE, local=Endpoint("fe80::2", 7022), peer=Endpoint("fe80::1", 5000))
SHARED = (*SOCKET.holders, Holder(60, 3, "parent"))
PEER = replace(SOCKET, local=SOCKET.peer, peer=SOCKET.local, inode=800, cookie=80, holders=(Holder(60, 3, "client"),))


def waited_for(user_timeout_ms: int, rss_bytes: int = 0, retries2: int = 15) -> Evidence:
    """A dump of a process of that size, whose peer is on this host and has this TCP_USER_TIMEOUT."""
    return dump(
        sockets=(SOCKET, PEER),
        sequences={80: replace(SEQUENCES, user_timeout_ms=user_timeout_ms)},
        sysctls=(Sysctl(NETNS, "net.ipv4.tcp_retries2", str(retries2)),),
        processes={50: replace(SERVER, rss_bytes=rss_bytes)},
    )


TRANSLATED = Connection(Endpoint("10.0.0.77", 8080), LINE.local)
"""Answers to the connection, whose peer's address leads to another one."""


CASES: dict[str, tuple[Evidence, Evidence, Severity]] = {
    "SCK012": (
        tcp(family=10, local=FE80.local, peer=FE80.peer),
        tcp(family=10, local=FE80.local, peer=Endpoint("::", 0), state=TcpState.LISTEN),
        Severity.ERROR,
    ),
    "SCK013": (
        tcp(local=Endpoint("10.0.0.99", 7022), state=TcpState.LISTEN, peer=Endpoint("0.0.0.0", 0)),
        tcp(local=Endpoint("127.0.0.5", 7022)),
        Severity.ERROR,
    ),
    "SCK014": (tcp(holders=SHARED), tcp(), Severity.ERROR),
    "SCK015": (
        tcp(replace(TCP, options={"SO_ATTACH_BPF": 1})),
        tcp(replace(TCP, options={"SO_ATTACH_FILTER": 3})),
        Severity.ERROR,
    ),
    "SCK016": (udp(netns=4026532999), udp(), Severity.WARNING),
    "SCK017": (udp(options={"UDP_CORK": 1}), udp(), Severity.ERROR),
    "SCK018": (
        dump(replace(OPENED, kind=DescriptorKind.NETLINK), asked=replace(ASKED, family=16, readable=True)),
        dump(replace(OPENED, kind=DescriptorKind.NETLINK), asked=replace(ASKED, family=16)),
        Severity.ERROR,
    ),
    "SCK019": (udp(readable=True, unread_memory=832), udp(), Severity.WARNING),
    "SCK020": (tcp(md5_keys=1), tcp(md5_keys=0), Severity.WARNING),
    "SCK021": (
        tcp(replace(TCP, urgent=True, unread=3), recv_q=7),
        tcp(replace(TCP, unread=7), recv_q=7),
        Severity.WARNING,
    ),
    "SCK022": (
        dump(replace(OPENED, kind=DescriptorKind.UNIX), asked=replace(ASKED, family=1, listening=True, readable=True)),
        dump(replace(OPENED, kind=DescriptorKind.UNIX), asked=replace(ASKED, family=1, listening=True)),
        Severity.WARNING,
    ),
    "SCK023": (
        dump(sockets=(LISTENER, replace(SOCKET, state=TcpState.SYN_RECV, inode=0, holders=()))),
        dump(sockets=(LISTENER, replace(SOCKET, inode=0, holders=()))),
        Severity.NOTE,
    ),
    "SCK024": (waited_for(user_timeout_ms=100), waited_for(user_timeout_ms=120_000), Severity.WARNING),
    "SCK025": (
        dump(sockets=(SOCKET,), conntrack=(ConntrackEntry(NETNS, LINE, "ESTABLISHED", 9, reply=TRANSLATED),)),
        dump(sockets=(SOCKET,), conntrack=(ConntrackEntry(NETNS, LINE, "ESTABLISHED", 9),)),
        Severity.WARNING,
    ),
    "SCK027": (
        dump(sockets=(LISTENER, replace(LISTENER, cookie=77, inode=77, holders=(Holder(60, 4, "other"),)))),
        dump(sockets=(LISTENER, replace(LISTENER, cookie=77, inode=77, netns=9, holders=(Holder(60, 4, "other"),)))),
        Severity.NOTE,
    ),
    "SCK028": (
        udp(options={"IP_MTU_DISCOVER": 3, "UDP_GRO": 1}, fresh={}),
        udp(options={"IP_MTU_DISCOVER": 5, "UDP_GRO": 1}, fresh={}),
        Severity.NOTE,
    ),
    "PRC010": (
        other(DescriptorKind.FILE, "/file", mount_visible=False),
        other(DescriptorKind.FILE, "/file", mount_visible=True),
        Severity.ERROR,
    ),
    "PRC011": (
        other(DescriptorKind.OTHER, "anon_inode:[pidfd]", peer_pids=(60,)),
        other(DescriptorKind.OTHER, "anon_inode:[pidfd]", peer_pids=(50,)),
        Severity.ERROR,
    ),
    "PRC012": (
        other(DescriptorKind.OTHER, "anon_inode:[perf_event]"),
        other(DescriptorKind.EVENT, "anon_inode:[eventfd]"),
        Severity.ERROR,
    ),
    "PRC013": (
        other(DescriptorKind.PIPE, "pipe:[900]", peer_pids=(60,)),
        other(DescriptorKind.PIPE, "pipe:[900]", peer_pids=(50, 60)),
        Severity.WARNING,
    ),
    "PRC014": (
        other(DescriptorKind.FILE, "/tmp/x (deleted)", allocated=2 << 20),
        other(DescriptorKind.FILE, "/tmp/x", allocated=2 << 20),
        Severity.WARNING,
    ),
    "PRC015": (
        dump(namespaces=(NetworkNamespace(NETNS, "/proc/50/ns/net", pids=(50,)),)),
        dump(namespaces=(NetworkNamespace(NETNS, "/proc/50/ns/net", pids=(50, 60)),)),
        Severity.WARNING,
    ),
}  # fmt: skip


@pytest.mark.parametrize("code", CASES)
def test_it_fires(code: str) -> None:
    fires, _, severity = CASES[code]
    found = one(code, fires)
    assert found.severity is severity
    assert found.problem.quotes
    assert found.problem.fixes


@pytest.mark.parametrize("code", CASES)
def test_it_is_quiet(code: str) -> None:
    assert ask(code, CASES[code][1]) == []


@pytest.mark.parametrize("code", CASES)
def test_it_is_quiet_about_processes_that_are_not_dumped(code: str) -> None:
    sections = {
        name: getattr(CASES[code][0], name) for name in ("descriptors", "borrowed", "sockets", "network", "namespaces")
    }
    other = replace(SERVER, pid=70, namespaces=Namespaces(net=4026532111))
    evidence = host(**sections, processes={50: SERVER, 70: other},
                    target=replace(TARGET, pids=frozenset({70})))  # fmt: skip
    assert ask(code, evidence) == []


@pytest.mark.parametrize(
    ("evidence", "severity"),
    [
        (waited_for(30_000), Severity.NOTE),
        (waited_for(30_000, rss_bytes=8 << 30), Severity.WARNING),
        (waited_for(1_000, rss_bytes=8 << 30), Severity.ERROR),
        (waited_for(0, retries2=3), Severity.NOTE),
        (replace(waited_for(0, rss_bytes=200 << 30), sockets=(SOCKET,)), Severity.WARNING),
    ],
    ids=["short", "too long a freeze for it", "hopeless", "few retransmissions", "200 GiB and a peer elsewhere"],
)
def test_how_bad_an_impatient_peer_is(evidence: Evidence, severity: Severity) -> None:
    assert one("SCK024", evidence).severity is severity


def test_an_idle_peer_may_probe() -> None:
    silent = tcp_info(last_data_recv_ms=9000, last_ack_recv_ms=9000)
    probing = replace(PEER, timer=SocketTimer.KEEPALIVE, timer_ms=1000, info=silent)
    settings = {"time": 10, "probes": 3, "intvl": 3}
    sysctls = tuple(Sysctl(NETNS, f"net.ipv4.tcp_keepalive_{name}", str(each)) for name, each in settings.items())
    found = one("SCK024", dump(sockets=(SOCKET, probing), sysctls=sysctls))
    assert 9.0 < float(str(found.problem.facts["gives_up_least_s"])) < 12.0
    assert "TCP_KEEPCNT" in found.problem.message


def test_many_impatient_peers_are_told_of_at_once() -> None:
    ends = [replace(SOCKET, inode=700 + each, peer=Endpoint("10.0.0.1", 6000 + each)) for each in range(20)]
    peers = [replace(PEER, cookie=each.inode, local=each.peer, peer=each.local) for each in ends]
    sequences = {each.cookie: replace(SEQUENCES, user_timeout_ms=2000) for each in peers}
    assert one("SCK024", dump(sockets=(*ends, *peers), sequences=sequences)).problem.message.startswith("20 conn")


def test_a_peer_that_is_dumped_too_need_not_wait() -> None:
    evidence = waited_for(100)
    both = replace(evidence, sockets=(SOCKET, replace(PEER, holders=SOCKET.holders)))
    assert ask("SCK024", both) == []


@pytest.mark.parametrize(
    ("address", "is_odd"),
    [("fd99::ffff:a63:102", True), ("::ffff:10.0.0.2", False), ("fd99::a63:102", False), ("2001:db8::ffff:1", False)],
)
def test_addresses_that_are_taken_for_mapped_ones(address: str, is_odd: bool) -> None:
    odd = Endpoint(address, 7022)
    assert bool(ask("SCK025", tcp(family=10, local=odd))) is bool(ask("SCK025", tcp(family=10, peer=odd))) is is_odd


@pytest.mark.parametrize(
    "reply",
    [Connection(LINE.peer, Endpoint("10.0.0.2", 40_000)), Connection(Endpoint("10.0.0.2", 8080), LINE.local)],
    ids=["its own port is another outside", "led to this host itself"],
)
def test_translations_that_the_lock_sees_through(reply: Connection) -> None:
    entry = ConntrackEntry(NETNS, LINE, "ESTABLISHED", 9, reply=reply)
    assert ask("SCK025", dump(sockets=(SOCKET,), conntrack=(entry,))) == []
