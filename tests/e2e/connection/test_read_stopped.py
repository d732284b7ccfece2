"""A stopped process's connection read through TCP_REPAIR, compared with what is known of it otherwise."""

import os
import signal
import socket
import struct

import pytest

from tests.e2e.connection.both_ends import SMALL, pattern
from tests.e2e.connection.conftest import Make
from workbench.errors import WorkbenchError
from workbench.evidence import TcpState
from workbench.repair.constants import SO_PEEK_OFF, TCP_REPAIR
from workbench.repair.read import read_stopped

pytestmark = pytest.mark.root

STATES = {
    "idle": TcpState.ESTABLISHED,
    "unread": TcpState.ESTABLISHED,
    "unsent": TcpState.ESTABLISHED,
    "in-flight": TcpState.ESTABLISHED,
    "close-wait": TcpState.CLOSE_WAIT,
    "fin-wait1": TcpState.FIN_WAIT1,
    "fin-wait2": TcpState.FIN_WAIT2,
    "closing": TcpState.CLOSING,
    "last-ack": TcpState.LAST_ACK,
    "reset": TcpState.CLOSE,
}

NUMBERS = ("snd_una", "snd_nxt", "write_seq", "rcv_nxt", "snd_wnd", "rcv_wnd", "rcv_wup", "snd_wl1", "max_window")


@pytest.mark.parametrize("family", ["4", "6"])
@pytest.mark.parametrize("situation", STATES)
def test_both_ways_of_reading_agree_and_the_queues_hold_what_was_written(
    connect: Make, family: str, situation: str
) -> None:
    ends = connect(family, situation)
    ends.stop()
    before, read, after = ends.sequences(), ends.read(), ends.sequences()
    while before != after:  # a delayed acknowledgement or a retransmission came in between
        before, read, after = ends.sequences(), ends.read(), ends.sequences()
    assert read.state is STATES[situation]
    assert read.family == {"4": 2, "6": 10}[family]
    for name in NUMBERS:
        if (situation, name) != ("reset", "snd_una"):  # a reset drops the queue that it counts
            assert getattr(read.sequences, name) == getattr(before, name), name
    if read.queue.received or situation not in {"closing", "last-ack"}:  # else a FIN may be read or not
        assert read.sequences.copied_seq == before.copied_seq
    unread = 1000 if situation in {"unread", "close-wait", "reset"} else 0
    assert read.queue.received == pattern(unread)
    assert read.queue.sent == pattern(ends.written)[ends.written - len(read.queue.sent) :]
    assert bool(read.queue.sent) == (ends.written > 0)
    fin = 1 if situation in {"fin-wait1", "closing", "last-ack"} else 0
    assert read.queue.unsent == before.unsent - fin
    assert len(read.queue.sent) == before.in_flight + before.unsent - fin
    if situation == "in-flight":
        assert before.in_flight > 0


def test_a_reading_leaves_no_trace(connect: Make) -> None:
    ends = connect("4", "unsent")
    ends.stop()
    with ends.borrowed() as sock:
        before = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        options = ends.read().socket_options
        assert sock.getsockopt(socket.IPPROTO_TCP, TCP_REPAIR) == 0
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1
        after = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        assert struct.unpack_from("=2I", before, 136) == struct.unpack_from("=2I", after, 136), "segments out and in"
    assert not ends.sequences().repair
    assert options["SO_REUSEADDR"] == options["SO_KEEPALIVE"] == options["TCP_NODELAY"] == 1
    assert options["TCP_KEEPIDLE"] == 777
    assert options["SO_SNDBUF"] == 2 * SMALL
    ends.go_on()
    count, digest = ends.order("drain").split()
    assert int(count) == ends.written
    assert len(digest) == 64


def test_a_reading_does_not_move_the_place_of_peeks(connect: Make) -> None:
    ends = connect("4", "unread")
    ends.stop()
    with ends.borrowed() as sock:
        sock.setsockopt(socket.SOL_SOCKET, SO_PEEK_OFF, 10)
        assert ends.read().queue.received == pattern(1000)
        assert sock.getsockopt(socket.SOL_SOCKET, SO_PEEK_OFF) == 10


def test_a_running_owner_is_refused_and_nothing_is_touched(connect: Make) -> None:
    ends = connect("4", "unread")
    with pytest.raises(WorkbenchError, match="not stopped"):
        ends.read()
    with ends.borrowed() as sock:
        assert sock.getsockopt(socket.IPPROTO_TCP, TCP_REPAIR) == 0
        assert sock.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1


def test_one_running_holder_of_several_is_enough_to_refuse(connect: Make) -> None:
    ends = connect("4", "unread")
    ends.stop()
    with pytest.raises(WorkbenchError, match=f"Process {os.getpid()}"):
        read_stopped(((ends.pid, ends.fd), (os.getpid(), 0)), ends.inode)


def test_a_socket_stuck_in_repair_mode_with_a_running_owner_is_refused(connect: Make) -> None:
    ends = connect("4", "idle")
    ends.stop()
    with ends.borrowed() as sock:
        sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        assert ends.read().was_in_repair
        assert sock.getsockopt(socket.IPPROTO_TCP, TCP_REPAIR) == 1, "left as it was found"
        assert ends.sequences().repair
        ends.go_on()
        with pytest.raises(WorkbenchError, match="not stopped"):
            ends.read()


def test_a_descriptor_that_is_another_file_by_now(connect: Make) -> None:
    ends = connect("4", "idle")
    ends.stop()
    with pytest.raises(WorkbenchError, match="another file"):
        read_stopped(((ends.pid, ends.fd),), ends.inode + 1)
    with pytest.raises(WorkbenchError, match="cannot be borrowed"):
        read_stopped(((ends.pid, 99),), ends.inode)


def test_a_process_that_is_gone(connect: Make) -> None:
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    with pytest.raises(WorkbenchError, match="no process"):
        read_stopped(((child, 3),), 1)
    with pytest.raises(WorkbenchError, match="Nobody"):
        read_stopped((), 1)


def test_a_listening_socket_cannot_be_repaired() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    child = os.fork()
    if child == 0:
        signal.pause()
    pidfd = os.pidfd_open(child)
    try:
        signal.pidfd_send_signal(pidfd, signal.SIGSTOP)
        os.waitpid(child, os.WUNTRACED)
        with pytest.raises(WorkbenchError, match="may not be put into repair mode"):
            read_stopped(((child, listener.fileno()),), os.fstat(listener.fileno()).st_ino)
    finally:
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(pidfd)
        listener.close()
