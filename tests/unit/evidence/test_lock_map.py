"""What a lock belongs to and what that means."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.evidence import (
    Address,
    Connection,
    Endpoint,
    Evidence,
    Gap,
    Holder,
    ImageDirectory,
    ImageSocket,
    ImageTask,
    Lock,
    Namespaces,
    Network,
    Process,
    Sequences,
    Socket,
    TcpState,
    UnfinishedOperation,
)
from workbench.evidence.lock_map import LockUse, map_locks
from workbench.evidence.lock_status import LockStatus
from workbench.read.netfilter_dump import read_netfilter_dump

RECORDINGS = Path(__file__).parents[3] / "fixtures/recordings/netfilter"
RUN_ID = "660e2a43-99b0-4c54-a4de-0123456789ab"
NETNS = 4026532180
V4 = Connection(Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.1", 56692))
V4_OTHER = Connection(Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.9", 40112))
V6 = Connection(Endpoint("fd00::2", 7022), Endpoint("fd00::1", 56692))
TABLE, PAIRS, HALVES, CHAIN = "table.nft", "pairs.iptables-nft-save", "halves.iptables-nft-save", "chain.nft"


def locks(name: str) -> tuple[Lock, ...]:
    return read_netfilter_dump((RECORDINGS / name).read_text(), NETNS).locks


def socket(connection: Connection, cookie: int = 1, state: TcpState = TcpState.ESTABLISHED, **more: Any) -> Socket:
    family = 10 if ":" in connection.local.address else 2
    holders = (Holder(4645, 3, "server"),)
    return replace(
        Socket(NETNS, family, state, connection.local, connection.peer, 99, cookie, 0, 0, 0, holders=holders), **more
    )


def image(*connections: Connection, **more: Any) -> ImageDirectory:
    sockets = tuple(ImageSocket(n, 2, TcpState.ESTABLISHED, each, ()) for n, each in enumerate(connections))
    tasks = (ImageTask(4645, 1, "server", 1),)
    return replace(ImageDirectory("./img", True, 1, 1.0, tasks, sockets, RUN_ID, "nftables"), **more)


def operation(*connections: Connection, **more: Any) -> UnfinishedOperation:
    begun = UnfinishedOperation(
        "a1", "dump", 1.0, "locked", 4645, "server", NETNS, "./img", connections, False, False
    )  # fmt: skip
    return replace(begun, **more)


def process(command: str, *argv: str, pid: int = 77) -> Process:
    return Process(pid, 1, 1, command, argv, 0, "root", "S", 1, pid, pid, 0, Namespaces(net=NETNS))


def evidence(name: str, **sections: Any) -> Evidence:
    found: dict[str, Any] = {"sockets": (), "images": (), "unfinished": (), "processes": {}, "sequences": {}}
    return Evidence(1.0, 1, ("test",), locks=locks(name), **(found | sections))


def use(name: str, **sections: Any) -> LockUse:
    return map_locks(evidence(name, **sections))[0]


@pytest.mark.parametrize("name", [TABLE, PAIRS, "chain.iptables-nft-save", "table-closed.nft"])
@pytest.mark.parametrize("alive", ["criu_alive", "workbench_alive"])
def test_held_by_an_operation_that_runs(name: str, alive: str) -> None:
    found = use(name, unfinished=(operation(V4, **{alive: True}),), sockets=(socket(V4),))
    assert found.status is LockStatus.HELD
    assert found.operation is not None
    assert not found.liftable


def test_another_namespaces_operation_does_not_hold_it() -> None:
    assert use(PAIRS, unfinished=(operation(V4, netns=1, criu_alive=True),)).status is LockStatus.ORPHAN
    assert use(PAIRS, unfinished=(operation(V4_OTHER, criu_alive=True),)).status is LockStatus.ORPHAN


def test_a_running_criu_may_hold_it_but_a_service_does_not() -> None:
    working = {77: process("criu", "criu", "dump", "-t", "4645")}
    assert use(TABLE, processes=working, sockets=(socket(V4),)).status is LockStatus.HELD
    waiting = {77: process("criu", "criu", "service"), 78: replace(process("criu", "criu"), state="Z")}
    assert use(TABLE, processes=waiting, sockets=(socket(V4),)).status is LockStatus.LEAK


@pytest.mark.parametrize("name", [TABLE, PAIRS])
def test_needed_by_images_whose_process_is_gone(name: str) -> None:
    method = "nftables" if name == TABLE else "iptables"
    found = use(name, images=(image(V4, lock_method=method),))
    assert found.status is LockStatus.NEEDED
    assert found.image is not None
    assert V4 in found.connections
    assert not found.liftable


def test_images_are_found_by_run_id_before_anything_else() -> None:
    other = image(V4, run_id="ffffffff-99b0-4c54-a4de-0123456789ab", path="./other")
    assert use(TABLE, images=(other,)).status is LockStatus.ORPHAN
    assert use(TABLE, images=(other, image(path="./right"))).image == image(path="./right")


def test_images_of_a_table_named_by_pid() -> None:
    old = image(V4, run_id=None)
    assert use("table-by-pid.nft", images=(image(V4),)).status is LockStatus.ORPHAN
    assert use("table-by-pid.nft", images=(image(V4), old)).image == old


def test_a_copy_that_is_newer_is_preferred_and_a_complete_one_before_that() -> None:
    first, newer, broken = image(V4), image(V4, modified=2.0), image(V4, modified=3.0, complete=False)
    assert use(TABLE, images=(first, newer, broken)).image == newer


def test_images_of_the_operation_that_made_the_lock() -> None:
    found = use("chain.nft", unfinished=(operation(V4),), images=(image(V4, run_id=None, lock_method="iptables"),))
    assert found.image is not None
    assert found.status is LockStatus.NEEDED


@pytest.mark.parametrize("name", [TABLE, PAIRS, HALVES])
def test_a_live_socket_is_hurt(name: str) -> None:
    owner = {4645: process("server", pid=4645)}
    found = use(name, sockets=(socket(V4),), processes=owner, images=(image(V4, lock_method="iptables"),))
    assert found.status is LockStatus.LEAK
    assert [each.connection for each in found.sockets] == [V4]
    assert [each.pid for each in found.processes] == [4645]
    assert "server 4645" in found.sentence
    assert ("one direction" in found.sentence) is (name == HALVES)
    assert found.liftable


def test_an_ipv4_mapped_socket_is_hurt_by_an_ipv4_rule() -> None:
    mapped = Connection(Endpoint("::ffff:10.0.0.2", 7022), Endpoint("::ffff:10.0.0.1", 56692))
    for name in (TABLE, PAIRS):
        found = use(name, sockets=(socket(mapped),))
        assert found.status is LockStatus.LEAK
        assert found.sockets[0].connection == mapped
        assert V4 in found.connections


@pytest.mark.parametrize("state", [TcpState.LISTEN, TcpState.TIME_WAIT, TcpState.CLOSE])
def test_sockets_that_a_lock_cannot_hurt(state: TcpState) -> None:
    assert use(PAIRS, sockets=(socket(V4, state=state),)).status is LockStatus.ORPHAN


def test_a_socket_of_another_namespace_is_not_hurt() -> None:
    assert use(PAIRS, sockets=(socket(V4, netns=1),)).status is LockStatus.ORPHAN


def test_the_peer_of_a_dumped_end_is_not_hurt_but_kept_waiting() -> None:
    for name, method in ((TABLE, "nftables"), (PAIRS, "iptables")):
        found = use(name, sockets=(socket(V4.reversed),), images=(image(V4, lock_method=method),))
        assert found.status is LockStatus.NEEDED
        assert found.sockets == ()


def test_without_images_a_peer_on_this_host_leaves_a_doubt() -> None:
    here = Network((), (Address(NETNS, "eth0", "10.0.0.1", 24, "global"),), ())
    found = use(TABLE, sockets=(socket(V4),), network=here)
    assert found.status is LockStatus.UNCLEAR
    both = use(TABLE, sockets=(socket(V4, 1), socket(V4.reversed, 2)), network=here)
    assert both.status is LockStatus.LEAK
    assert {V4, V4.reversed} <= set(both.connections)


def test_without_anything_alive_the_end_with_our_address_is_the_locked_one() -> None:
    here = Network((), tuple(Address(NETNS, "eth0", each, 24, "global") for each in ("10.0.0.2", "fd00::2")), ())
    assert set(use(TABLE, network=here).connections) == {V4, V4_OTHER, V6}


def test_a_socket_in_repair_mode_is_stuck() -> None:
    stuck = {1: Sequences(1, 1, 1, 1, 1, repair=True)}
    found = use(TABLE, sockets=(socket(V4),), sequences=stuck, images=(image(V4),))
    assert found.status is LockStatus.STUCK
    assert not found.liftable
    running = {1: Sequences(1, 1, 1, 1, 1, repair=False)}
    assert use(TABLE, sockets=(socket(V4),), sequences=running).status is LockStatus.LEAK


def test_half_a_lock() -> None:
    assert use(HALVES).status is LockStatus.HALF
    assert "output is open" in use(HALVES).sentence
    assert use(HALVES, images=(image(V4, lock_method="iptables"),)).status is LockStatus.HALF
    assert use("chain-without-jumps.nft", sockets=(socket(V4),)).status is LockStatus.HALF


def test_a_whole_namespace() -> None:
    live = (socket(V4, 1), socket(V6, 2))
    found = use("table-closed.nft", sockets=live)
    assert found.status is LockStatus.LEAK
    assert found.sockets == live
    assert "and 1 more" in found.sentence
    waiting = image(V4_OTHER, dumps_netns=True)
    assert use("table-closed.nft", sockets=live, images=(waiting,)).status is LockStatus.NEEDED
    restored = image(V4, dumps_netns=True)
    assert use("table-closed.nft", sockets=live, images=(restored,)).status is LockStatus.LEAK


def test_a_chain_fits_images_of_a_whole_namespace_that_had_its_address() -> None:
    waiting = image(V4_OTHER, dumps_netns=True, lock_method="iptables")
    here = Network((), (Address(NETNS, "eth0", "10.0.0.2", 24, "global"),), ())
    elsewhere = Network((), (Address(NETNS, "eth0", "10.0.0.3", 24, "global"),), ())
    live = (socket(V6),)
    assert use(CHAIN, sockets=live, images=(waiting,)).status is LockStatus.NEEDED
    assert use(CHAIN, sockets=live, images=(waiting,), network=here).status is LockStatus.NEEDED
    assert use(CHAIN, sockets=live, images=(waiting,), network=elsewhere).status is LockStatus.LEAK
    assert use(CHAIN, sockets=live, images=(replace(waiting, dumps_netns=False),)).status is LockStatus.LEAK
    assert use(CHAIN, sockets=live, images=Gap("images", "no")).status is LockStatus.UNCLEAR


def test_a_dump_that_did_not_end_needs_no_lock() -> None:
    found = use(TABLE, images=(image(V4, complete=False),))
    assert found.status is LockStatus.ORPHAN
    assert "did not end" in found.sentence


def test_what_could_not_be_read_makes_it_unclear() -> None:
    assert use(TABLE, sockets=Gap("sockets", "no")).status is LockStatus.UNCLEAR
    assert use(TABLE, images=Gap("images", "no")).status is LockStatus.UNCLEAR
    assert use(TABLE, images=Gap("images", "no"), sockets=(socket(V4),)).status is LockStatus.LEAK
    assert use(TABLE, unfinished=(operation(V4),)).status is LockStatus.UNCLEAR


@pytest.mark.parametrize(
    ("name", "netns", "target", "status"),
    [
        (TABLE, NETNS, Namespaces(net=1, pid=5), LockStatus.HELD),
        (TABLE, 1, Namespaces(net=NETNS, pid=5), LockStatus.ORPHAN),  # single connections are locked from within
        (CHAIN, 1, Namespaces(net=NETNS, pid=5), LockStatus.HELD),
        (CHAIN, 1, Namespaces(net=2, pid=5), LockStatus.ORPHAN),  # its target lives elsewhere
        (CHAIN, 1, Namespaces(net=2, pid=6), LockStatus.HELD),  # a pid of another pid namespace says nothing
        (CHAIN, 1, Namespaces(pid=5), LockStatus.HELD),
    ],
)
@pytest.mark.parametrize(
    "argv", [("criu", "dump", "-t", "50"), ("criu: dump --rpc -t 50",), ("criu", "--tree=50"), ("criu", "dump", "-t50")]
)
def test_a_criu_holds_what_it_can_have_locked(
    name: str, netns: int, target: Namespaces, status: LockStatus, argv: tuple[str, ...]
) -> None:
    criu = replace(process("criu", *argv), namespaces=Namespaces(net=netns, pid=5))
    server = replace(process("server", pid=50), namespaces=target)
    assert use(name, processes={77: criu, 50: server}).status is status


def test_a_criu_of_which_nothing_is_known_may_hold_all() -> None:
    criu = replace(process("criu", "criu", "restore", "-d"), namespaces=Namespaces())
    assert use(CHAIN, processes={77: criu}).status is LockStatus.HELD
    assert use(TABLE, processes={77: criu}).status is LockStatus.HELD


@pytest.mark.parametrize(
    ("argv", "status"),
    [
        (("criu", "restore", "-d"), LockStatus.ORPHAN),
        (("criu: restore --rpc",), LockStatus.ORPHAN),
        (("criu", "swrk", "3"), LockStatus.ORPHAN),
    ],
)
def test_what_is_restored_elsewhere_needs_no_lock_here(argv: tuple[str, ...], status: LockStatus) -> None:
    criu = replace(process("criu", *argv), namespaces=Namespaces(net=1, pid=5))
    restored = replace(process("server", pid=50), ppid=77, namespaces=Namespaces(net=2, pid=5))
    child = replace(restored, pid=51, ppid=50)
    bystander = replace(restored, pid=60, ppid=1, namespaces=Namespaces(net=NETNS, pid=5))
    running = {each.pid: each for each in (criu, restored, child, bystander)}
    assert use(CHAIN, processes=running).status is status
    here = replace(restored, namespaces=Namespaces(net=NETNS, pid=5))
    assert use(CHAIN, processes=running | {50: here}).status is LockStatus.HELD
    assert use(CHAIN, processes={77: criu, 60: bystander}).status is LockStatus.HELD  # nothing is restored yet


def test_where_nobody_lives_nothing_is_dumped() -> None:
    asked = replace(process("criu", "criu", "swrk", "3"), namespaces=Namespaces(net=1, pid=5))
    assert use(CHAIN, processes={77: asked}).status is LockStatus.ORPHAN
    told = replace(asked, argv=("criu: restore --rpc",))
    assert use(CHAIN, processes={77: told}).status is LockStatus.HELD
    at_home = replace(process("server", pid=50), ppid=77, namespaces=Namespaces(net=1, pid=5))
    assert use(CHAIN, processes={77: told, 50: at_home}).status is LockStatus.ORPHAN


def test_a_criu_in_a_container_holds_nothing_outside_of_it() -> None:
    criu = replace(process("criu", "criu", "dump", "-t", "9"), namespaces=Namespaces(net=2, pid=6))
    outside = replace(process("server", pid=50), namespaces=Namespaces(net=NETNS, pid=5))
    nested = replace(process("server", pid=51), ppid=77, namespaces=Namespaces(net=NETNS, pid=7))
    assert use(CHAIN, processes={77: criu, 50: outside}).status is LockStatus.ORPHAN
    assert use(CHAIN, processes={77: criu, 50: outside, 51: nested}).status is LockStatus.HELD


@pytest.mark.parametrize("command", ["lazy-pages", "page-server", "pre-dump", "check", "feature-check"])
def test_commands_that_lock_nothing(command: str) -> None:
    criu = process("criu", "criu", command, "-D", "images")
    assert use(CHAIN, processes={77: criu}).status is LockStatus.ORPHAN
    named = process("criu", "criu", "dump", "-D", command)
    assert use(CHAIN, processes={77: named}).status is LockStatus.HELD


def test_no_locks() -> None:
    assert map_locks(replace(evidence(TABLE), locks=())) == ()
    assert map_locks(replace(evidence(TABLE), locks=Gap("locks", "no"))) == ()
