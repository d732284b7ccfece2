"""Scenarios set up for real: situations reached, bytes verified, nothing left."""

import os
import select
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.collect import procfs
from workbench.collect.namespaces import inside
from workbench.errors import WorkbenchError
from workbench.evidence import TcpState
from workbench.lab import marker
from workbench.lab.application import start_for_application
from workbench.lab.lab import Lab
from workbench.lab.namespaces import Host
from workbench.lab.scenario import directory, load, names, parse
from workbench.lab.situation import wait_until_reached
from workbench.repair.borrow import borrow
from workbench.repair.constants import TCP_REPAIR

pytestmark = [pytest.mark.root]


@pytest.fixture(scope="module", autouse=True)
def untouched_root_namespace() -> Iterator[None]:
    """No scenario adds a link, an address or a route to the namespace of the workbench."""

    def links() -> str:
        return subprocess.run(["ip", "-o", "address"], capture_output=True, text=True, check=True).stdout

    def own(text: str) -> list[str]:
        return [line for line in text.splitlines() if "10.77.0." in line or "fd77::" in line]

    yield
    assert own(links()) == []


@pytest.mark.parametrize("name", [name for name in names() if load(name).operation])
def test_a_situation_is_reached_and_nothing_is_left_of_it(name: str) -> None:
    scenario = load(name)
    with Lab(scenario) as lab:
        connected = sum(client.connections for client in scenario.clients if client.connects == "before")
        assert len(set(lab.connections)) == connected
        wait_until_reached(lab.host.namespace, scenario.server, scenario.situation, lab.connections)
        assert Path(f"/proc/{lab.server_pid}/comm").read_text() == "lab-server\n"
        descriptors = [str(entry.readlink()) for entry in Path(f"/proc/{lab.server_pid}/fd").iterdir()]
        assert all(target == "/dev/null" or target.startswith("socket:[") for target in descriptors)
        assert os.getsid(lab.server_pid) == lab.server_pid
        own = procfs.link_inode("/proc/self/ns/net", "net")
        assert own not in {namespace.inode for namespace in lab.namespaces}
    assert lab.close() == ()
    assert list(marker.members(lab.id)) == []
    assert not lab.scratch.exists()


def test_both_ends_verify_what_the_other_sends() -> None:
    with Lab(load("established")) as lab:
        (before,) = lab.talked()
        (after,) = lab.await_verified(20_000, timeout=10)
        assert after.to_server >= before.to_server + 20_000
        assert after.to_client >= before.to_client + 20_000
        assert after.sent >= after.to_server
        assert not after.problem
        assert not after.ended


def test_a_situation_that_is_not_reached_says_what_is_amiss(monkeypatch: pytest.MonkeyPatch) -> None:
    text = (directory() / "established.toml").read_text()
    scenario = parse("impossible", text.replace("verified = 16_384", "verified = 64\nunread = 10_000_000").encode())
    monkeypatch.setattr("workbench.lab.situation.PATIENCE_S", 0.2)
    lab = Lab(scenario)
    with pytest.raises(WorkbenchError, match="bytes unread, not 10000000"):
        lab.start()
    assert lab.close() == ()
    assert list(marker.members(lab.id)) == []


def test_a_reset_connection_is_reported_at_once() -> None:
    with Lab(load("established")) as lab:
        subprocess.run(
            ["nsenter", f"--net={lab.host.path}", "ss", "-K", "sport", "=", ":7022", "dst", "10.77.0.1"],
            check=True,
            capture_output=True,
        )
        (talked,) = lab.await_verified(1 << 30, timeout=20)
        assert talked.ended == "ECONNRESET"


def test_wrong_bytes_are_reported_at_once() -> None:
    with Lab(load("listening")) as lab:
        # somebody else takes the server's place, and answers with what the client sent
        assert marker.end(lab.server_pid, lambda pid: marker.lab_of(pid) == lab.id)

        def listen() -> socket.socket:
            return socket.create_server(("10.77.0.2", 7022))

        with inside(lab.host.path, listen) as listener:
            lab.connect("after")
            connection, _ = listener.accept()
            with connection:
                connection.sendall(connection.recv(4096))
                (talked,) = lab.await_verified(1 << 30, timeout=20)
    assert "a record of client came back" in talked.problem


