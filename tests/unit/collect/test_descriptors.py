import fcntl
import os
import select
import socket
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from tests.unit.collect.fake_proc import FakeProc
from workbench.collect.descriptors import Ends, collect_descriptors
from workbench.collect.namespaces import collect_namespaces
from workbench.collect.owners import OwnerReader
from workbench.collect.sock_diag import Answer, SockDiags
from workbench.collect.unix_diag import collect_unix_peers, parse_unix_peers
from workbench.evidence import Descriptor, DescriptorKind, Gap, Holder


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def ours(ends: Ends | None = None) -> dict[int, Descriptor]:
    found, gaps = collect_descriptors([os.getpid()], ends or Ends())
    assert not isinstance(found, Gap)
    assert gaps == ()
    return {each.fd: each for each in found}


@pytest.mark.parametrize(
    ("family", "form", "protocol", "kind"),
    [
        (socket.AF_INET, socket.SOCK_STREAM, 0, DescriptorKind.TCP),
        (socket.AF_INET6, socket.SOCK_STREAM, 0, DescriptorKind.TCP),
        (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_MPTCP, DescriptorKind.MPTCP),
        (socket.AF_INET6, socket.SOCK_DGRAM, 0, DescriptorKind.UDP),
        (socket.AF_UNIX, socket.SOCK_STREAM, 0, DescriptorKind.UNIX),
        (socket.AF_UNIX, socket.SOCK_DGRAM, 0, DescriptorKind.UNIX),
        (socket.AF_NETLINK, socket.SOCK_RAW, 0, DescriptorKind.NETLINK),
        pytest.param(socket.AF_INET, socket.SOCK_RAW, 1, DescriptorKind.RAW, marks=pytest.mark.root),
        pytest.param(socket.AF_PACKET, socket.SOCK_RAW, 0, DescriptorKind.PACKET, marks=pytest.mark.root),
    ],
)
def test_every_kind_of_socket(stack: ExitStack, family: int, form: int, protocol: int, kind: DescriptorKind) -> None:
    made = stack.enter_context(socket.socket(family, form, protocol))
    found = ours()[made.fileno()]
    assert (found.kind, found.inode) == (kind, os.fstat(made.fileno()).st_ino)


def test_what_is_no_socket(stack: ExitStack, tmp_path: Path) -> None:
    master, slave = os.openpty()
    reading, writing = os.pipe()
    directory = os.open(tmp_path, os.O_RDONLY)
    for fd in (master, slave, reading, writing, directory):
        stack.callback(os.close, fd)
    with select.epoll() as epoll, (tmp_path / "file").open("w") as file, Path(os.devnull).open() as null:
        found = ours()
        kinds = {
            slave: DescriptorKind.TERMINAL,
            reading: DescriptorKind.PIPE,
            directory: DescriptorKind.DIRECTORY,
            epoll.fileno(): DescriptorKind.EVENT,
            file.fileno(): DescriptorKind.FILE,
            null.fileno(): DescriptorKind.DEVICE,
        }
        assert {fd: found[fd].kind for fd in kinds} == kinds
        assert found[file.fileno()].target == str(tmp_path / "file")


