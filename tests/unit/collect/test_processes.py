from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.collect.fake_proc import FakeProc
from workbench.collect.containers import container_of, main_path, parse_cgroup
from workbench.collect.process_stat import parse_stat
from workbench.collect.process_status import ProcessStatus, parse_status
from workbench.collect.processes import ProcessReader, parse_argv, tree
from workbench.evidence import Container, Gap, Process

ID = "0123456789abcdef" * 4


def read(proc: FakeProc) -> dict[int, Process]:
    found = ProcessReader(proc.root).read()
    assert not isinstance(found, Gap)
    return dict(found)


def test_a_process_in_full(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.process(42, "server", ppid=7, uid=4294967, net=77, start=1234)
    found = read(proc)[42]
    assert (found.pid, found.ppid, found.start_time, found.command, found.state) == (42, 7, 1234, "server", "S")
    assert found.argv == ("/usr/bin/server", "--port", "7022")
    assert (found.uid, found.user, found.uids) == (4294967, "4294967", (4294967,) * 4)
    assert (found.threads, found.pgid, found.sid, found.tty_nr, found.exe) == (4, 42, 42, 34816, "/usr/bin/server")
    assert (found.namespaces.net, found.namespaces.mnt) == (77, None)
    assert found.rss_bytes == 250 * 4096
    assert (found.cgroup, found.container) == ("/system.slice/server.service", None)


def test_a_hostile_name_cannot_move_the_fields() -> None:
    stat = parse_stat(b"7 (a) R 1 (b\xff) S 1 2 3 4 5 0 0 0 0 0 0 0 0 0 20 0 6 0 700 0 8 0")
    assert stat is not None
    assert (stat.command, stat.state, stat.ppid, stat.threads, stat.start_time) == ("a) R 1 (b\udcff", "S", 1, 6, 700)


@given(st.binary(max_size=200))
def test_no_stat_is_a_surprise(data: bytes) -> None:
    parsed = parse_stat(data)
    assert parsed is None or parsed.start_time is not None


@pytest.mark.parametrize("data", [b"", b"7", b"7 (x) S 1 2", b"7 )x( S" + b" 1" * 30, b"7 (x) S" + b" x" * 30])
def test_a_stat_that_is_cut_short_is_none(data: bytes) -> None:
    assert parse_stat(data) is None


def test_a_process_that_ends_while_it_is_read_is_left_out(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.process(42)
    proc.process(43)
    (tmp_path / "43/status").unlink()
    assert set(read(proc)) == {42}


def test_without_proc_there_is_a_gap(tmp_path: Path) -> None:
    assert isinstance(ProcessReader(tmp_path).read(), Gap)


def test_a_program_that_was_replaced_shows_in_the_next_round(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.process(42, "shell")
    reader = ProcessReader(tmp_path)
    reader.read()
    proc.process(42, "server")
    found = reader.read()
    assert not isinstance(found, Gap)
    assert (found[42].command, found[42].exe) == ("server", "/usr/bin/server")


def test_a_changed_user_shows_after_some_rounds(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.process(42)
    reader = ProcessReader(tmp_path)
    reader.read()
    proc.process(42, uid=4294967)
    seen = [found[42].uid for _ in range(8) if not isinstance(found := reader.read(), Gap)]
    assert seen[-1] == 4294967


def test_arguments() -> None:
    assert parse_argv(b"") == ()
    assert parse_argv(b"\0\0") == ()
    assert parse_argv(b"sh\0-c\0\0") == ("sh", "-c", "")
    assert parse_argv(b"title that was written over") == ("title that was written over",)
    assert parse_argv(b"\xff\0") == ("\udcff",)


def test_status() -> None:
    users = b"Name:\tUid:\nUid:\t1\t2\t3\t4\nGid:\t0\n"
    assert parse_status(users) == ProcessStatus((1, 2, 3, 4), None)
    assert parse_status(users + b"NSpid:\t70\t1\nNSsid:\t60\t0\n") == ProcessStatus((1, 2, 3, 4), 0)
    assert parse_status(users + b"NSsid:\t-\n") == ProcessStatus((1, 2, 3, 4), None)
    assert parse_status(b"Uid:\t1\t2\nNSsid:\t1\n") is None
    assert parse_status(b"") is None


def test_a_process_that_makes_a_session_is_read_again(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.process(42, sid=7)
    reader = ProcessReader(proc.root)
    first = reader.read()
    proc.process(42)
    second = reader.read()
    assert not isinstance(first, Gap)
    assert not isinstance(second, Gap)
    assert (first[42].inner_sid, second[42].inner_sid) == (7, 42)


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (f"/system.slice/docker-{ID}.scope", Container("docker", ID)),
        (f"/docker/{ID}", Container("docker", ID)),
        (f"/machine.slice/libpod-{ID}.scope/container", Container("podman", ID)),
        (f"/machine.slice/libpod-conmon-{ID}.scope", None),
        (f"/kubepods.slice/kubepods-pod1.slice/crio-{ID}.scope", Container("crio", ID)),
        (f"/kubepods.slice/kubepods-pod1.slice/cri-containerd-{ID}.scope", Container("containerd", ID)),
        (f"/system.slice/kubepods-pod1.slice:cri-containerd:{ID}", Container("containerd", ID)),
        (f"/kubepods/besteffort/pod1/{ID}", Container("unknown", ID)),
        ("/lxc.payload.web/system.slice", Container("lxc", "web")),
        ("/lxc/web/x", Container("lxc", "web")),
        ("/user.slice/runc-box.scope", Container("runc", "box")),
        ("/system.slice/ssh.service", None),
        (f"/docker/{ID[:-1]}", None),
        ("/", None),
    ],
)
def test_containers_by_their_cgroup(path: str, expected: Container | None) -> None:
    assert container_of((path,)) == expected


def test_the_path_that_says_most() -> None:
    paths = parse_cgroup(b"9:name=systemd:/a\n4:memory:/b:c\n0::/\nrubbish\n")
    assert paths == ("/", "/a", "/b:c")
    assert main_path(paths) == "/a"
    assert main_path(("/",)) == "/"
    assert main_path(()) is None


def test_a_tree_is_the_roots_and_all_below(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    for pid, ppid in ((10, 1), (13, 10), (12, 10), (14, 13), (20, 1)):
        proc.process(pid, ppid=ppid)
    found = read(proc)
    assert tree(found, [10]) == (10, 12, 13, 14)
    assert tree(found, [13, 10, 99]) == (13, 10, 14, 12)
    assert tree(found, [99]) == ()
