"""The BPF iterator against known byte counts, /proc and the kernel's own cookies."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.connection.conftest import Make
from workbench.collect.live import LiveSource
from workbench.collect.sequences import SequenceReader, SequenceTable
from workbench.evidence import Gap, UnfinishedOperation, distance
from workbench.evidence.sequences import in_repair
from workbench.repair.constants import REPAIR_OFF_SILENT, REPAIR_ON, TCP_REPAIR

pytestmark = pytest.mark.root


@pytest.fixture
def reader() -> Iterator[SequenceReader]:
    made = SequenceReader()
    yield made
    made.close()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_bytes_written_and_read_are_counted(reader: SequenceReader, address: str) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with (
        socket.create_server((address, 0), family=family) as listener,
        socket.create_connection(listener.getsockname()[:2]) as one,
    ):
        other, _ = listener.accept()
        with other:
            rows = reader.read_owned()
            assert not isinstance(rows, Gap), rows
            cookies = {int(row["fd"]): int(row["cookie"]) for row in rows if row["tgid"] == os.getpid()}
            before = reader.table(rows)
            one.sendall(b"x" * 700)
            assert len(other.recv(300)) == 300
            after = reader.read()
            assert isinstance(after, SequenceTable)
            sender, receiver = after[cookies[one.fileno()]], after[cookies[other.fileno()]]
            assert distance(before[cookies[one.fileno()]].write_seq, sender.write_seq) == 700
            assert distance(before[cookies[other.fileno()]].copied_seq, receiver.copied_seq) == 300
            assert receiver.unread == 400
            assert receiver.rcv_nxt == sender.snd_nxt
            assert receiver.repair is False
            assert sender.user_timeout_ms == 0


def test_options_and_flags_of_the_socket_are_told(reader: SequenceReader) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, socket.create_connection(listener.getsockname()) as one:
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 54321)
        found = reader.read()
        assert isinstance(found, SequenceTable)
        cookie = int.from_bytes(one.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder)
        assert found[cookie].user_timeout_ms == 54321
        rto_us = int.from_bytes(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 12)[8:12], sys.byteorder)
        assert found[cookie].rto_ms == rto_us // 1000


def test_a_socket_that_nobody_ever_listed_has_a_cookie_all_the_same(reader: SequenceReader) -> None:
    with socket.socket() as fresh:
        rows = reader.read_owned()
        assert not isinstance(rows, Gap), rows
        (row,) = rows[rows["inode"] == os.fstat(fresh.fileno()).st_ino]
        assert row["cookie"] != 0
        asked = int.from_bytes(fresh.getsockopt(socket.SOL_SOCKET, 57, 8), sys.byteorder)
        assert int(row["cookie"]) == asked
        assert (int(row["tgid"]), int(row["fd"])) == (os.getpid(), fresh.fileno())
        assert int(row["netns"]) == Path("/proc/self/ns/net").stat().st_ino
        assert reader.pids_are_ours


@pytest.mark.parametrize("family", ["4", "6"])
def test_sockets_of_other_namespaces_and_all_their_holders_are_seen(
    connect: Make, reader: SequenceReader, family: str
) -> None:
    ends = connect(family, "shared")
    rows = reader.read_owned()
    assert not isinstance(rows, Gap), rows
    ours = rows[rows["inode"] == ends.inode]
    assert len(ours) == 2, "a forked child has it too"
    assert ends.pid in ours["tgid"]
    assert set(ours["netns"].tolist()) == {ends.netns} != {Path("/proc/self/ns/net").stat().st_ino}
    assert set(ours["cookie"].tolist()) == {ends.cookie}
    assert reader.table(rows)[ends.cookie].unread == 1000


def test_repair_mode_that_ends_while_others_are_looked_for_is_nobodys_trouble(connect: Make) -> None:
    """By then the CRIU that turned it on may have ended: the socket would seem to have been left in it."""
    ends = connect("4", "established")

    def repair(mode: int) -> None:
        with ends.borrowed() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, mode)

    def look(meanwhile: Callable[[], object]) -> bool:
        def unfinished() -> tuple[UnfinishedOperation, ...]:
            meanwhile()
            return ()

        source = LiveSource({"sockets", "sequences", "processes", "unfinished"}, unfinished=unfinished)
        with contextlib.closing(source):
            found = source.evidence().sequences
            assert not isinstance(found, Gap), found
            assert (ends.cookie in in_repair(found)) is found[ends.cookie].repair
            return ends.cookie in in_repair(found)

    ends.stop()
    repair(REPAIR_ON)
    try:
        assert look(lambda: None), "it is still on"
        assert not look(lambda: repair(REPAIR_OFF_SILENT))
    finally:
        repair(REPAIR_OFF_SILENT)
        ends.go_on()


def test_the_fresh_socket_of_the_reading_itself_is_not_in_it(reader: SequenceReader) -> None:
    own = {int(each.name) for each in Path("/proc/self/fd").iterdir()}
    rows = reader.read_owned()
    assert not isinstance(rows, Gap), rows
    assert set(rows[rows["tgid"] == os.getpid()]["fd"].tolist()) <= own


def test_a_table_is_a_mapping(reader: SequenceReader) -> None:
    found = reader.read()
    assert isinstance(found, SequenceTable)
    for cookie in (0, -1, 1 << 64, 1 << 63):
        assert cookie not in found
        assert found.get(cookie) is None
    cookies = list(found)
    assert cookies == sorted(set(cookies))
    assert len(cookies) == len(found)
    assert all(found[cookie] for cookie in cookies)


def test_a_closed_reader_can_be_used_again(reader: SequenceReader) -> None:
    reader.read()
    reader.close()
    reader.close()
    assert isinstance(reader.read(), SequenceTable)


def test_without_privilege_there_is_a_gap_with_a_way_out() -> None:
    code = (
        "import os; from workbench.collect.sequences import SequenceReader; reader = SequenceReader();"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534); print(reader.read())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "Gap(section='sequences'" in done.stdout, done.stderr
    assert "CAP_BPF" in done.stdout


@pytest.mark.parametrize("content", [None, b"", b"rubbish" * 100, b"\x9f\xeb\x01\x00\x18\x00\x00\x00" + bytes(100)])
def test_without_btf_there_is_a_gap_with_a_way_out(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "vmlinux"
    if content is not None:
        path.write_bytes(content)
    found = SequenceReader(path).read()
    assert isinstance(found, Gap)
    assert found.reason
    assert found.remedy
