"""Checks of processes."""

from dataclasses import replace

import pytest

from tests.unit.checks.made import HOST, IMAGE, RESTORE, SERVER, TARGET, ask, host, one
from workbench.checking import Severity
from workbench.evidence import Descriptor, DescriptorKind, ImageTask, Namespaces, Process

FILE = Descriptor(50, 3, DescriptorKind.FILE, "/var/lib/db/LOCK", inode=5)
CONFINED = replace(HOST, capabilities=HOST.capabilities - {"CAP_SYS_RESOURCE"})


def test_a_process_of_another_user_without_cap_sys_resource() -> None:
    worker = replace(SERVER, uid=33, user="www-data", uids=(33, 33, 33, 33))
    finding = one("PRC001", host(host=CONFINED, processes={50: worker}, target=TARGET))
    assert "www-data" in finding.problem.message
    assert ask("PRC001", host(processes={50: worker}, target=TARGET)) == []
    assert ask("PRC001", host(host=CONFINED, target=TARGET)) == []


def test_a_file_lock() -> None:
    finding = one("PRC002", host(descriptors=(replace(FILE, locked=True),), target=TARGET))
    assert "/var/lib/db/LOCK" in finding.problem.message
    assert ask("PRC002", host(descriptors=(FILE,), target=TARGET)) == []


def test_a_terminal_whose_master_is_elsewhere() -> None:
    terminal = replace(FILE, kind=DescriptorKind.TERMINAL, target="/dev/pts/3")
    assert "/dev/pts/3" in one("PRC003", host(descriptors=(terminal,), target=TARGET)).problem.message
    assert one("PRC003", host(processes={50: replace(SERVER, tty_nr=34816)}, target=TARGET)).problem.fixes
    master = replace(terminal, fd=9, target="/dev/ptmx")
    assert ask("PRC003", host(descriptors=(terminal, master), target=TARGET)) == []
    assert ask("PRC003", host(descriptors=(FILE,), target=TARGET)) == []


def test_io_uring() -> None:
    ring = replace(FILE, kind=DescriptorKind.IO_URING, target="anon_inode:[io_uring]")
    assert one("PRC004", host(descriptors=(ring, replace(ring, fd=8)), target=TARGET)).problem.facts["fds"] == [3, 8]
    assert ask("PRC004", host(descriptors=(FILE,), target=TARGET)) == []


def test_a_session_of_a_shell_outside() -> None:
    shell = replace(SERVER, pid=40, command="bash")
    job = replace(SERVER, sid=40)
    finding = one("PRC005", host(processes={40: shell, 50: job}, target=TARGET))
    assert "bash 40" in finding.problem.message
    assert "--shell-job" in str(finding.problem.fixes)
    assert ask("PRC005", host(target=TARGET)) == []


@pytest.mark.parametrize("job", [replace(SERVER, sid=0, inner_sid=0), replace(SERVER, sid=40, inner_sid=0)])
def test_a_session_of_an_outer_pid_namespace_helps_no_option(job: Process) -> None:
    problem = one("PRC005", host(processes={50: job}, target=TARGET)).problem
    assert (problem.severity, len(problem.fixes)) == (Severity.ERROR, 1)
    assert "a process of an outer pid namespace" in problem.message


@pytest.mark.parametrize(
    ("path", "harmful"),
    [("/dev/nvidiactl", True), ("/dev/null", False), ("/dev/null (deleted)", False), ("/dev/net/tun", True)],
)
def test_devices(path: str, harmful: bool) -> None:
    device = replace(FILE, kind=DescriptorKind.DEVICE, target=path)
    assert bool(ask("PRC006", host(descriptors=(device,), target=TARGET))) is harmful


def test_a_namespace_inside_of_the_tree() -> None:
    child = replace(SERVER, pid=51, ppid=50, namespaces=replace(SERVER.namespaces, pid=9))
    target = replace(TARGET, pids=frozenset({50, 51}))
    assert one("PRC007", host(processes={50: SERVER, 51: child}, target=target)).problem.subject.keys["pid"] == 51
    same = replace(child, namespaces=SERVER.namespaces)
    assert ask("PRC007", host(processes={50: SERVER, 51: same}, target=target)) == []
    unknown = replace(child, namespaces=Namespaces())
    assert ask("PRC007", host(processes={50: SERVER, 51: unknown}, target=target)) == []


def test_a_debugger() -> None:
    assert one("PRC008", host(processes={50: replace(SERVER, state="t")}, target=TARGET)).severity is Severity.ERROR
    assert ask("PRC008", host(processes={50: replace(SERVER, state="T")}, target=TARGET)) == []


def test_a_pid_of_the_images_is_taken() -> None:
    assert "left running" in one("PRC009", host(images=(IMAGE,), target=RESTORE)).problem.message
    zombie = host(images=(IMAGE,), processes={50: replace(SERVER, state="Z", argv=())}, target=RESTORE)
    assert "zombie" in one("PRC009", zombie).problem.message
    assert ask("PRC009", host(images=(IMAGE,), processes={}, target=RESTORE)) == []
    member = replace(SERVER, pid=55, ppid=1, command="worker")
    held = one("PRC009", host(images=(IMAGE,), processes={55: member}, target=RESTORE))
    assert "session" in held.problem.message
    assert ask("PRC009", host(images=(IMAGE,), processes={55: replace(member, sid=55, pgid=55)}, target=RESTORE)) == []
    assert ask("PRC009", host(images=(IMAGE,), target=TARGET)) == []


def test_pids_of_a_container_are_its_own() -> None:
    container = replace(IMAGE, tasks=(ImageTask(1, 0, "init", 1), *IMAGE.tasks))
    assert ask("PRC009", host(images=(container,), target=RESTORE)) == []
