"""What ss printed, of several versions and with several options."""

from pathlib import Path

import pytest

from workbench.evidence import Endpoint, Holder, Socket, SocketTimer, TcpState
from workbench.read.marks import is_ss_line
from workbench.read.ss_output import read_ss

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings" / "podman"


def listed(name: str) -> tuple[Socket, ...]:
    return read_ss((RECORDINGS / name).read_text().splitlines()).sockets


def one(line: str) -> Socket:
    (socket,) = read_ss(line.split("\n")).sockets
    return socket


def test_a_peer_that_waits_shows_its_timer_and_numbers() -> None:
    talks, quiet = listed("peer-dumped.ss")
    assert (talks.state, str(talks.local), str(talks.peer)) == (
        TcpState.ESTABLISHED, "10.88.0.1:52156", "10.88.0.55:7000",
    )  # fmt: skip
    assert (talks.timer, talks.retransmits, talks.send_q) == (SocketTimer.RTO, 2, 8)
    assert talks.info
    assert (talks.info.backoff, talks.info.rto_us, talks.info.unacked, talks.info.options) == (2, 816_000, 1, 7)
    assert talks.info.snd_wnd == 65536
    assert talks.memory
    assert (talks.memory.rcvbuf, talks.memory.sndbuf) == (131072, 69120)
    assert talks.holders == (Holder(1039, 3, "python3"),)
    assert (talks.cookie, talks.congestion, talks.shutdown) == (0x257CAF, "bbr", 0)
    assert quiet.timer is SocketTimer.NONE
    assert quiet.info
    assert quiet.info.bytes_sent == 1100


def test_a_container_that_listens_on_both_families() -> None:
    sockets = listed("container-before.ss")
    assert [socket.state for socket in sockets] == [TcpState.LISTEN] * 2 + [TcpState.ESTABLISHED] * 2
    assert sockets[0].local == Endpoint("::", 7000)
    assert sockets[0].peer == Endpoint("::", 0)
    assert str(sockets[2].connection.unmapped) == "10.88.0.55:7000 -> 10.88.0.1:52156"
    assert sockets[2].holders == (Holder(1081, 1, "cat"), Holder(1081, 0, "cat"))
    assert sockets[3].recv_q == 1100
    assert sockets[0].v6only is False


def test_without_options_what_they_give_is_absent() -> None:
    for socket in listed("peer-short.ss"):
        assert (socket.info, socket.memory, socket.holders, socket.congestion) == (None, None, (), None)
        assert socket.inode


def test_an_orphan_that_is_shut_on_both_sides() -> None:
    (orphan,) = listed("peer-twice.ss")
    assert (orphan.state, orphan.inode, orphan.holders, orphan.shutdown) == (TcpState.LAST_ACK, 0, (), 3)


@pytest.mark.parametrize(
    ("said", "milliseconds"),
    [
        ("308ms", 308), ("4.320ms", 4320), ("59sec", 59_000), ("1min58sec", 118_000), ("119min", 7_140_000),
        ("1min4.020ms", 64_020), ("000ms", 0),
    ],
)  # fmt: skip
def test_times_are_written_in_many_ways(said: str, milliseconds: int) -> None:
    socket = one(f"ESTAB 0 0 10.0.0.1:1 10.0.0.2:2 timer:(keepalive,{said},5)")
    assert (socket.timer, socket.timer_ms, socket.retransmits) == (SocketTimer.KEEPALIVE, milliseconds, 5)


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ("127.0.0.1%lo:53", "127.0.0.1"), ("[fe80::1]%eth0:22", "fe80::1"), ("[::ffff:10.0.0.1]:1", "::ffff:10.0.0.1"),
        ("::ffff:10.0.0.1:443", "::ffff:10.0.0.1"), (":::22", "::"), ("[2001:DB8:0::1]:1", "2001:db8::1"),
    ],
)  # fmt: skip
def test_addresses_of_any_version(said: str, address: str) -> None:
    assert one(f"ESTAB 0 0 {said} {said}").local.address == address


def test_old_versions_name_owners_otherwise() -> None:
    socket = one('tcp    ESTAB      0      0      10.0.0.1:22   10.0.0.2:3333   users:(("sshd",1234,3)) ino:5 sk:1 <->')
    assert socket.holders == (Holder(1234, 3, "sshd"),)


def test_a_line_for_each_socket_and_other_protocols() -> None:
    text = """\
Netid State      Recv-Q Send-Q Local Address:Port Peer Address:Port
udp   UNCONN     0      0      0.0.0.0:68         0.0.0.0:*
tcp   ESTAB      0      0      10.0.0.1:22        10.0.0.2:3 ino:7 cubic wscale:7,7 rto:204 rtt:0.1/0.05 cwnd:10
u_str ESTAB      0      0      * 12345            * 12346
"""
    socket = one(text)
    assert (socket.inode, socket.congestion, socket.info is not None) == (7, "cubic", True)


def test_names_of_hosts_and_services_are_counted_and_passed_over() -> None:
    listing = read_ss(["ESTAB 0 0 localhost:ssh peer.example:3333", "ESTAB 0 0 10.0.0.1:70000 10.0.0.2:1"])
    assert (listing.sockets, listing.by_name) == ((), 2)


def test_what_is_no_socket_is_told_from_what_is() -> None:
    assert is_ss_line("State  Recv-Q Send-Q Local Address:Port Peer Address:PortProcess")
    assert is_ss_line("LISTEN 0 128 *:22 *:*")
    assert not is_ss_line("u_str ESTAB 0 0 * 12345 * 12346")
    assert not is_ss_line("(00.1) net: Lock network")


def test_a_hostile_name_stays_in_its_field() -> None:
    socket = one('ESTAB 0 0 10.0.0.1:1 10.0.0.2:2 users:(("\x1b[31mtimer:(on,9ms,9)",pid=7,fd=3)) ino:4')
    assert socket.holders[0].pid == 7
    assert socket.inode == 4
