"""Checks of image directories, alone and before a restore on this host."""

from dataclasses import replace

from tests.unit.checks.made import (
    HOST,
    IMAGE,
    IMAGE_SOCKET,
    LINE,
    LISTENER,
    NETNS,
    PAIR,
    RESTORE,
    SEQUENCES,
    SOCKET,
    TARGET,
    ask,
    host,
    one,
    only,
    rules,
)
from workbench.checking import Severity
from workbench.checking.landing import Landing, landing
from workbench.evidence import (
    Address,
    Connection,
    Endpoint,
    Evidence,
    FileStatus,
    Gap,
    ImageFile,
    ImageTask,
    Link,
    Network,
    RestoreStats,
    Route,
    TcpState,
)

HERE = Network(
    links=(Link(NETNS, 1, "lo", None, True, 65536), Link(NETNS, 2, "eth0", None, True, 1500)),
    addresses=(Address(NETNS, "eth0", "10.0.0.2", 24, "global"),),
    routes=(),
)
LISTENING = replace(
    IMAGE_SOCKET,
    state=TcpState.LISTEN,
    connection=Connection(LINE.local, Endpoint("0.0.0.0", 0)),
    sequences=None,
)
PEER = replace(SOCKET, local=LINE.peer, peer=LINE.local, cookie=9)


def test_a_dump_that_did_not_end() -> None:
    assert one("IMG001", only(images=(replace(IMAGE, complete=False),))).severity is Severity.ERROR
    assert ask("IMG001", only(images=(IMAGE,))) == []


def test_damage_and_old_files() -> None:
    broken = replace(IMAGE, problems=("tcp-stream-2bc.img is truncated.", "core-51.img is missing"))
    finding = one("IMG002", only(images=(broken,)))
    assert finding.severity is Severity.ERROR
    assert "1 more problem" in finding.problem.message
    stale = replace(IMAGE, problems=("tcp-stream-1.img belongs to no socket of this dump: left from an earlier one",))
    assert one("IMG002", only(images=(stale,))).severity is Severity.NOTE
    assert ask("IMG002", only(images=(IMAGE,))) == []


def test_an_odd_timestamp() -> None:
    trapped = replace(IMAGE, sockets=(replace(IMAGE_SOCKET, timestamp=1001),))
    assert one("IMG003", only(images=(trapped,))).severity is Severity.WARNING
    assert ask("IMG003", host(images=(trapped,), host=replace(HOST, kernel_release="6.1.0"))) == []
    meant = replace(IMAGE, sockets=(replace(IMAGE_SOCKET, timestamp=1001, options=7 | 64),))
    assert ask("IMG003", only(images=(meant, IMAGE))) == []


def test_an_address_that_is_not_here() -> None:
    finding = one("IMG004", host(images=(IMAGE,), target=RESTORE))
    assert "10.0.0.2" in finding.problem.message
    assert ask("IMG004", host(images=(IMAGE,), network=HERE, target=RESTORE)) == []


def test_images_that_bring_their_network_namespace_land_nowhere() -> None:
    assert isinstance(landing(host(images=(IMAGE,), target=RESTORE)), Landing)
    assert isinstance(landing(host(images=(replace(IMAGE, dumps_netns=True),), target=RESTORE)), Gap)
    assert isinstance(landing(host(images=(IMAGE,), target=TARGET)), Gap)
    assert isinstance(landing(host(images=(IMAGE,), target=RESTORE, namespaces=Gap("namespaces", "gone"))), Gap)
    asked = replace(RESTORE, netns=NETNS)
    assert isinstance(landing(host(images=(IMAGE,), target=asked, namespaces=Gap("namespaces", "gone"))), Landing)
    anywhere = replace(LISTENING, connection=Connection(Endpoint("::", 80), Endpoint("::", 0)))
    assert ask("IMG004", host(images=(replace(IMAGE, sockets=(anywhere,)),), target=RESTORE)) == []


