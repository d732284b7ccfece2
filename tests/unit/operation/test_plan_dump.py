"""Plans of dumps from evidence made by hand: what stands in the way is named, all of it at once."""

from typing import Any

import pytest

from tests.unit.operation.builders import (
    CONNECTION,
    HOST_NET,
    INSIDE,
    LISTENING,
    NET,
    OWN,
    SERVER,
    WORKBENCH,
    descriptor,
    evidence,
    host,
    process,
    socket,
)
from workbench.evidence import (
    Backend,
    Connection,
    Container,
    CriuTool,
    DescriptorKind,
    Endpoint,
    Evidence,
    Gap,
    Holder,
    Lock,
    LockScope,
    Namespaces,
    NetworkNamespace,
    TcpState,
    UnfinishedOperation,
)
from workbench.operation.place import Place
from workbench.operation.plan import Plan
from workbench.operation.plan_dump import plan_dump
from workbench.operation.request import DumpRequest, LockMethod, Policy

PLACE = Place("/images", 1 << 40)


def plan(seen: Evidence | None = None, place: Place = PLACE, pid: int = SERVER, **more: Any) -> Plan:
    return plan_dump(seen or evidence(), DumpRequest(pid, "/images", **more), place, WORKBENCH)


def test_a_plain_server() -> None:
    made = plan()
    assert made.obstacles == ()
    assert made.warnings == ()
    assert made.title == "Dump server 4645: 1 connection kept, nftables lock"
    assert made.connections == (CONNECTION,)
    assert made.command == (
        "nsenter", "--net=/run/netns/app", "/opt/criu", "dump", "-t", "4645", "-D", "/images", "--tcp-established",
        "--network-lock", "nftables", "-v4", "-o", "dump.log",
    )  # fmt: skip
    assert made.options == {"tcp_established": True, "network_lock": "NFTABLES"}
    assert (made.netns, made.root_pid, made.start_time) == (NET, SERVER, SERVER * 10)
    assert made.space_bytes > 4 << 20
    assert made.confirmation == "4645"
    assert [fate.title.split()[-1] for fate in made.sockets] == ["LISTEN", "ESTABLISHED"]


def test_our_own_network_namespace_needs_no_nsenter() -> None:
    seen = evidence(process(namespaces=OWN), sockets=(socket(netns=HOST_NET),))
    assert plan(seen).command[0] == "/opt/criu"


@pytest.mark.parametrize(
    ("pid", "processes", "reason"),
    [
        (1, (), "cannot be dumped"),
        (0, (), "cannot be dumped"),
        (-1, (), "cannot be dumped"),
        (7, (), "There is no process 7"),
        (SERVER, (process(state="Z"),), "zombie"),
        (SERVER, (process(argv=(), exe=None),), "kernel thread"),
        (WORKBENCH, (), "the workbench itself"),
        (800, (process(800), process(WORKBENCH, 800, "workbench")), "ancestor of the workbench"),
    ],
)
def test_what_can_never_be_dumped(pid: int, processes: tuple[Any, ...], reason: str) -> None:
    made = plan(evidence(*processes), pid=pid)
    assert len(made.obstacles) == 1
    assert reason in made.obstacles[0]
    assert made.command == ()


def _other_namespace(kind: str) -> Namespaces:
    values = {name: getattr(INSIDE, name) for name in ("net", "mnt", "pid", "user", "uts", "ipc", "time", "cgroup")}
    return Namespaces(**{**values, kind: 99})


