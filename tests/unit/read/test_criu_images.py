"""Image directories that CRIU wrote (tests/e2e/connection/record_images.py), whole and in every kind of disrepair."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.e2e.connection.both_ends import SMALL, pattern
from workbench.errors import WorkbenchError
from workbench.evidence import ImageDirectory, ImageSocket, TcpState
from workbench.read.criu_images import read_image_directory
from workbench.read.image_socket import stream_of

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings" / "images"


def connected(name: str) -> ImageSocket:
    read = read_image_directory(RECORDINGS / name)
    assert (read.complete, read.problems, read.lock_method, read.dumps_netns) == (True, (), "nftables", False)
    (found,) = read.sockets
    return found


@pytest.mark.parametrize(
    ("name", "state", "received"),
    [
        ("unread", TcpState.ESTABLISHED, 1000),
        ("unread-v6", TcpState.ESTABLISHED, 1000),
        ("unsent", TcpState.ESTABLISHED, 0),
        ("in-flight", TcpState.ESTABLISHED, 0),
        ("close-wait", TcpState.CLOSE_WAIT, 1000),
        ("fin-wait2", TcpState.FIN_WAIT2, 0),
        ("last-ack", TcpState.LAST_ACK, 0),
        ("reset", TcpState.CLOSE, 1000),
    ],
)
def test_state_and_queues_are_those_of_the_situation(name: str, state: TcpState, received: int) -> None:
    found = connected(name)
    assert found.state is state
    assert found.queue is not None
    assert found.queue.received == pattern(received)
    writes = name in {"unsent", "in-flight", "last-ack"}
    assert bool(found.queue.sent) == writes
    # The end of what was written; its beginning was acknowledged.
    assert found.queue.sent in pattern(1 << 16)
    numbers = found.sequences
    assert numbers is not None
    fin_sent = 1 if state is TcpState.LAST_ACK else 0
    fin_received = 1 if state is TcpState.CLOSE_WAIT else 0
    assert numbers.in_flight + numbers.unsent == len(found.queue.sent) + fin_sent
    assert numbers.unread == received + fin_received
    assert numbers.unsent == found.queue.unsent + fin_sent
    if name == "in-flight":
        assert numbers.in_flight > 0
    assert numbers.rcv_wup is not None


def test_addresses_holders_and_options() -> None:
    found = connected("unread")
    pid = read_image_directory(RECORDINGS / "unread").root_pid
    assert found.connection.local.address == found.connection.peer.address == "127.0.0.1"
    assert found.connection.local.port > 1024 < found.connection.peer.port
    assert [holder[0] for holder in found.holders] == [pid]
    assert found.family == 2
    options = found.socket_options
    assert (options["SO_KEEPALIVE"], options["TCP_KEEPIDLE"], options["SO_SNDBUF"]) == (1, 777, 2 * SMALL)
    assert options["TCP_NODELAY"] == 1
    assert connected("unread-v6").connection.local.address == "::1"


def test_a_tree_of_two_processes_that_share_a_socket() -> None:
    read = read_image_directory(RECORDINGS / "shared")
    assert len(read.tasks) == 2
    parent, child = read.tasks
    assert (child.ppid, parent.state, parent.command) == (parent.pid, 1, "python3")
    (found,) = read.sockets
    assert sorted(pid for pid, _ in found.holders) == sorted((parent.pid, child.pid))


def test_with_tcp_close_there_is_no_stream_and_no_problem() -> None:
    read = read_image_directory(RECORDINGS / "tcp-close")
    assert (read.tcp_close, read.problems) == (True, ())
    (found,) = read.sockets
    assert (found.state, found.sequences, found.queue) == (TcpState.ESTABLISHED, None, None)


def test_statistics_of_a_restore() -> None:
    read = read_image_directory(RECORDINGS / "restored")
    assert read.dump_stats
    assert read.restore_stats
    assert read.dump_stats.frozen_us > read.dump_stats.freezing_us > 0
    assert read.restore_stats.restore_us > 0
    assert read.dump_stats.pages_written == read.restore_stats.pages_restored
    assert read.run_id
    assert len(read.run_id) == 36


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """A sound directory that a test may spoil."""
    return Path(shutil.copytree(RECORDINGS / "shared", tmp_path / "images"))


def stream(images: Path) -> Path:
    (path,) = images.glob("tcp-stream-*.img")
    return path


def one_problem(images: Path) -> tuple[ImageDirectory, str]:
    read = read_image_directory(images)
    (problem,) = read.problems
    return read, problem


def test_without_inventory_a_dump_did_not_get_to_its_end(images: Path) -> None:
    (images / "inventory.img").unlink()
    read, problem = one_problem(images)
    assert not read.complete
    assert "CRIU writes it last" in problem


def test_a_missing_stream(images: Path) -> None:
    stream(images).unlink()
    read, problem = one_problem(images)
    assert "is missing" in problem
    assert read.sockets[0].problem in problem.replace(f" ({read.sockets[0].connection})", "")
    assert read.sockets[0].sequences is None


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda content: content[:-1], "1000 and 0 bytes, 999 follow"),
        (lambda content: content + b"!", "1001 follow"),
        (lambda content: content[:20], "is truncated"),
        (lambda content: content[:6], "wrong magic number"),
        (lambda content: content[:2], "shorter than its magic number"),
        (lambda content: b"", "is empty"),
        (lambda content: b"#!/bin/sh\n" + content, "is no CRIU image"),
        (lambda content: content[:12] + b"\xff" * 60 + content[72:], "cannot be decoded"),
    ],
)
def test_a_stream_that_does_not_fit(images: Path, spoil: Callable[[bytes], bytes], words: str) -> None:
    path = stream(images)
    path.write_bytes(spoil(path.read_bytes()))
    read, problem = one_problem(images)
    assert words in problem
    assert read.sockets[0].queue is None
    assert read.sockets[0].problem


def test_files_that_were_mixed_up(images: Path) -> None:
    shutil.copy(images / "files.img", images / "pstree.img")
    read = read_image_directory(images)
    assert "pstree.img is an image of another kind (files)" in read.problems
    assert read.tasks == ()


def test_a_file_that_is_no_file(images: Path) -> None:
    (images / "files.img").unlink()
    os.mkfifo(images / "files.img")
    assert "files.img is no regular file" in read_image_directory(images).problems


def test_a_file_that_may_not_be_read(images: Path) -> None:
    (images / "files.img").unlink()
    (images / "files.img").symlink_to("files.img")
    assert any("files.img cannot be read" in problem for problem in read_image_directory(images).problems)


def test_a_stream_left_from_an_earlier_dump(images: Path) -> None:
    shutil.copy(stream(images), images / "tcp-stream-beef.img")
    read, problem = one_problem(images)
    assert problem == "tcp-stream-beef.img belongs to no socket of this dump: left from an earlier one"
    assert len(read.sockets) == 1


def test_a_socket_that_files_img_lacks(images: Path) -> None:
    content = (images / "files.img").read_bytes()
    (images / "files.img").write_bytes(content[:8])
    assert any(
        "files.img lacks the socket of descriptor 3" in problem for problem in read_image_directory(images).problems
    )


def test_a_missing_core(images: Path) -> None:
    pid = read_image_directory(images).tasks[1].pid
    (images / f"core-{pid}.img").unlink()
    read, problem = one_problem(images)
    assert problem == f"core-{pid}.img is missing"
    assert len(read.tasks) == 2


def test_paths_that_are_no_image_directory(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    for path in (tmp_path / "none", tmp_path / "file", tmp_path, "nul\0byte"):
        with pytest.raises(WorkbenchError) as caught:
            read_image_directory(path)
        assert caught.value.hint


def test_without_pycriu_there_is_one_error_with_the_way_out() -> None:
    code = f"""
