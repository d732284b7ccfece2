"""Rows of ``workbench sockets``: from records, and the same from what the live host gives."""

import json
import random
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from workbench.cli.socket_rows import json_rows, text_rows
from workbench.collect import inet_diag
from workbench.collect.descriptor_rows import RowOwners
from workbench.collect.sock_diag import Answer
from workbench.collect.socket_columns import SocketColumns, columns_of
from workbench.collect.socket_table import SocketTable
from workbench.collect.tcp_program import OWNER
from workbench.evidence import Endpoint, Gap, Holder, Sequences, Socket, SocketTimer, TcpState

RECORDED = (Path(__file__).parents[1] / "collect/recordings/inet_diag_6.18.bin").read_bytes()
NUMBERS = Sequences(1, 2, 3, 4, 5, 6, 7)
SOCKET = Socket(
    netns=77,
    family=10,
    state=TcpState.ESTABLISHED,
    local=Endpoint("fd00::2", 7022),
    peer=Endpoint("fd00::1", 56692),
    inode=500,
    cookie=9,
    uid=0,
    recv_q=3,
    send_q=590,
    timer=SocketTimer.RTO,
    timer_ms=1600,
    retransmits=3,
    holders=(Holder(4645, 4, "serv\x1b[2Jer"), Holder(4646, 4, "worker")),
)


def rows_of(sockets: list[Socket], sequences: dict[int, Sequences] | Gap) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(f"[{','.join(json_rows(columns_of(sockets, sequences), {77: 'app'}))}]")
    return found


def lines_of(columns: SocketColumns, names: dict[int, str], *, sequences: bool = False) -> list[str]:
    return "\n".join(text_rows(columns, names, sequences=sequences)).splitlines()


def test_a_row_has_every_key_of_the_contract() -> None:
    (row,) = rows_of([SOCKET], {9: NUMBERS})
    assert row == {
        "netns": 77, "netns_name": "app", "family": 10, "state": "ESTABLISHED",
        "local": "[fd00::2]:7022", "peer": "[fd00::1]:56692",
        "pid": 4645, "fd": 4, "command": "serv\\x1b[2Jer",
        "holders": [[4645, 4, "serv\\x1b[2Jer"], [4646, 4, "worker"]],
        "inode": 500, "cookie": 9, "uid": 0, "recv_q": 3, "send_q": 590,
        "timer": "rto", "timer_ms": 1600, "retransmits": 3, "congestion": None, "mptcp": False,
        "snd_una": 1, "snd_nxt": 2, "write_seq": 3, "rcv_nxt": 4, "copied_seq": 5, "snd_wnd": 6, "rcv_wnd": 7,
    }  # fmt: skip


def test_what_is_not_known_is_null() -> None:
    (row,) = rows_of([replace(SOCKET, netns=78, holders=())], Gap("sequences", "no BTF"))
    absent = ("pid", "fd", "command", "netns_name", "snd_una", "rcv_wnd")
    assert [row[name] for name in absent] == [None] * len(absent)
    assert row["holders"] == []


def test_text_shows_the_first_owner_and_how_many_there_are_besides() -> None:
    listening = replace(SOCKET, state=TcpState.LISTEN, timer=SocketTimer.NONE, timer_ms=0, retransmits=0, holders=())
    heading, first, second = lines_of(columns_of([listening, SOCKET], {}), {77: "app"})
    assert heading.split() == ["STATE", "NETNS", "LOCAL", "PEER", "RCVQ", "SNDQ", "TIMER", "PROCESS"]
    assert first.split() == [
        "ESTABLISHED", "app", "[fd00::2]:7022", "[fd00::1]:56692", "3", "590", "rto", "1.6s", "x3",
        "serv\\x1b[2Jer", "4645", "fd", "4", "+1",
    ]  # fmt: skip
    assert second.split() == ["LISTEN", "app", "[fd00::2]:7022", "-", "3", "590", "-", "-"]
    assert len({line.index(word) for line, word in ((heading, "PEER"), (first, "[fd00::1]"), (second, "- "))}) == 1


def test_sequence_numbers_in_the_text_where_there_are_any() -> None:
    columns = columns_of([SOCKET, replace(SOCKET, cookie=10)], {9: NUMBERS})
    lines = [line.split() for line in lines_of(columns, {}, sequences=True)]
    assert lines[0][7:] == [
        "SND_UNA", "SND_NXT", "WRITE_SEQ", "RCV_NXT", "COPIED_SEQ", "SND_WND", "RCV_WND", "PROCESS",
    ]  # fmt: skip
    assert lines[1][9:16] == list("1234567")
    assert lines[2][9:16] == ["-"] * 7


@pytest.mark.parametrize("seed", range(3))
def test_a_table_of_the_kernel_gives_the_rows_of_its_records(seed: int, tmp_path: Path) -> None:
    table = SocketTable([(7, block) for block in inet_diag.blocks(shuffled(RECORDED, seed))])
    inodes = sorted({each.inode for each in table} - {0})
    told = np.zeros(len(inodes) + 1, OWNER)
    told["inode"] = [inodes[3], *inodes]  # which has two holders; the last sockets have none
    told["tgid"] = np.arange(100, 100 + len(told))
    told["fd"] = 5
    table = table.with_holders(RowOwners(told[:-3], tmp_path))
    numbers = {each.cookie: replace(NUMBERS, snd_una=each.cookie) for each in table if each.cookie % 2}
    records = [replace(each) for each in table]
    fast, slow = columns_of(table, numbers), columns_of(records, numbers)
    assert list(json_rows(fast, {7: "app"})) == list(json_rows(slow, {7: "app"}))
    assert list(text_rows(fast, {}, sequences=True)) == list(text_rows(slow, {}, sequences=True))
    assert len(fast) == 28


def shuffled(data: bytes, seed: int) -> Answer:
    messages = []
    while data:
        length = (struct.unpack_from("=I", data)[0] + 3) & ~3
        messages.append(data[:length])
        data = data[length:]
    random.Random(seed).shuffle(messages)
    offsets = [sum(map(len, messages[:index])) for index in range(len(messages))]
    return Answer(b"".join(messages), offsets)
