"""The live host as a source: the same connection in every section, round after round."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.collect.conftest import Scene
from workbench.collect.live import EVERY_SECOND, SECTIONS, LiveSource
from workbench.evidence import Evidence, Gap, ImageDirectory, Socket, TcpState
from workbench.source import Source

pytestmark = pytest.mark.root


@pytest.fixture
def source() -> Iterator[LiveSource]:
    made = LiveSource(EVERY_SECOND)
    yield made
    made.close()


def sockets_in(evidence: Evidence, scene: Scene) -> list[Socket]:
    assert not isinstance(evidence.sockets, Gap)
    return [each for each in evidence.sockets if each.netns == scene.inode]


def test_a_socket_with_its_owner_and_its_sequence_numbers(scene: Scene, source: LiveSource) -> None:
    client, server = scene.pair(scene.listener())
    client.sendall(b"x" * 300)
    server.recv(100)
    evidence = source.evidence()
    ends = {each.fd: each for each in sockets_in(evidence, scene)}
    ours, peer = ends[client.fileno()], ends[server.fileno()]
    assert (ours.pid, peer.pid) == (os.getpid(), os.getpid())
    assert ours.connection == peer.connection.reversed
    assert not isinstance(evidence.sequences, Gap)
    sent, received = evidence.sequences[ours.cookie], evidence.sequences[peer.cookie]
    assert (sent.snd_nxt, received.unread) == (received.rcv_nxt, 200)
    assert not isinstance(evidence.processes, Gap)
    assert evidence.processes[os.getpid()].argv


def test_owners_are_the_same_without_the_kernels_iterator(scene: Scene, source: LiveSource) -> None:
    scene.pair(scene.listener())
    scene.listener(protocol=262)
    with_rows = {each.cookie: each.holders for each in sockets_in(source.evidence(), scene)}
    by_proc = {each.cookie: each.holders for each in sockets_in(source.evidence({"sockets"}), scene)}
    assert with_rows == by_proc
    assert len(by_proc) == 4
    assert all(by_proc.values())


def test_each_round_sees_what_is_new_and_what_is_gone(scene: Scene, source: LiveSource) -> None:
    assert sockets_in(source.evidence(), scene) == []
    listener = scene.listener()
    (seen,) = sockets_in(source.evidence(), scene)
    assert (seen.state, seen.fd) == (TcpState.LISTEN, listener.fileno())
    listener.close()
    assert sockets_in(source.evidence(), scene) == []


def test_a_namespace_is_not_kept_alive(source: LiveSource) -> None:
    scene = Scene(f"wb-live-{os.getpid()}")
    inode = scene.inode
    evidence = source.evidence()
    scene.close()
    assert not isinstance(evidence.namespaces, Gap)
    assert inode in {each.inode for each in evidence.namespaces}
    evidence = source.evidence()
    assert not isinstance(evidence.namespaces, Gap)
    assert inode not in {each.inode for each in evidence.namespaces}
    assert inode not in source._diags._open


def test_only_what_was_asked_for_is_collected(source: LiveSource) -> None:
    evidence = source.evidence({"processes"})
    assert not isinstance(evidence.processes, Gap)
    others = [getattr(evidence, name) for name in SECTIONS - {"processes"}]
    assert {gap.reason for gap in others} == {"not part of this evidence"}


def test_every_section(scene: Scene) -> None:
    client, _ = scene.pair(scene.listener())
    source: Source = LiveSource(trees=[os.getpid()], images=lambda: (), unfinished=lambda: Gap("unfinished", "why"))
    evidence = source.evidence()
    source.close()
    assert source.is_live
    missing = {name for name in SECTIONS if isinstance(getattr(evidence, name), Gap)}
    assert missing == {"unfinished"}
    assert evidence.images == ()
    assert not isinstance(evidence.descriptors, Gap)
    assert (os.getpid(), client.fileno(), "tcp") in {(each.pid, each.fd, each.kind) for each in evidence.descriptors}
    assert not isinstance(evidence.sysctls, Gap)
    names = {(each.netns, each.name) for each in evidence.sysctls}
    assert {(scene.inode, "net.ipv4.tcp_retries2"), (None, "net.ipv4.tcp_max_orphans")} <= names


def test_sysctls_are_those_of_their_namespace(scene: Scene) -> None:
    scene.run("sysctl", "-qw", "net.ipv4.tcp_retries2=4")
    source = LiveSource({"sysctls"})
    evidence = source.evidence()
    source.close()
    assert not isinstance(evidence.sysctls, Gap)
    values = {each.netns: each.value for each in evidence.sysctls if each.name == "net.ipv4.tcp_retries2"}
    assert values[scene.inode] == "4"
    assert (
        values[Path("/proc/self/ns/net").stat().st_ino] == Path("/proc/sys/net/ipv4/tcp_retries2").read_text().strip()
    )


def test_hooks_are_asked_when_their_section_is() -> None:
    asked: list[str] = []

    def images() -> tuple[ImageDirectory, ...]:
        asked.append("images")
        return ()

    source = LiveSource({"images"}, images=images)
    source.evidence({"processes"})
    assert asked == []
    source.evidence()
    source.close()
    assert asked == ["images"]


def test_the_command_line_lists_sockets_and_processes(scene: Scene) -> None:
    client, _ = scene.pair(scene.listener())

    def rows(section: str) -> list[dict[str, object]]:
        command = [sys.executable, "-m", "workbench.main", section, "--format", "json"]
        done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=60)
        found: list[dict[str, object]] = json.loads(done.stdout)[section]
        return found

    (row,) = (each for each in rows("sockets") if each["fd"] == client.fileno() and each["netns"] == scene.inode)
    assert (row["pid"], row["netns_name"], row["state"]) == (os.getpid(), scene.name, "ESTABLISHED")
    assert isinstance(row["snd_una"], int)
    assert os.getpid() in {each["pid"] for each in rows("processes")}


def test_without_privileges_what_can_be_seen_is_seen_and_the_rest_is_a_gap() -> None:
    code = """
import socket
from workbench.collect.live import LiveSource
from workbench.evidence import Gap
listener = socket.create_server(("127.0.0.1", 0))
evidence = LiveSource().evidence()
(ours,) = (each for each in evidence.sockets if each.local.port == listener.getsockname()[1])
assert ours.fd == listener.fileno()
assert isinstance(evidence.sequences, Gap) and evidence.sequences.remedy
assert {"namespaces", "rules", "sequences"} <= {gap.section for gap in evidence.gaps}
"""
    nobody = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "--inh-caps=-all"]
    done = subprocess.run(
        [*nobody, sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