def test_a_tentative_address() -> None:
    six = replace(IMAGE_SOCKET, connection=Connection(Endpoint("fd00::2", 80), Endpoint("fd00::1", 5000)))
    image = replace(IMAGE, sockets=(six,))
    address = Address(NETNS, "eth0", "fd00::2", 64, "global", tentative=True)
    assert one(
        "IMG005", host(images=(image,), network=replace(HERE, addresses=(address,)), target=RESTORE)
    ).problem.fixes
    ready = replace(HERE, addresses=(replace(address, tentative=False),))
    assert ask("IMG005", host(images=(image,), network=ready, target=RESTORE)) == []


def test_the_connection_exists_already() -> None:
    assert "server 50 fd 4" in one("IMG006", host(images=(IMAGE,), target=RESTORE)).problem.message
    leftover = replace(SOCKET, state=TcpState.TIME_WAIT, holders=())
    assert ask("IMG006", host(images=(IMAGE,), sockets=(leftover, LISTENER, PEER), target=RESTORE)) == []


def test_the_port_is_taken() -> None:
    image = replace(IMAGE, sockets=(LISTENING,))
    assert one("IMG007", host(images=(image,), target=RESTORE)).severity is Severity.ERROR
    assert one("IMG007", host(
        images=(image,), sockets=(replace(LISTENER, local=Endpoint("0.0.0.0", 7022)),), target=RESTORE
    )).problem.fixes  # fmt: skip
    other = replace(LISTENER, local=Endpoint("10.0.0.3", 7022))
    assert ask("IMG007", host(images=(image,), sockets=(other,), target=RESTORE)) == []
    assert ask("IMG007", host(images=(IMAGE,), target=RESTORE)) == []


def test_a_peer_that_went_on() -> None:
    def peer(rcv_nxt: int, snd_una: int) -> dict[int, object]:
        return {9: replace(SEQUENCES, rcv_nxt=rcv_nxt, snd_una=snd_una, snd_nxt=snd_una)}

    def evidence(rcv_nxt: int, snd_una: int) -> object:
        return host(images=(IMAGE,), sockets=(PEER,), sequences=peer(rcv_nxt, snd_una), target=RESTORE)

    assert "500 bytes more" in one("IMG008", evidence(1500, 2000)).problem.message  # type: ignore[arg-type]
    assert one("IMG008", evidence(1000, 2100)).problem.fixes  # type: ignore[arg-type]
    assert ask("IMG008", evidence(1000, 2000)) == []  # type: ignore[arg-type]
    assert ask("IMG008", evidence(900, 1900)) == []  # type: ignore[arg-type]


def test_a_lock_that_is_gone() -> None:
    assert one("IMG009", host(images=(IMAGE,), target=RESTORE)).severity is Severity.WARNING
    assert ask("IMG009", host(**rules(PAIR), images=(IMAGE,), target=RESTORE)) == []
    assert ask("IMG009", host(images=(replace(IMAGE, lock_method="skip"),), target=RESTORE)) == []
    assert ask("IMG009", host(images=(replace(IMAGE, tcp_close=True),), target=RESTORE)) == []


def test_a_port_that_a_connection_holds() -> None:
    image = replace(IMAGE, sockets=(LISTENING,))
    outgoing = replace(SOCKET, peer=Endpoint("10.0.0.9", 80))
    assert one("IMG011", host(images=(image,), sockets=(outgoing,), target=RESTORE)).severity is Severity.WARNING
    leftover = replace(SOCKET, state=TcpState.TIME_WAIT, holders=(), timer_ms=42_500)
    finding = one("IMG011", host(images=(image,), sockets=(leftover,), target=RESTORE))
    assert "42 s" in finding.problem.message
    assert finding.problem.facts["time_wait_s"] == 42
    other = replace(outgoing, local=Endpoint("10.0.0.3", 7022))
    assert ask("IMG011", host(images=(image,), sockets=(other, LISTENER), target=RESTORE)) == []
    assert ask("IMG011", host(images=(IMAGE,), sockets=(outgoing,), target=RESTORE)) == []