import sys
sys.modules["pycriu"] = None
from workbench.errors import WorkbenchError
from workbench.read.criu_images import read_image_directory
try:
    read_image_directory({str(RECORDINGS / "unread")!r})
except WorkbenchError as error:
    sys.stdout.write(str(error))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "pycriu" in done.stdout
    assert "make setup" in done.stdout


class StreamEntry:
    """Fields of tcp_stream_entry, for numbers that no recording has."""

    def __init__(self, **fields: int) -> None:
        self.__dict__ = {"inq_len": 0, "outq_len": 0, "unsq_len": 0, "inq_seq": 0, "outq_seq": 0} | fields

    def HasField(self, name: str) -> bool:  # noqa: N802 (protobuf's name)
        return name in self.__dict__


def test_sequence_numbers_run_over_their_end() -> None:
    entry = StreamEntry(inq_len=3, inq_seq=1, outq_len=4, unsq_len=1, outq_seq=2)
    numbers, queue = stream_of(TcpState.ESTABLISHED, entry, b"abcdefg")
    assert (numbers.copied_seq, numbers.snd_una, numbers.snd_nxt) == ((1 << 32) - 2, (1 << 32) - 2, 1)
    assert (queue.received, queue.sent, queue.unsent) == (b"abc", b"defg", 1)