def test_io_uring_is_told_by_its_name(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.process(5)
    proc.descriptor(5, 3, "anon_inode:[io_uring]")
    proc.descriptor(5, 4, "anon_inode:inotify")
    proc.descriptor(5, 5, "anon_inode:[bpf-map]")
    found, _ = collect_descriptors([5], Ends(), tmp_path)
    assert not isinstance(found, Gap)
    assert [each.kind for each in found] == [DescriptorKind.IO_URING, DescriptorKind.EVENT, DescriptorKind.OTHER]


@pytest.mark.parametrize("lock", [fcntl.flock, fcntl.lockf])
def test_a_locked_file(lock: Callable[[IO[bytes], int], object]) -> None:
    with tempfile.TemporaryFile() as free, tempfile.TemporaryFile() as locked:
        lock(locked, fcntl.LOCK_EX)
        found = ours()
        assert (found[free.fileno()].locked, found[locked.fileno()].locked) == (False, True)


@pytest.mark.root
def test_the_other_end_of_a_unix_socket(stack: ExitStack) -> None:
    one, two = socket.socketpair()
    alone = socket.socket(socket.AF_UNIX)
    for each in (one, two, alone):
        stack.enter_context(each)
    namespaces, _ = collect_namespaces()
    assert not isinstance(namespaces, Gap)
    diags = SockDiags()
    stack.callback(diags.close)
    peers, gaps = collect_unix_peers(diags, [each for each in namespaces if each.is_host])
    assert gaps == ()
    found = ours(Ends(peers, OwnerReader().read_all()))
    assert found[one.fileno()].peer_inode == os.fstat(two.fileno()).st_ino
    assert found[one.fileno()].peer_pids == (os.getpid(),)
    assert (found[alone.fileno()].peer_inode, found[alone.fileno()].peer_pids) == (None, ())


def test_the_other_end_of_a_pipe_is_who_has_the_opposite_direction(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    for pid in (5, 6, 7):
        proc.process(pid)
    proc.descriptor(5, 3, "pipe:[90]", "flags:\t0100000\n")
    proc.descriptor(6, 4, "pipe:[90]", "flags:\t0100001\n")
    proc.descriptor(7, 5, "pipe:[90]", "flags:\t0100000\n")
    pipes = {90: (Holder(5, 3, ""), Holder(6, 4, ""), Holder(7, 5, ""))}
    found, _ = collect_descriptors([5, 6, 7], Ends(pipes=pipes), tmp_path)
    assert not isinstance(found, Gap)
    assert [each.peer_pids for each in found] == [(6,), (5, 7), (6,)]


def test_a_process_that_is_gone_is_a_gap() -> None:
    gone = 2**22 + 1
    found, gaps = collect_descriptors([gone], Ends())
    assert isinstance(found, Gap)
    assert str(gone) in found.reason
    found, gaps = collect_descriptors([os.getpid(), gone], Ends())
    assert not isinstance(found, Gap)
    assert [str(gone) in gap.reason for gap in gaps] == [True]


def test_answers_about_unix_sockets_that_are_cut_short() -> None:
    assert parse_unix_peers(Answer(b"\x14\0\0\0" + b"\0" * 16, [0])) == {}


def test_a_file_has_a_size_and_a_mount_that_its_process_sees(tmp_path: Path) -> None:
    with (tmp_path / "file").open("w") as made:
        made.truncate(1 << 30)  # one hole
        made.flush()
        found = ours()[made.fileno()]
    assert (found.allocated, found.mount_visible) == (0, True)


def test_what_has_no_path_has_no_mount(stack: ExitStack) -> None:
    made = stack.enter_context(socket.socket())
    memory = os.memfd_create("x")
    stack.callback(os.close, memory)
    assert ours()[made.fileno()].mount_visible is None
    assert ours()[memory].mount_visible is None


def test_a_mount_that_is_not_in_the_list(tmp_path: Path) -> None:
    for name, text in {
        "fdinfo/3": "pos:\t0\nflags:\t02\nmnt_id:\t99\n",
        "mountinfo": "21 1 8:1 / / rw - ext4 x rw\n",
    }.items():
        (tmp_path / "7" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "7" / name).write_text(text)
    (tmp_path / "7" / "fd").mkdir()
    (tmp_path / "7" / "fd" / "3").symlink_to("/etc/passwd")
    found, gaps = collect_descriptors([7], Ends(), tmp_path)
    assert gaps == ()
    assert not isinstance(found, Gap)
    assert found[0].mount_visible is False


def test_a_pidfd_names_its_process(stack: ExitStack) -> None:
    made = os.pidfd_open(os.getppid())
    stack.callback(os.close, made)
    assert ours()[made].peer_pids == (os.getppid(),)


def test_who_else_holds_a_socket(stack: ExitStack) -> None:
    made = stack.enter_context(socket.socket())
    inode = os.fstat(made.fileno()).st_ino
    holders = (Holder(os.getpid(), made.fileno(), "us"), Holder(4242, 3, "other"))
    assert ours(Ends(sockets={inode: holders}))[made.fileno()].other_pids == (4242,)
