"""Checks of sockets."""

from dataclasses import replace

import pytest

from tests.unit.checks.made import (
    CRIU,
    LINE,
    LISTENER,
    NETNS,
    PAIR,
    SEQUENCES,
    SERVER,
    SOCKET,
    TARGET,
    ask,
    host,
    one,
    rules,
)
from workbench.checking import Severity
from workbench.evidence import (
    Descriptor,
    DescriptorKind,
    Endpoint,
    Holder,
    Sequences,
    SocketTimer,
    Sysctl,
    TcpState,
)

UNIX = Descriptor(50, 5, DescriptorKind.UNIX, "socket:[900]", inode=900, peer_inode=901, peer_pids=(60,))


def test_unaccepted_connections_of_a_listener() -> None:
    waiting = replace(LISTENER, recv_q=3)
    finding = one("SCK001", host(sockets=(SOCKET, waiting), target=TARGET))
    assert finding.severity is Severity.ERROR
    assert "3 clients" in finding.problem.message
    assert ask("SCK001", host(target=TARGET)) == []


def test_a_listener_of_another_process_is_not_dumped() -> None:
    other = replace(LISTENER, recv_q=3, holders=(Holder(60, 3, "other"),))
    assert ask("SCK001", host(sockets=(other,), target=TARGET)) == []


def test_multipath_sockets_by_sock_diag_or_by_descriptor() -> None:
    item = Descriptor(50, 4, DescriptorKind.MPTCP, "socket:[700]", inode=700)
    assert one("SCK002", host(sockets=(replace(SOCKET, mptcp=True),), descriptors=(item,), target=TARGET)).problem.fixes
    assert one("SCK002", host(descriptors=(item,), target=TARGET)).problem.subject.keys["pid"] == 50
    assert ask("SCK002", host(target=TARGET)) == []


def test_a_socket_of_a_kind_that_criu_does_not_know() -> None:
    item = Descriptor(50, 4, DescriptorKind.SCTP, "socket:[710]", inode=710)
    assert "SCTP" in one("SCK003", host(descriptors=(item,), target=TARGET)).problem.message
    assert ask("SCK003", host(descriptors=(replace(item, kind=DescriptorKind.NETLINK),), target=TARGET)) == []


def test_kernel_tls() -> None:
    assert one("SCK004", host(sockets=(replace(SOCKET, ulp="tls"),), target=TARGET)).severity is Severity.ERROR
    assert ask("SCK004", host(sockets=(replace(SOCKET, ulp="mptcp"), SOCKET), target=TARGET)) == []


def test_a_socket_left_in_repair_mode() -> None:
    stuck = {7: replace(SEQUENCES, repair=True)}
    assert one("SCK005", host(sequences=stuck)).severity is Severity.ERROR
    assert ask("SCK005", host(sequences=stuck, processes={50: SERVER, 90: CRIU})) == []
    assert ask("SCK005", host(sequences={7: replace(SEQUENCES, repair=False)})) == []


def test_a_criu_at_work_elsewhere_hides_no_socket_left_in_repair_mode() -> None:
    stuck = {7: replace(SEQUENCES, repair=True)}
    other = replace(SERVER, pid=60, namespaces=replace(SERVER.namespaces, net=4026532999))
    criu = replace(CRIU, argv=("criu", "dump", "-t", "60"))
    assert ask("SCK005", host(sequences=stuck, processes={50: SERVER, 60: other, 90: criu}))
    assert not ask(
        "SCK005", host(sequences=stuck, processes={50: SERVER, 90: replace(criu, argv=("criu", "-t", "50"))})
    )
    lazy = replace(CRIU, argv=("criu", "lazy-pages", "-D", "images"))
    assert ask("SCK005", host(sequences=stuck, processes={50: SERVER, 90: lazy}))


def test_a_peer_that_retransmits_into_a_lock() -> None:
    peer = replace(
        SOCKET,
        local=LINE.peer,
        peer=LINE.local,
        cookie=9,
        retransmits=5,
        timer=SocketTimer.RTO,
        timer_ms=6400,
        holders=(Holder(60, 3, "client"),),
    )
    finding = one("SCK006", host(**rules(PAIR), sockets=(peer,)))
    assert "client 60 fd 3 has retransmitted 5 times" in finding.problem.message
    assert "next in 6.4 s" in finding.problem.message
    assert ask("SCK006", host(**rules(PAIR), sockets=(replace(peer, retransmits=0),))) == []
    assert ask("SCK006", host(sockets=(peer,))) == []


