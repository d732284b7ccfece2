"""Decoding of inet_diag's answers: one recorded on Linux 6.18 with a socket in every state, and variations of it."""

import random
import struct
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from workbench.collect import inet_diag
from workbench.collect.sock_diag import Answer
from workbench.collect.socket_table import SocketTable
from workbench.evidence import Endpoint, Holder, SocketTimer, TcpState

RECORDED = (Path(__file__).parent / "recordings/inet_diag_6.18.bin").read_bytes()


def split(data: bytes) -> list[bytes]:
    messages = []
    while data:
        length = (struct.unpack_from("=I", data)[0] + 3) & ~3
        messages.append(data[:length])
        data = data[length:]
    return messages


def answer(messages: list[bytes]) -> Answer:
    offsets = [sum(map(len, messages[:index])) for index in range(len(messages))]
    return Answer(b"".join(messages), offsets)


def table(messages: list[bytes], holders: dict[int, tuple[Holder, ...]] | None = None) -> SocketTable:
    return SocketTable([(7, block) for block in inet_diag.blocks(answer(messages))], holders)


def test_every_message_becomes_a_socket() -> None:
    found = table(split(RECORDED))
    assert len(found) == len(list(found)) == 28
    assert Counter(each.state for each in found) == {
        TcpState.ESTABLISHED: 11, TcpState.FIN_WAIT2: 3, TcpState.LISTEN: 4, TcpState.CLOSE_WAIT: 2,
        TcpState.FIN_WAIT1: 2, TcpState.SYN_RECV: 1, TcpState.SYN_SENT: 1, TcpState.CLOSING: 1, TcpState.CLOSE: 1,
        TcpState.TIME_WAIT: 1, TcpState.LAST_ACK: 1,
    }  # fmt: skip


def test_made_together_they_are_what_each_is_by_itself() -> None:
    holders: dict[int, tuple[Holder, ...]] = {213951: (Holder(12, 3, "python"), Holder(13, 3, "python"))}
    for owners in (holders, {}):
        each, together = table(split(RECORDED), owners), table(split(RECORDED), owners)
        assert list(together) == [each[place] for place in range(len(each))]
        assert each[3] is list(each)[3]


def test_fields_of_one_socket() -> None:
    found = table(split(RECORDED), {213951: (Holder(12, 3, "python"),)}).by_cookie(4459)
    assert found is not None
    assert (found.netns, found.family, found.state) == (7, 2, TcpState.ESTABLISHED)
    assert (found.local, found.peer) == (Endpoint("127.0.0.1", 51678), Endpoint("127.0.0.1", 52843))
    assert (found.recv_q, found.send_q, found.inode, found.uid) == (1000, 0, 213951, 0)
    assert (found.timer, found.timer_ms, found.retransmits) == (SocketTimer.NONE, 0, 0)
    assert (found.pid, found.fd, found.command) == (12, 3, "python")
    assert (found.congestion, found.mark, found.shutdown, found.ulp, found.mptcp) == ("bbr", 0, 0, None, False)
    assert found.info is not None
    assert (found.info.bytes_received, found.info.options, found.info.snd_mss) == (1000, 7, 32768)
    assert found.memory is not None
    assert found.memory.rmem_alloc >= 1000


def test_mapped_and_ipv6_addresses() -> None:
    found = {each.cookie: each for each in table(split(RECORDED))}
    assert str(found[4454].local) == "[::ffff:127.0.0.1]:50149"
    assert str(found[4450].connection) == "[::1]:56152 -> [::1]:44101"
    assert (found[4446].v6only, found[4446].local.address) == (False, "::")
    assert found[4445].v6only is None


def test_sockets_that_no_process_has_open() -> None:
    found = {each.cookie: each for each in table(split(RECORDED), {0: (Holder(1, 1, "nobody"),)})}
    for cookie in (600, 4461, 4462):  # SYN_RECV, TIME_WAIT, orphan in FIN_WAIT2
        assert (found[cookie].inode, found[cookie].holders, found[cookie].info) == (0, (), None)


def test_any_order_gives_the_same_sockets() -> None:
    messages = split(RECORDED)
    expected = set(map(repr, table(messages)))
    random.Random(7).shuffle(messages)
    assert set(map(repr, table(messages))) == expected


def test_attributes_of_one_length_in_another_order_are_kept_apart() -> None:
    message = next(each for each in split(RECORDED) if struct.unpack_from("=Q", each, 16 + 44) == (4459,))
    attributes = _attributes(message)
    head = message[: 16 + inet_diag.MESSAGE.size]
    other = bytearray(head + b"".join(part for _, part in reversed(attributes)))
    struct.pack_into("=Q", other, 16 + 44, 99)
    assert len(other) == len(message)
    both = table([message, bytes(other)])
    one, two = both.by_cookie(4459), both.by_cookie(99)
    assert one is not None
    assert two is not None
    assert (one.info, one.memory, one.congestion) == (two.info, two.memory, two.congestion)
    assert one.info is not None
    assert one.info.bytes_received == 1000


def _attributes(message: bytes) -> list[tuple[int, bytes]]:
    found = []
    position = 16 + inet_diag.MESSAGE.size
    while position < len(message):
        length, kind = struct.unpack_from("=HH", message, position)
        end = position + ((length + 3) & ~3)
        found.append((kind, message[position:end]))
        position = end
    return found


def test_of_a_socket_told_twice_the_last_counts() -> None:
    message = split(RECORDED)[0]
    later = bytearray(message)
    struct.pack_into("=I", later, 16 + 56, 4711)
    (found,) = table([message, bytes(later)])
    assert found.recv_q == 4711


def test_an_answer_without_sockets() -> None:
    empty = table([])
    assert (len(empty), list(empty), empty.by_cookie(1), empty.by_inode(1)) == (0, [], None, ())


def test_a_message_that_is_cut_short_is_left_out() -> None:
    assert len(table([struct.pack("=IHHII", 20, 20, 0, 1, 0) + b"\2\1\0\0"])) == 0


def test_the_table_is_a_sequence() -> None:
    found = table(split(RECORDED))
    assert found[-1] is found[len(found) - 1]
    assert found[1:3] == [found[1], found[2]]
    assert list(found) == [found[index] for index in range(len(found))]
    with pytest.raises(IndexError):
        found[28]


def test_columns_stand_in_the_order_of_the_table() -> None:
    found = table(split(RECORDED))
    for name in ("netns", "family", "state", "cookie", "recv_q", "send_q", "uid", "inode", "interface"):
        assert found.column(name).tolist() == [getattr(each, name) for each in found]
    assert found.column("local_port").tolist() == [each.local.port for each in found]
    assert found.column("peer_port").astype(np.uint32).tolist() == [each.peer.port for each in found]


def test_the_sockets_behind_an_inode() -> None:
    found = table(split(RECORDED))
    assert [each.cookie for each in found.by_inode(213944)] == [4445]
    assert {each.cookie for each in found.by_inode(0)} == {600, 4461, 4462}
