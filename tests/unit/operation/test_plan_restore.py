"""Plans of restores from evidence and images made by hand."""

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.operation.builders import (
    CONNECTION,
    HOST_NET,
    LISTENING,
    NET,
    SERVER,
    evidence,
    image,
    image_socket,
    process,
    socket,
)
from workbench.evidence import (
    Address,
    Backend,
    Connection,
    Endpoint,
    Evidence,
    Gap,
    ImageDirectory,
    Lock,
    LockScope,
    Network,
    NetworkNamespace,
    TcpState,
)
from workbench.operation.note import Note
from workbench.operation.plan import Plan
from workbench.operation.plan_restore import plan_restore
from workbench.operation.request import Policy, RestoreRequest

APP = NetworkNamespace(NET, "/run/netns/app", ("app",), ())
LOCK = Lock(
    NET, Backend.NFTABLES, LockScope.CONNECTION, "inet", "CRIU-660e2a43-99b0-4c54-a4", "CRIU-660e2a43-99b0-4c54-a4",
    (CONNECTION,), frozenset({"input", "output"}), None, run_id_prefix="660e2a43-99b0-4c54-a4",
)  # fmt: skip
NOTE = Note("b", NET, "/run/netns/app", (SERVER, 1), "server", (CONNECTION,), {"tcp_established": True})


def here(**more: Any) -> Evidence:
    """The host after the dump: the process is gone, the lock stands."""
    return evidence(process(5000, 1, "other"), **{"locks": (LOCK,), "sockets": (), **more})


def plan(seen: Evidence | None = None, found: ImageDirectory | Gap | None = None, **more: Any) -> Plan:
    note = more.pop("note", NOTE)
    netns = more.pop("netns", APP)
    return plan_restore(seen or here(), found or image(), RestoreRequest("/images", **more), note, netns)


def test_a_plain_restore() -> None:
    made = plan()
    assert made.obstacles == ()
    assert made.warnings == ()
    assert made.title == "Restore server 4645: 1 connection kept, nftables lock"
    assert made.command == (
        "nsenter", "--net=/run/netns/app", "/opt/criu", "restore", "-d", "-D", "/images", "--tcp-established",
        "-v4", "-o", "restore.log",
    )  # fmt: skip
    assert made.options == {"tcp_established": True}
    assert made.connections == (CONNECTION,)
    assert made.netns == NET
    assert made.root_pid == SERVER
    assert "its lock still stands" in made.sockets[0].fate


OBSTACLES: dict[str, tuple[Evidence | None, ImageDirectory | Gap | None, str]] = {
    "no directory": (None, Gap("images", "There is no directory /images", "name it"), "There is no directory"),
    "no tasks": (None, image(tasks=(), problems=("pstree.img is missing",)), "pstree.img is missing"),
    "incomplete": (None, image(complete=False, problems=("inventory.img is missing",)), "not complete"),
    "namespace in the images": (None, image(dumps_netns=True), "network namespace itself"),
    "damaged stream": (None, image(sockets=(image_socket(problem="tcp-stream-4d.img is cut short"),)), "cut short"),
    "pid taken": (here(processes={SERVER: process()}), None, "taken by server 4645"),
    "pid is a session": (
        here(processes={5000: process(5000, sid=SERVER)}), None, "number of a process group or session",
    ),
    "address missing": (here(network=Network((), (), ())), None, "Address 10.0.0.2 is not on this host"),
    "address elsewhere": (
        here(network=Network((), (Address(HOST_NET, "eth0", "10.0.0.2", 24, "global"),), ())), None, "not on this host",
    ),
    "connection there": (here(sockets=(socket(),)), None, "is there already (ESTABLISHED, server 4645)"),
}  # fmt: skip


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_stands_in_the_way(name: str) -> None:
    seen, found, reason = OBSTACLES[name]
    made = plan(seen, found)
    assert [reason in each for each in made.obstacles] == [True], made.obstacles


def test_what_is_not_in_the_way() -> None:
    others = (socket(LISTENING, TcpState.LISTEN), socket(state=TcpState.TIME_WAIT), socket(netns=HOST_NET))
    assert plan(here(sockets=others)).obstacles == ()


def test_a_zombie_is_waited_for() -> None:
    made = plan(here(processes={SERVER: process(state="Z")}))
    assert made.obstacles == ()
    assert "the restore waits" in made.notes[0]


def test_a_missing_lock_is_a_warning() -> None:
    made = plan(here(locks=()))
    assert made.obstacles == ()
    assert "is gone" in made.warnings[0]
    assert made.sockets[0].warning


def test_the_lock_of_another_namespace_or_connection_does_not_count() -> None:
    elsewhere = replace(LOCK, netns=HOST_NET)
    another = replace(LOCK, connections=(Connection(CONNECTION.local, Endpoint("10.0.0.9", 9)),))
    assert plan(here(locks=(elsewhere, another))).warnings


def test_mapped_addresses_are_locked_as_ipv4() -> None:
    mapped = Connection(Endpoint("::ffff:10.0.0.2", 7022), Endpoint("::ffff:10.0.0.1", 56692))
    made = plan(None, image(sockets=(image_socket(mapped, family=10),)))
    assert made.warnings == ()
    assert made.obstacles == ()


def test_closed_images_can_only_be_restored_closed() -> None:
    assert plan(None, image(tcp_close=True)).options == {"tcp_close": True}
    assert "only be restored closed" in plan(None, image(tcp_close=True), policy=Policy.KEEP).obstacles[0]


PAIR = replace(LOCK, backend=Backend.IPTABLES_NFT, family="ip", run_id_prefix=None)


@pytest.mark.parametrize(
    ("locks", "words", "warned"),
    [
        ((), "no lock", False),
        ((LOCK,), "its lock is lifted", False),
        ((PAIR,), "its iptables lock stays", True),
        ((replace(PAIR, scope=LockScope.NAMESPACE, connections=()),), "its lock is lifted", False),
        ((replace(PAIR, netns=HOST_NET),), "no lock", False),
    ],
    ids=["none", "nftables", "iptables", "whole namespace", "elsewhere"],
)
def test_what_becomes_of_the_lock_of_connections_that_are_closed(
    locks: tuple[Lock, ...], words: str, warned: bool
) -> None:
    made = plan(here(locks=locks), policy=Policy.CLOSE)
    assert made.title == f"Restore server 4645: 1 connection closed, {words}"
    assert any("does not lift iptables rules" in each for each in made.warnings) is warned


def test_options_of_the_dump_are_carried_over() -> None:
    note = replace(NOTE, options={"tcp_established": True, "file_locks": True, "leave_running": True})
    assert plan(note=note).options == {"tcp_established": True, "file_locks": True}


def test_a_terminal_needs_a_terminal() -> None:
    assert "criu restore --shell-job" in plan(note=replace(NOTE, terminal=True)).obstacles[0]


def test_a_namespace_that_is_gone() -> None:
    made = plan(netns=Gap("namespaces", "it is gone", "make one"))
    assert made.obstacles[0] == "it is gone; make one"


def test_without_a_note_it_goes_into_our_own_namespace() -> None:
    made = plan(here(locks=(replace(LOCK, netns=HOST_NET),)), note=None, netns=None)
    assert made.netns == HOST_NET
    assert "not known" in made.notes[0]


def test_a_slow_lock_method_of_the_images() -> None:
    sockets = tuple(image_socket(Connection(CONNECTION.local, Endpoint("10.0.0.1", 1000 + n))) for n in range(300))
    made = plan(here(locks=()), image(lock_method="iptables", sockets=sockets))
    assert any("locked by iptables" in each for each in made.warnings)
