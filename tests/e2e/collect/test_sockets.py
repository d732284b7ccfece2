"""Sockets as we list them, beside what ss(8) says of the same ones."""

import re
import socket
from pathlib import Path

import pytest

from tests.e2e.collect.conftest import Scene
from tests.e2e.collect.ss import SsSocket, parse_ss, ss_address
from workbench.collect.owners import OwnerReader
from workbench.evidence import Socket, TcpInfo, TcpState

pytestmark = pytest.mark.root


def by_ss(scene: Scene) -> dict[int, SsSocket]:
    return parse_ss(scene.run("ss", "-tanpeimoOH"))


def test_every_state_is_listed_as_ss_lists_it(every_state: Scene) -> None:
    before = by_ss(every_state)
    ours = {each.cookie: each for each in every_state.sockets()}
    after = by_ss(every_state)
    bound = [each for each in ours.values() if each.state is TcpState.CLOSE]
    assert len(bound) == 1, "ss 6.1 does not ask for sockets that are only bound"
    assert ours.keys() - {bound[0].cookie} == before.keys() == after.keys()
    holders = OwnerReader().find(each.inode for each in ours.values())
    for cookie in before:
        mine = ours[cookie]
        assert mine.netns == every_state.inode
        assert _figures(before[cookie]) == _ours(mine) or _figures(after[cookie]) == _ours(mine)
        held = frozenset((holder.pid, holder.fd) for holder in holders.get(mine.inode, ()))
        assert held == before[cookie].holders
    assert {each.state for each in ours.values()} == set(TcpState) - {TcpState.NEW_SYN_RECV, TcpState.BOUND_INACTIVE}


def _figures(told: SsSocket) -> tuple[object, ...]:
    return (
        told.state, told.recv_q, told.send_q, told.local, told.peer, told.inode, told.timer, told.retransmits,
        told.memory, told.v6only, told.congestion,
    )  # fmt: skip


def _ours(mine: Socket) -> tuple[object, ...]:
    any_family = mine.family == socket.AF_INET6 and mine.state is TcpState.LISTEN and not mine.v6only
    local, peer = (
        ss_address("*" if any_family and end.address == "::" else end.address, end.port)
        for end in (mine.local, mine.peer)
    )
    memory = mine.memory
    figures = memory and (
        memory.rmem_alloc, memory.rcvbuf, memory.wmem_alloc, memory.sndbuf, memory.fwd_alloc, memory.wmem_queued,
        memory.optmem, memory.backlog, memory.drops,
    )  # fmt: skip
    return (
        mine.state, mine.recv_q, mine.send_q, local, peer, mine.inode, mine.timer.value, mine.retransmits,
        figures or (), None if mine.v6only is None else int(mine.v6only), mine.congestion,
    )  # fmt: skip


def test_tcp_info_is_what_ss_shows(every_state: Scene) -> None:
    told = by_ss(every_state)
    compared = 0
    for mine in every_state.sockets():
        if mine.state is not TcpState.ESTABLISHED or mine.timer.value != "none":
            continue
        info, words = mine.info, told[mine.cookie].words
        assert isinstance(info, TcpInfo)
        rtt, rttvar = (float(part) for part in words["rtt"].split("/"))
        assert (info.rtt_us, info.rttvar_us) == (round(rtt * 1000), round(rttvar * 1000))
        assert info.rto_us == float(words["rto"]) * 1000
        assert f"{info.snd_wscale},{info.rcv_wscale}" == words["wscale"]
        names = {
            "mss": info.snd_mss, "pmtu": info.pmtu, "rcvmss": info.rcv_mss, "advmss": info.advmss,
            "cwnd": info.snd_cwnd,
            "bytes_sent": info.bytes_sent, "bytes_acked": info.bytes_acked, "bytes_received": info.bytes_received,
            "segs_out": info.segs_out, "segs_in": info.segs_in, "rcv_space": info.rcv_space,
            "rcv_ssthresh": info.rcv_ssthresh, "snd_wnd": info.snd_wnd,
        }  # fmt: skip
        assert {name: value for name, value in names.items() if value} == {
            name: int(words[name]) for name in names if name in words
        }
        compared += 1
    assert compared >= 8


def test_queues_and_timers_tell_what_was_done_to_them(every_state: Scene) -> None:
    def is_backing_off(each: Socket) -> bool:
        return each.state is TcpState.ESTABLISHED and each.send_q == 500 and each.retransmits > 1

    found = every_state.wait_for(lambda sockets: any(map(is_backing_off, sockets)))
    (unacknowledged,) = filter(is_backing_off, found)
    assert unacknowledged.timer.value == "rto"
    assert unacknowledged.info is not None
    assert unacknowledged.info.unacked > 0
    assert [each.recv_q for each in found if each.recv_q > 1] == [1000]
    half_open = {each.state: each for each in found if each.state in {TcpState.SYN_SENT, TcpState.SYN_RECV}}
    assert half_open[TcpState.SYN_SENT].connection == half_open[TcpState.SYN_RECV].connection.reversed
    assert half_open[TcpState.SYN_RECV].inode == 0
    assert half_open[TcpState.SYN_RECV].info is None
    (waiting,) = (each for each in found if each.state is TcpState.TIME_WAIT)
    assert (waiting.inode, waiting.info, waiting.timer.value) == (0, None, "timewait")
    assert 0 < waiting.timer_ms <= 60_000
    assert any(each.local.address == "::ffff:127.0.0.1" and each.family == socket.AF_INET6 for each in found)


def test_a_backlog_stands_in_the_queues_of_the_listener(scene: Scene) -> None:
    listener = scene.listener()
    scene.tcp_socket().connect(listener.getsockname())
    found = scene.wait_for(lambda found: any(each.recv_q for each in found))  # it connected before that was known here
    (listening,) = (each for each in found if each.state is TcpState.LISTEN)
    assert (listening.recv_q, listening.send_q, listening.info) == (1, 16, None)
    (waiting,) = (each for each in found if each.local.port == listening.local.port and each != listening)
    assert (waiting.state, waiting.inode) == (TcpState.ESTABLISHED, 0)


def test_a_multipath_socket_is_known_by_its_descriptor(scene: Scene) -> None:
    listener = scene.listener(protocol=socket.IPPROTO_MPTCP)
    (listening,) = scene.sockets()
    assert (listening.mptcp, listening.ulp) == (True, "mptcp")
    assert OwnerReader().read_all()[listening.inode][0].fd == listener.fileno()


def test_congestion_control_mark_and_shutdown(scene: Scene) -> None:
    client, _ = scene.pair(scene.listener())
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, b"reno")
    client.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, 0xC114)
    client.shutdown(socket.SHUT_RD)
    (mine,) = (each for each in scene.sockets() if each.local.port == client.getsockname()[1])
    assert (mine.congestion, mine.mark, mine.shutdown) == ("reno", 0xC114, 1)


def test_the_main_thread_stays_in_its_namespace(scene: Scene) -> None:
    before = Path("/proc/thread-self/ns/net").readlink()
    scene.sockets()
    assert Path("/proc/thread-self/ns/net").readlink() == before
    assert re.fullmatch(r"net:\[\d+\]", str(before))
