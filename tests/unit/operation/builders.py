"""Evidence made by hand."""

from typing import Any

from workbench.evidence import (
    Address,
    Connection,
    CriuTool,
    Descriptor,
    DescriptorKind,
    Endpoint,
    Evidence,
    Holder,
    Host,
    ImageDirectory,
    ImageSocket,
    ImageTask,
    Namespaces,
    Network,
    NetworkNamespace,
    Process,
    Queue,
    Sequences,
    Socket,
    TcpState,
)

NET, HOST_NET = 4026532177, 4026531840
WORKBENCH, SERVER = 900, 4645
OWN = Namespaces(net=HOST_NET, mnt=1, pid=2, user=3, uts=4, ipc=5, time=6, cgroup=7)
INSIDE = Namespaces(net=NET, mnt=1, pid=2, user=3, uts=4, ipc=5, time=6, cgroup=7)
CONNECTION = Connection(Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.1", 56692))
LISTENING = Connection(Endpoint("10.0.0.2", 7022), Endpoint("0.0.0.0", 0))


def process(pid: int = SERVER, ppid: int = 1, command: str = "server", **more: Any) -> Process:
    known: dict[str, Any] = {
        "start_time": pid * 10, "argv": (command, "--port", "7022"), "uid": 0, "user": "root", "state": "S",
        "threads": 1, "pgid": pid, "sid": pid, "tty_nr": 0, "namespaces": INSIDE, "exe": f"/usr/bin/{command}",
        "uids": (0, 0, 0, 0), "rss_bytes": 4 << 20,
    }  # fmt: skip
    return Process(pid=pid, ppid=ppid, command=command, **{**known, **more})


def socket(
    connection: Connection = CONNECTION, state: TcpState = TcpState.ESTABLISHED, pid: int = SERVER, **more: Any
) -> Socket:
    known: dict[str, Any] = {
        "netns": NET, "family": 2, "inode": 500 + connection.peer.port, "cookie": 1000 + connection.peer.port,
        "uid": 0, "recv_q": 0, "send_q": 0, "holders": (Holder(pid, 4, "server"),) if pid else (),
    }  # fmt: skip
    return Socket(state=state, local=connection.local, peer=connection.peer, **{**known, **more})


def descriptor(kind: DescriptorKind, target: str = "x", pid: int = SERVER, **more: Any) -> Descriptor:
    return Descriptor(pid, more.pop("fd", 9), kind, target, **more)


def host(**more: Any) -> Host:
    known: dict[str, Any] = {
        "hostname": "h", "kernel_release": "6.18", "boot_id": "b", "clock_ticks": 100, "uptime_s": 1.0, "uid": 0,
        "capabilities": frozenset({"CAP_NET_ADMIN", "CAP_SYS_RESOURCE"}),
        "criu": CriuTool("/opt/criu", "4.2.1", True, "path"), "features": {"nft_tables": True},
    }  # fmt: skip
    return Host(**{**known, **more})


def evidence(*processes: Process, **more: Any) -> Evidence:
    own = process(WORKBENCH, 1, "workbench", namespaces=OWN)
    listed = {each.pid: each for each in (own, *(processes or (process(),)))}
    known: dict[str, Any] = {
        "taken": 0.0, "monotonic_ns": 0, "sources": ("live",), "host": host(), "processes": listed,
        "namespaces": (
            NetworkNamespace(HOST_NET, "/proc/self/ns/net", (), (WORKBENCH,), is_host=True),
            NetworkNamespace(NET, "/run/netns/app", ("app",), tuple(pid for pid in listed if pid != WORKBENCH)),
        ),
        "descriptors": (), "sockets": (socket(LISTENING, TcpState.LISTEN), socket()), "locks": (), "unfinished": (),
        "network": Network((), (Address(NET, "eth0", "10.0.0.2", 24, "global"),), ()),
    }  # fmt: skip
    return Evidence(**{**known, **more})


def image_socket(connection: Connection = CONNECTION, **more: Any) -> ImageSocket:
    known: dict[str, Any] = {
        "inode": 77, "family": 2, "state": TcpState.ESTABLISHED, "holders": ((SERVER, 4),),
        "sequences": Sequences(1, 1, 1, 1, 1), "queue": Queue(b"abc", b"", 0),
    }  # fmt: skip
    return ImageSocket(connection=connection, **{**known, **more})


def image(**more: Any) -> ImageDirectory:
    known: dict[str, Any] = {
        "path": "/images", "complete": True, "size_bytes": 4 << 20, "modified": 0.0,
        "tasks": (ImageTask(SERVER, 0, "server", 1),), "sockets": (image_socket(),),
        "run_id": "660e2a43-99b0-4c54-a4de-0123456789ab", "lock_method": "nftables",
    }  # fmt: skip
    return ImageDirectory(**{**known, **more})