OBSTACLES: dict[str, tuple[dict[str, Any], str]] = {
    "no root": ({"host": host(uid=1000)}, "needs root"),
    "no criu": ({"host": host(criu=None)}, "No CRIU"),
    "criu fails": ({"host": host(criu=CriuTool("/c", "3.17", False, "path", "why"))}, "does not work here (why)"),
    "no nftables": ({"host": host(features={"nft_tables": False})}, "no nftables"),
    "io_uring": ({"descriptors": (descriptor(DescriptorKind.IO_URING),)}, "io_uring"),
    "mptcp": ({"sockets": (socket(mptcp=True, ulp="mptcp"),)}, "multipath"),
    "mptcp by descriptor": ({"descriptors": (descriptor(DescriptorKind.MPTCP, inode=5),)}, "multipath"),
    "tls": ({"sockets": (socket(ulp="tls"),)}, "queues would be wrong"),
    "sctp": ({"descriptors": (descriptor(DescriptorKind.SCTP, inode=5),)}, "SCTP"),
    "waiting in the accept queue": ({"sockets": (socket(LISTENING, TcpState.LISTEN, recv_q=2),)}, "not yet accepted"),
    "a device": ({"descriptors": (descriptor(DescriptorKind.DEVICE, "/dev/kvm"),)}, "/dev/kvm"),
    "a socket shared": (
        {"sockets": (socket(holders=(Holder(SERVER, 4, "server"), Holder(WORKBENCH, 5, "other"))),)},
        "dump the tree that all of them belong to",
    ),
    "lonely namespace": (
        {"namespaces": (NetworkNamespace(NET, "/proc/4645/ns/net", (), (SERVER,)),)}, "ip netns attach NAME 4645",
    ),
    "interrupted before": (
        {"unfinished": (UnfinishedOperation("i", "dump", 0, "frozen", SERVER, "c", NET, "/i", (), False, False),)},
        "workbench recover",
    ),
    "under way": (
        {"unfinished": (UnfinishedOperation("i", "dump", 0, "frozen", SERVER, "c", NET, "/i", (), True, True),)},
        "still under way",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", OBSTACLES)
def test_what_stands_in_the_way(name: str) -> None:
    more, reason = OBSTACLES[name]
    made = plan(evidence(**more))
    assert [reason in each for each in made.obstacles] == [True], made.obstacles


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"state": "t"}, "debugger"),
        ({"namespaces": _other_namespace("pid")}, "process namespace"),
        ({"namespaces": _other_namespace("user")}, "user namespace"),
    ],
)
def test_processes_that_criu_refuses(changed: dict[str, Any], reason: str) -> None:
    made = plan(evidence(process(**changed)))
    assert any(reason in each for each in made.obstacles)


def test_another_operation_stands_before_what_comes_of_it() -> None:
    held = UnfinishedOperation("i", "dump", 0, "frozen", SERVER, "c", NET, "/i", (), True, True)
    made = plan(evidence(process(state="t"), unfinished=(held,)))
    assert ["under way" in each for each in made.obstacles] == [True, False]


def test_another_user_needs_cap_sys_resource() -> None:
    worker = process(4646, SERVER, "worker", uid=33, uids=(33, 33, 33, 33), sid=SERVER)
    assert plan(evidence(process(), worker)).obstacles == ()
    made = plan(evidence(process(), worker, host=host(capabilities=frozenset())))
    assert any("worker 4646: it runs as another user" in each for each in made.obstacles)


def test_a_child_in_another_network_namespace() -> None:
    made = plan(evidence(process(), process(4646, SERVER, "worker", namespaces=OWN)))
    assert any("another network namespace" in each for each in made.obstacles)


def test_every_obstacle_is_named_at_once() -> None:
    seen = evidence(
        host=host(uid=1000),
        descriptors=(descriptor(DescriptorKind.IO_URING), descriptor(DescriptorKind.SCTP, inode=6, fd=10)),
        sockets=(socket(mptcp=True, ulp="mptcp"),),
    )
    assert len(plan(seen, Place("/images", 10)).obstacles) == 5


def test_too_little_room() -> None:
    assert "are free" in plan(place=Place("/images", 1 << 20)).obstacles[0]
    assert plan(place=Place("/images", 1 << 40, "/images is not empty")).obstacles == ("/images is not empty",)


def test_options_are_added_where_they_are_needed() -> None:
    seen = evidence(
        process(sid=300),
        descriptors=(
            descriptor(DescriptorKind.FILE, "/var/lock", locked=True),
            descriptor(DescriptorKind.UNIX, "socket:[1]", inode=1, peer_inode=2, peer_pids=(WORKBENCH,)),
        ),
    )
    made = plan(seen)
    assert {"file_locks", "shell_job", "ext_unix_sk"} <= made.options.keys()
    assert {"--file-locks", "--shell-job", "--ext-unix-sk"} <= set(made.command)
    assert len(made.notes) == 3
    assert made.obstacles == ()
    refused = plan(seen, file_locks=False, shell_job=False, ext_unix_sk=False)
    assert len(refused.obstacles) == 3


