import threading
from pathlib import Path

import pytest

from tests.unit.collect.fake_proc import FakeProc
from workbench.collect.namespaces import collect_namespaces, inside, mounted_namespaces
from workbench.evidence import Gap, NetworkNamespace


def test_mounts_of_network_namespaces() -> None:
    mountinfo = (
        b"25 1 0:22 / /proc rw - proc proc rw\n"
        b"513 25 0:4 net:[4026532280] /run/netns/app rw shared:9 - nsfs nsfs rw\n"
        b"514 25 0:4 net:[4026532280] /var/run/netns/app rw - nsfs nsfs rw\n"
        b"515 25 0:4 mnt:[4026532281] /run/mnt rw - nsfs nsfs rw\n"
        b"516 25 0:4 net:[12] /run/docker/netns/with\\040space rw - nsfs nsfs rw\n"
        b"517 25 0:4 net:[] /broken rw\n"
        b"\n"
    )
    assert mounted_namespaces(mountinfo) == {
        4026532280: ("/run/netns/app", "/var/run/netns/app"),
        12: ("/run/docker/netns/with space",),
    }


def test_namespaces_of_processes_and_mounts_are_one_list(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.write(
        "self/mountinfo", "5 1 0:4 net:[30] /run/netns/app rw - nsfs n rw\n6 1 0:4 net:[20] /x/ns rw - nsfs n rw\n"
    )
    for pid, net in ((7, 1), (8, 30), (10, 40), (9, 30)):
        proc.process(pid, net=net)
    proc.write("11/stat", "a zombie has no namespaces")
    found, gaps = collect_namespaces(tmp_path)
    assert found == (
        NetworkNamespace(1, f"{tmp_path}/self/ns/net", (), (7,), is_host=True),
        NetworkNamespace(20, "/x/ns"),
        NetworkNamespace(30, "/run/netns/app", ("app",), (8, 9)),
        NetworkNamespace(40, f"{tmp_path}/10/ns/net", (), (10,)),
    )
    assert gaps == ()


def test_without_proc_there_is_a_gap(tmp_path: Path) -> None:
    found, _ = collect_namespaces(tmp_path)
    assert isinstance(found, Gap)
    assert found.remedy


def test_inside_runs_in_another_thread_and_gives_its_result() -> None:
    netns = Path("/proc/thread-self/ns/net")
    thread, inode = inside("/proc/self/ns/net", lambda: (threading.get_ident(), netns.stat().st_ino))
    assert thread != threading.get_ident()
    assert inode == netns.stat().st_ino


@pytest.mark.root
def test_what_fails_inside_fails_outside(tmp_path: Path) -> None:
    def fail() -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        inside("/proc/self/ns/net", fail)
    with pytest.raises(FileNotFoundError):
        inside(tmp_path / "gone", fail)
    other = tmp_path / "file"
    other.touch()
    with pytest.raises(OSError, match="Invalid argument"):
        inside(other, fail)