def test_a_peer_without_a_route() -> None:
    def routed(*routes: Route, links: tuple[Link, ...] = HERE.links) -> Evidence:
        alone = (Address(NETNS, "eth0", "10.0.0.2", 32, "global"),)
        return host(images=(IMAGE,), network=Network(links, alone, routes), target=RESTORE)

    assert ask("IMG012", host(images=(IMAGE,), network=HERE, target=RESTORE)) == []
    assert "10.0.0.1" in one("IMG012", routed()).problem.message
    subnet = Route(NETNS, "10.0.0.0/24", None, "eth0")
    assert ask("IMG012", routed(subnet)) == []
    assert ask("IMG012", routed(Route(NETNS, "default", "10.0.0.254", "eth0"))) == []
    one("IMG012", routed(Route(NETNS, "default", "fe80::1", "eth0"), replace(subnet, destination="10.1.0.0/16")))
    one("IMG012", routed(subnet, links=(Link(NETNS, 2, "eth0", None, False, 1500),)))
    same_host = replace(HERE, addresses=(*HERE.addresses, Address(NETNS, "lo", "10.0.0.1", 32, "global")))
    assert ask("IMG012", host(images=(IMAGE,), network=same_host, target=RESTORE)) == []


def test_images_that_were_restored_before() -> None:
    used = replace(IMAGE, restore_stats=RestoreStats(1, 1, 1))
    assert one("IMG013", host(images=(used,), target=RESTORE)).severity is Severity.WARNING
    assert ask("IMG013", host(images=(IMAGE,), target=RESTORE)) == []
    assert ask("IMG013", host(images=(replace(used, sockets=(LISTENING,)),), target=RESTORE)) == []


def test_a_device_that_is_not_here() -> None:
    def bound(name: str) -> Evidence:
        socket = replace(LISTENING, socket_options={"SO_BINDTODEVICE": name})
        return host(images=(replace(IMAGE, sockets=(socket,)),), network=HERE, target=RESTORE)

    assert "ens3" in one("IMG014", bound("ens3")).problem.message
    assert ask("IMG014", bound("eth0")) == []


def test_a_link_that_carries_less() -> None:
    def agreed(mss: int | None) -> Evidence:
        image = replace(IMAGE, sockets=(replace(IMAGE_SOCKET, mss_clamp=mss),))
        return host(images=(image,), network=HERE, target=RESTORE)

    finding = one("IMG015", agreed(1461))
    assert (finding.problem.facts["mtu"], finding.problem.facts["agreed"]) == (1500, 1501)
    assert ask("IMG015", agreed(1460)) == []
    assert ask("IMG015", agreed(None)) == []


def test_link_local_addresses_in_images() -> None:
    local = Connection(Endpoint("fe80::2", 80), Endpoint("fe80::1", 5000))
    image = replace(IMAGE, sockets=(replace(IMAGE_SOCKET, family=10, connection=local),))
    assert one("IMG016", only(images=(image,))).severity is Severity.ERROR
    assert ask("IMG016", only(images=(replace(image, tcp_close=True),))) == []
    assert ask("IMG016", only(images=(IMAGE,))) == []


def test_a_file_that_is_not_as_it_was() -> None:
    files = (ImageFile("/var/log/app.log", 100, 0o100644), ImageFile("/dev/null", None, 0o20666), ImageFile("gone", 1))

    def now(log: FileStatus, **changes: object) -> Evidence:
        image = replace(IMAGE, files=files, **changes)  # type: ignore[arg-type]
        found = {"/var/log/app.log": log, "/dev/null": FileStatus(True, 0, 0o20666)}
        return host(images=(image,), files=found, target=RESTORE)

    grown = one("IMG017", now(FileStatus(True, 150, 0o100644)))
    assert grown.problem.fixes[0].command == ("truncate", "-s", "100", "/var/log/app.log")
    assert "not there" in one("IMG017", now(FileStatus(False))).problem.message
    assert "mode" in one("IMG017", now(FileStatus(True, 100, 0o100600))).problem.message
    assert one("IMG017", now(FileStatus(True, 50, 0o100644))).problem.fixes[0].command == ()
    assert ask("IMG017", now(FileStatus(True, 100, 0o100644))) == []
    assert ask("IMG017", now(FileStatus(False), tasks=(ImageTask(1, 0, "init", 1),))) == []


def test_images_whose_connections_come_back_closed() -> None:
    assert one("IMG010", only(images=(replace(IMAGE, tcp_close=True),))).severity is Severity.NOTE
    assert ask("IMG010", only(images=(IMAGE,))) == []