@pytest.mark.parametrize(
    ("state", "una", "nxt"),
    [
        (TcpState.ESTABLISHED, 90, 95),
        (TcpState.FIN_WAIT1, 89, 94),
        (TcpState.CLOSING, 89, 94),
        (TcpState.LAST_ACK, 89, 94),
        (TcpState.CLOSE_WAIT, 90, 95),
        (TcpState.CLOSE, 100, 100),
    ],
)
def test_an_own_fin_is_in_the_numbers_and_not_in_the_lengths(state: TcpState, una: int, nxt: int) -> None:
    entry = StreamEntry(outq_len=10, unsq_len=5, outq_seq=100)
    numbers, _ = stream_of(state, entry, bytes(10))
    assert (numbers.snd_una, numbers.snd_nxt, numbers.write_seq) == (una, nxt, 100)


def test_a_syn_is_counted_too() -> None:
    numbers, _ = stream_of(TcpState.SYN_SENT, StreamEntry(outq_seq=100), b"")
    assert (numbers.snd_una, numbers.write_seq, numbers.rcv_nxt) == (99, 100, 0)


NAMES = sorted(path.name for path in (RECORDINGS / "shared").iterdir())
READ = [name for name in NAMES if not name.startswith(("fs-", "seccomp", "timens"))]
SLOW = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)


def only_workbench_errors(images: Path) -> None:
    try:
        read = read_image_directory(images)
    except WorkbenchError:
        return
    assert all(isinstance(problem, str) for problem in read.problems)
    assert all(str(each.connection) for each in read.sockets)


@SLOW
@given(name=st.sampled_from(READ), content=st.binary(max_size=300), keep=st.integers(0, 16))
def test_whatever_the_bytes_only_a_workbench_error_comes_out(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes, keep: int
) -> None:
    images = Path(shutil.copytree(RECORDINGS / "shared", tmp_path_factory.mktemp("hostile") / "images"))
    path = images / name
    path.write_bytes(path.read_bytes()[:keep] + content)
    only_workbench_errors(images)
    shutil.rmtree(images)


@SLOW
@given(
    name=st.sampled_from(READ),
    changes=st.lists(st.tuples(st.integers(0, 1 << 12), st.integers(0, 255)), min_size=1, max_size=4),
)
def test_a_few_wrong_bytes_neither(
    tmp_path_factory: pytest.TempPathFactory, name: str, changes: list[tuple[int, int]]
) -> None:
    images = Path(shutil.copytree(RECORDINGS / "shared", tmp_path_factory.mktemp("hostile") / "images"))
    path = images / name
    content = bytearray(path.read_bytes())
    for place, value in changes:
        content[place % len(content)] = value
    path.write_bytes(content)
    only_workbench_errors(images)
    shutil.rmtree(images)
