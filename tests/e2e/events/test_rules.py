"""Changes of rules are told as they are committed, with who did it; nothing of a namespace is kept alive by it."""

import subprocess

import pytest

from tests.e2e.events.conftest import Scene
from workbench.evidence.event import Event, EventKind

pytestmark = pytest.mark.root


def committed(events: list[Event], command: str) -> list[Event]:
    return [event for event in events if event.kind is EventKind.RULES and event.command.startswith(command)]


def test_a_transaction_is_one_event_with_its_author(scene: Scene) -> None:
    commands = (
        "add table inet wb; add chain inet wb c { type filter hook input priority 0; };"
        " add set inet wb s { type inet_service; }; add element inet wb s { 1, 2, 3 };"
        " add rule inet wb c tcp dport 7 drop; add rule inet wb c tcp dport 8 drop"
    )
    program = subprocess.Popen(["nsenter", f"--net={scene.server.path}", "nft", commands])
    program.wait()
    events = scene.wait_for(lambda found: bool(committed(found, "nft")))
    (event,) = committed(events, "nft")
    assert (event.netns, event.pid) == (scene.server.inode, program.pid), "nsenter has become nft"
    assert event.details == {
        "added table inet wb": 1,
        "added chain in inet wb": 1,
        "added set in inet wb": 1,
        "added element in inet wb": 3,
        "added rule in inet wb": 2,
    }


def test_what_is_taken_away_is_told_too(scene: Scene) -> None:
    scene.server.rule("tcp dport 7 drop")
    scene.server.run("nft", "flush", "ruleset")
    events = scene.wait_for(lambda found: len(committed(found, "nft")) == 2)
    gone = committed(events, "nft")[1]
    assert gone.details["deleted table inet wb"] == 1
    assert gone.details["deleted rule in inet wb"] == 1
    assert not [change for change in gone.details if change.startswith("added")]


def test_iptables_over_nftables_is_seen(scene: Scene) -> None:
    scene.server.run("iptables-nft", "-A", "INPUT", "-p", "tcp", "--dport", "7", "-j", "DROP")
    events = scene.wait_for(lambda found: bool(committed(found, "iptables")))
    assert any("added rule in ip filter" in event.details for event in committed(events, "iptables"))


def test_the_commit_stands_before_what_it_causes(scene: Scene) -> None:
    _, client = scene.pair(scene.listener())
    scene.server.rule("tcp dport 7400 drop")
    client.send(b"hello")
    client.send(b"again")
    found = scene.wait_for(
        lambda found: sum(event.kind is EventKind.DROP for event in found) > 1 and bool(committed(found, "nft"))
    )
    dropped = [event for event in found if event.kind is EventKind.DROP]
    assert committed(found, "nft")[0].at_ns < dropped[-1].at_ns


def test_a_namespace_ends_though_its_rules_are_watched(scene: Scene) -> None:
    """A socket that stayed open in it would keep it alive, with its end of the cable."""
    name = scene.client.name
    subprocess.run(["ip", "netns", "delete", name], check=True)
    scene.wait_for(lambda _: scene.client.inode not in {one.inode for one in scene.reader.namespaces})
    scene.wait_for(lambda _: "eth0" not in scene.server.run("ip", "-o", "link"))
    subprocess.run(["ip", "netns", "add", name], check=True)  # for the fixture to delete
