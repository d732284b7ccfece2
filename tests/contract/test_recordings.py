"""Recordings of scenarios: what was recorded is read back as what it was."""

from pathlib import Path

import pytest

from workbench.evidence import ImageDirectory, Outcome
from workbench.lab.scenario import Scenario, directory, load
from workbench.read.criu_images import read_image_directory
from workbench.read.log_digest import read_digest
from workbench.read.netfilter_dump import read_netfilter_dump

RECORDINGS = sorted(path.parent for path in (directory().parent / "recordings").glob("*/scenario.txt"))


def scenario_of(recording: Path) -> Scenario:
    return load((recording / "scenario.txt").read_text().partition(":")[0])


def images_of(recording: Path) -> ImageDirectory:
    return read_image_directory(recording / "images")


def test_there_are_recordings() -> None:
    assert {"established", "established-iptables", "listening", "unread-data"} <= {path.name for path in RECORDINGS}


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name)
def test_its_images_are_complete_and_hold_what_the_situation_was(recording: Path) -> None:
    scenario, images = scenario_of(recording), images_of(recording)
    assert images.complete
    assert images.problems == ()
    assert [task.command for task in images.tasks] == ["lab-server"]
    assert images.dump_stats
    assert images.restore_stats
    streams = [socket for socket in images.sockets if socket.queue is not None]
    assert len(streams) == sum(client.connections for client in scenario.clients if client.connects == "before")
    for stream in streams:
        assert stream.state is scenario.situation.state
        assert stream.queue
        assert len(stream.queue.received) >= scenario.situation.unread
        assert stream.queue.unsent >= scenario.situation.unsent
        assert len(stream.queue.sent) - stream.queue.unsent >= scenario.situation.in_flight


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name)
def test_its_logs_tell_of_success(recording: Path) -> None:
    for name in ("dump.log", "restore.log"):
        assert read_digest(recording / "images" / name).outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize("recording", RECORDINGS, ids=lambda path: path.name)
def test_the_lock_in_its_rules_holds_the_connections_of_its_images(recording: Path) -> None:
    images = images_of(recording)
    connections = {socket.connection.unmapped for socket in images.sockets if socket.queue is not None}
    rules = "iptables-nft-save.txt" if images.lock_method == "iptables" else "nft-list-ruleset.txt"
    locks = read_netfilter_dump((recording / rules).read_text()).locks
    held = {connection for lock in locks for connection in lock.connections}
    # an nft set has both directions of each, in any order
    assert {one if one in connections else one.reversed for one in held} == connections
