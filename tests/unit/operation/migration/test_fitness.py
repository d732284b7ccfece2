"""What cannot move is said by either half before anything is frozen."""

import json
from dataclasses import replace

from tests.unit.operation.builders import CONNECTION, NET, SERVER, evidence, host, process, socket
from workbench.evidence import (
    Address,
    Connection,
    CriuTool,
    Endpoint,
    Evidence,
    Holder,
    Link,
    Network,
    Route,
    TcpState,
)
from workbench.operation.migration.fitness import judge
from workbench.operation.migration.offer import File, Offer, make_offer, offer_from, source_obstacles, source_warnings

NETWORK = Network(
    (Link(NET, 2, "eth0", "veth", True, 1500),),
    (Address(NET, "eth0", "10.0.0.12", 24, "global"),),
    (Route(NET, "10.0.0.0/24", None, "eth0"),),
)
ROOM = 1 << 40


def offer(**changes: object) -> Offer:
    made = make_offer(
        evidence(network=source_network()), [process()], (CONNECTION,), {"tcp_established": True}, 8 << 20
    )
    return replace(made, **{"pids_namespace": 1, "files": (), **changes})  # type: ignore[arg-type]


def source_network(*more: Address) -> Network:
    address = Address(NET, "eth0", "10.0.0.2", 32, "global")
    return Network((Link(NET, 2, "eth0", "veth", True, 1500),), (*more, address), ())


def destination(**changes: object) -> Evidence:
    return evidence(process(77, command="other"), **{"network": NETWORK, "sockets": (), **changes})


def obstacles(of: Offer, there: Evidence | None = None, **more: object) -> str:
    known = {"room_bytes": ROOM, **more}
    return "\n".join(judge(of, there or destination(), NET, **known).obstacles)  # type: ignore[arg-type]


def test_the_offer_comes_through_the_stream_unchanged() -> None:
    made = offer()
    assert offer_from(json.loads(json.dumps(made.record()))) == made


def test_what_fits_is_taken_with_its_address_on_the_interface_of_its_network() -> None:
    found = judge(offer(), destination(), NET, room_bytes=ROOM)
    assert found.obstacles == ()
    assert [(each.interface, each.address, each.prefix) for each in found.addresses] == [("eth0", "10.0.0.2", 32)]


def test_pids_that_are_taken_or_shared() -> None:
    taken = destination(processes={SERVER: process(SERVER, command="cron")})
    assert "Pid 4645 is taken at the destination by cron 4645" in obstacles(offer(), taken)
    here = make_offer(evidence(), [process()], (), {}, 0)
    assert "share their process ids" in obstacles(here)


def test_an_address_that_cannot_come() -> None:
    there = Address(NET, "eth0", "10.0.0.2", 24, "global")
    assert "is at the destination already" in obstacles(offer(), destination_with(addresses=(there,)))
    assert "No interface of the destination fits" in obstacles(offer(), destination_with(addresses=(), routes=()))
    assert "MTU 1400" in obstacles(offer(), destination_with(links=(Link(NET, 2, "eth0", "veth", True, 1400),)))
    assert "is down" in obstacles(offer(), destination_with(links=(Link(NET, 2, "eth0", "veth", False, 1500),)))
    assert "has no route to 10.0.0.1" in obstacles(offer(), destination_with(routes=()))


def destination_with(**parts: object) -> Evidence:
    network = replace(NETWORK, **parts)  # type: ignore[arg-type]
    return evidence(process(77, command="other"), network=network, sockets=())


def test_a_machine_that_is_not_like_the_source() -> None:
    old = destination(host=host(criu=CriuTool("/opt/criu", "4.1", True, "path")))
    assert "the destination has 4.1" in obstacles(offer(criu="4.2.1"), old)
    assert "lacks amx_tile" in obstacles(offer(features=("amx_tile_of_another",)))
    assert "and the destination is" in obstacles(offer(machine="riscv64"))


def test_files_that_are_missing_or_differ() -> None:
    files = (File("/nowhere/at/all", 1, False), File("/etc/passwd", 1, False), File("/etc/group", 1, True))
    said = obstacles(offer(files=files))
    assert "/nowhere/at/all is missing" in said
    assert "/etc/passwd has" in said
    assert "/etc/group" not in said, "a file that is written may grow until the dump"


def test_too_little_room_and_a_connection_that_is_there() -> None:
    assert "MiB are free" in obstacles(offer(), room_bytes=1 << 20)
    twin = evidence(network=NETWORK, processes={}, sockets=(socket(),))
    assert "is at the destination already" in obstacles(offer(), twin)


def test_the_source_names_what_it_cannot_let_go() -> None:
    first = Address(NET, "eth0", "10.0.0.2", 24, "global")
    second = Address(NET, "eth0", "10.0.0.3", 24, "global")
    network = Network((), (first, second), ())
    (said,) = source_obstacles(offer(), evidence(network=network), frozenset())
    assert "takes 10.0.0.3 along" in said
    loopback = Connection(Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2))
    kept = offer(connections=(loopback,))
    (said,) = source_obstacles(kept, evidence(network=source_network()), frozenset())
    assert "stays on this host" in said
    both = offer(connections=(loopback, loopback.reversed))
    assert not [*source_obstacles(both, evidence(network=source_network()), frozenset())]


def test_the_stream_must_not_come_from_the_address_that_moves() -> None:
    carrier = socket(Connection(Endpoint("10.0.0.2", 40000), Endpoint("10.0.0.9", 22)), holders=(Holder(55, 3, "ssh"),))
    seen = evidence(network=source_network(), sockets=(socket(), carrier))
    (said,) = source_obstacles(offer(), seen, frozenset({55}))
    assert "ssh -b" in said
    assert not [*source_obstacles(offer(), seen, frozenset({56}))]


def test_others_of_the_address_are_named() -> None:
    other = socket(Connection(Endpoint("10.0.0.2", 9000), Endpoint("10.0.0.7", 1)), TcpState.ESTABLISHED, pid=9)
    (said,) = source_warnings(offer(), evidence(network=source_network(), sockets=(socket(), other)))
    assert "it will be cut off" in said