def test_two_living_ends_that_do_not_agree() -> None:
    waiting = replace(SOCKET, retransmits=2, send_q=500, timer=SocketTimer.RTO)
    peer = replace(SOCKET, local=LINE.peer, peer=LINE.local, cookie=9, holders=(Holder(60, 3, "client"),))
    ours = replace(SEQUENCES, snd_nxt=1500, write_seq=1500)
    theirs = Sequences(snd_una=2000, snd_nxt=2000, write_seq=2000, rcv_nxt=1200, copied_seq=1200)
    both = (waiting, peer)
    assert ask("SCK026", host(sockets=both, sequences={7: ours, 9: theirs})) == []
    ahead = {7: ours, 9: replace(theirs, rcv_nxt=1900)}
    finding = one("SCK026", host(sockets=both, sequences=ahead))
    assert finding.severity is Severity.ERROR
    assert "client 60 fd 3 has 400 bytes that server 50 fd 4 never sent" in finding.problem.message
    behind = {7: ours, 9: replace(theirs, rcv_nxt=700)}
    assert "lacks 300 bytes" in one("SCK026", host(sockets=both, sequences=behind)).problem.message
    assert ask("SCK026", host(sockets=(replace(waiting, retransmits=0), peer), sequences=ahead)) == [], "it moves"
    assert ask("SCK026", host(sockets=(waiting,), sequences=ahead)) == []


def _many(state: TcpState, number: int, pid: int | None = 50, retransmits: int = 0) -> list[object]:
    holders = (Holder(pid, 4, "server"),) if pid else ()
    return [
        replace(
            SOCKET, state=state, cookie=cookie, peer=Endpoint("10.0.0.9", cookie), holders=holders,
            retransmits=retransmits,
        )
        for cookie in range(1000, 1000 + number)
    ]  # fmt: skip


def test_a_pile_of_close_wait() -> None:
    assert one("SCK007", host(sockets=_many(TcpState.CLOSE_WAIT, 150))).severity is Severity.NOTE
    assert ask("SCK007", host(sockets=_many(TcpState.CLOSE_WAIT, 99))) == []
    busy = [*_many(TcpState.CLOSE_WAIT, 150), *_many(TcpState.ESTABLISHED, 400)]
    assert ask("SCK007", host(sockets=busy)) == []


def test_orphans_that_get_no_answer() -> None:
    orphans = _many(TcpState.LAST_ACK, 12, pid=None, retransmits=4)
    assert "12 sockets" in one("SCK008", host(sockets=orphans)).problem.message
    assert ask("SCK008", host(sockets=orphans[:9])) == []
    assert ask("SCK008", host(sockets=_many(TcpState.LAST_ACK, 12, pid=None))) == []


def test_time_wait_at_its_limit() -> None:
    limit = (Sysctl(NETNS, "net.ipv4.tcp_max_tw_buckets", "100"),)
    waiting = _many(TcpState.TIME_WAIT, 95, pid=None)
    assert one("SCK009", host(sockets=waiting, sysctls=limit)).problem.facts == {"time_wait": 95, "limit": 100}
    assert ask("SCK009", host(sockets=waiting[:80], sysctls=limit)) == []
    assert ask("SCK009", host(sockets=waiting)) == []


def test_a_unix_peer_outside_of_the_tree() -> None:
    other = replace(SERVER, pid=60, command="syslogd")
    evidence = host(descriptors=(UNIX,), processes={50: SERVER, 60: other}, target=TARGET)
    finding = one("SCK010", evidence)
    assert "syslogd 60" in finding.problem.message
    assert finding.problem.facts["inode"] == 900


@pytest.mark.parametrize("change", [{"peer_inode": None}, {"kind": DescriptorKind.FILE}, {"pid": 60}])
def test_unix_sockets_that_are_no_obstacle(change: dict[str, object]) -> None:
    assert ask("SCK010", host(descriptors=(replace(UNIX, **change),), target=TARGET)) == []  # type: ignore[arg-type]


def test_a_unix_pair_inside_of_the_tree() -> None:
    pair = (UNIX, replace(UNIX, fd=6, inode=901, peer_inode=900, peer_pids=(50,)))
    assert ask("SCK010", host(descriptors=pair, target=TARGET)) == []


def test_options_that_no_image_carries() -> None:
    default = (Sysctl(NETNS, "net.ipv4.tcp_congestion_control", "cubic"),)
    known = {7: replace(SEQUENCES, user_timeout_ms=3000, out_of_order=True)}
    evidence = host(sockets=(replace(SOCKET, congestion="bbr"),), sysctls=default, sequences=known, target=TARGET)
    finding = one("SCK011", evidence)
    assert finding.severity is Severity.WARNING
    assert len(finding.problem.facts["lost"]) == 3  # type: ignore[arg-type]
    plain = host(sockets=(replace(SOCKET, congestion="cubic"),), sysctls=default, target=TARGET)
    assert ask("SCK011", plain) == []