def test_a_server_in_repair_mode_bears_it_and_goes_on() -> None:
    with Lab(load("established")) as lab:
        lab.await_verified(4096, timeout=10)
        inode = procfs.link_inode(f"/proc/{lab.server_pid}/fd/4", "socket")
        assert inode is not None
        with borrow(lab.server_pid, 4, inode) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
            lab.forget_gap()
            (stalled,) = lab.await_verified(1 << 20, timeout=0.5)
            connection.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 0)
        (talked,) = lab.await_verified(20_000, timeout=10)
        assert stalled.longest_gap_ms >= 300, "it did stand still"
        assert not talked.problem
        assert not talked.ended


RUNNER = """
import sys
from workbench.lab.lab import Lab
from workbench.lab.scenario import load
lab = Lab(load("established"))
lab.start()
print(lab.id, lab.host.path, lab.server_pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def runner() -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """A process that runs a lab, the lab's identity and its server."""
    with subprocess.Popen(
        [sys.executable, "-c", RUNNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        lab, _, server = process.stdout.readline().split()
        yield process, lab, int(server)
        process.kill()
    marker.clean()


def _wait_until_dead(pids: list[int]) -> None:
    for pid in pids:
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            continue
        assert select.select([descriptor], [], [], 10)[0], f"{pid} lives on"
        os.close(descriptor)


def test_a_killed_runner_takes_everything_along(runner: tuple[subprocess.Popen[str], str, int]) -> None:
    process, lab, server = runner
    pids = list(marker.members(lab))
    assert len(pids) == 4
    assert server in pids
    process.kill()
    _wait_until_dead(pids)
    assert list(marker.members(lab)) == []
    found = marker.clean()
    assert len([line for line in found if line.startswith("directory") and lab in line]) == 1
    assert not [line for line in marker.clean() if lab in line]


def test_what_survives_hosts_and_runner_is_found_by_its_mark(
    runner: tuple[subprocess.Popen[str], str, int],
) -> None:
    process, lab, server = runner
    hosts = [
        pid for pid in marker.members(lab) if b"workbench.lab.host" in (procfs.read(f"/proc/{pid}/cmdline") or b"")
    ]
    assert len(hosts) == 2
    assert not [line for line in marker.clean() if lab in line], "a lab that is running is left alone"
    # both hosts stand still while the last thing that they would notice happens
    held = [os.pidfd_open(pid) for pid in hosts]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for descriptor in held:
            signal.pidfd_send_signal(descriptor, number)
    process.kill()
    process.wait()
    for descriptor in held:
        assert select.select([descriptor], [], [], 10)[0]
        os.close(descriptor)
    assert server in list(marker.members(lab))
    assert f"process lab-server {server} of lab {lab}" in marker.clean()
    assert list(marker.members(lab)) == []


def test_a_lab_for_the_application_starts_beside_it() -> None:
    handle = start_for_application("established")
    assert handle.wait(20)
    assert handle.server_pid == handle.lab.server_pid
    assert handle.lab.scenario.situation.state is TcpState.ESTABLISHED
    assert handle.close() == ()


def test_a_lab_can_be_closed_while_it_starts() -> None:
    handle = start_for_application("established")
    assert handle.close() == ()
    assert list(marker.members(handle.lab.id)) == []


def test_a_host_ends_nothing_in_a_namespace_that_is_not_its_own() -> None:
    """Run without a namespace of its own it refuses, since at its end everything in the namespace dies."""
    here = procfs.link_inode("/proc/self/ns/net", "net")
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, theirs:
        command = [sys.executable, "-m", "workbench.lab.host", "--runner", str(os.getpid()), "--not-in", str(here)]
        done = subprocess.run(command, stdin=theirs.fileno(), capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "namespace of its own" in done.stderr


def test_a_host_says_why_a_command_failed() -> None:
    host = Host("app", marker.new_id())
    try:
        with pytest.raises(WorkbenchError, match="host app"):
            host.configure("link set nothing up")
        with pytest.raises(WorkbenchError, match="/nonexistent"):
            host.start(["/nonexistent"], 0)
    finally:
        assert host.close() == ()