def test_a_unix_socket_within_the_tree_is_no_matter() -> None:
    pair = descriptor(DescriptorKind.UNIX, "socket:[1]", inode=1, peer_inode=2, peer_pids=(SERVER,))
    made = plan(evidence(descriptors=(pair,)))
    assert made.options.keys() == {"tcp_established", "network_lock"}
    assert made.sockets[-1].fate == "restored with its other end"


WARNINGS: dict[str, tuple[dict[str, Any], str]] = {
    "pipe": ({"descriptors": (descriptor(DescriptorKind.PIPE, peer_pids=(WORKBENCH,)),)}, "nobody is there"),
    "terminal": ({"descriptors": (descriptor(DescriptorKind.TERMINAL, "/dev/pts/3"),)}, "criu restore --shell-job"),
    "deleted": ({"descriptors": (descriptor(DescriptorKind.FILE, "/tmp/x (deleted)"),)}, "deleted"),
    "section missing": ({"locks": Gap("locks", "nobody may", "")}, "Not looked at: locks"),
}


@pytest.mark.parametrize("name", WARNINGS)
def test_what_to_think_of(name: str) -> None:
    more, reason = WARNINGS[name]
    made = plan(evidence(**more))
    assert made.obstacles == ()
    assert [reason in each for each in made.warnings] == [True], made.warnings


def test_a_harmless_device_is_not_mentioned() -> None:
    assert plan(evidence(descriptors=(descriptor(DescriptorKind.DEVICE, "/dev/null"),))).warnings == ()


def test_a_container_and_another_mount_namespace() -> None:
    seen = evidence(process(namespaces=_other_namespace("mnt"), container=Container("runc", "abc")))
    warnings = plan(seen).warnings
    assert any("ip netns exec" in each for each in warnings)
    assert any("container of runc" in each for each in warnings)


def test_many_connections_by_iptables_are_slow() -> None:
    peers = [Connection(CONNECTION.local, Endpoint("10.0.0.1", 20000 + n)) for n in range(1000)]
    sockets = tuple(socket(each) for each in peers)
    slow = plan(evidence(sockets=sockets), lock=LockMethod.IPTABLES)
    quick = plan(evidence(sockets=sockets), lock=LockMethod.NFTABLES)
    assert slow.lock_cost_ms is not None
    assert quick.lock_cost_ms is not None
    assert slow.lock_cost_ms > 100 * quick.lock_cost_ms
    assert any("nftables takes about" in each for each in slow.warnings)
    assert quick.warnings == ()
    assert len(quick.connections) == 1000


def test_closed_connections_need_no_lock() -> None:
    made = plan(policy=Policy.CLOSE)
    assert made.options == {"tcp_close": True}
    assert made.connections == ()
    assert made.lock_cost_ms is None
    assert "closed" in made.title
    assert made.sockets[1].warning


def test_no_lock_is_a_warning() -> None:
    made = plan(lock=LockMethod.SKIP)
    assert made.options["network_lock"] == "SKIP"
    assert any("resets its connection" in each for each in made.warnings)


def test_left_running_the_namespace_does_not_end() -> None:
    lonely = (NetworkNamespace(NET, "/proc/4645/ns/net", (), (SERVER,)),)
    made = plan(evidence(namespaces=lonely), leave_running=True)
    assert made.obstacles == ()
    assert "--leave-running" in made.command
    assert made.command[1] == "--net=/proc/4645/ns/net"


def test_in_flight_connections_can_be_lost_on_request() -> None:
    seen = evidence(sockets=(socket(LISTENING, TcpState.LISTEN, recv_q=2),))
    made = plan(seen, skip_in_flight=True)
    assert made.obstacles == ()
    assert "will be reset" in made.sockets[0].fate


def test_a_lock_that_stands_already() -> None:
    lock = Lock(
        NET, Backend.NFTABLES, LockScope.CONNECTION, "inet", "CRIU-1", "CRIU-1", (CONNECTION.reversed,),
        frozenset({"input", "output"}), None,
    )  # fmt: skip
    made = plan(evidence(locks=(lock,)))
    assert "holds it back already" in made.sockets[1].fate


def test_hostile_names_are_made_printable() -> None:
    made = plan(evidence(process(command="a\x1b[2Jb", argv=("\x1b]0;x\x07",))))
    assert "\x1b" not in made.title + "".join(made.processes)
