"""A small host, made up: a locked connection with both ends, a listener, rules, images; and its hostile twin."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from workbench.checking import Finding, Fix, Problem, Quote, Severity, Subject
from workbench.evidence import (
    Backend,
    Connection,
    Container,
    CriuTool,
    DumpStats,
    Endpoint,
    Evidence,
    Gap,
    Holder,
    Host,
    ImageDirectory,
    ImageSocket,
    ImageTask,
    Namespaces,
    NetworkNamespace,
    Process,
    Queue,
    Rule,
    Sequences,
    SetElements,
    Socket,
    SocketMemory,
    SocketTimer,
    Sysctl,
    TcpInfo,
    TcpState,
)
from workbench.evidence.locks import recognise_locks
from workbench.present.judgement import Judgement

TAKEN = 1_700_000_000.0
APP, CLI, HOST_NS = 4026532001, 4026532002, 4026531840
SERVER_END, CLIENT_END = Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.1", 56692)
CONNECTION = Connection(SERVER_END, CLIENT_END)
LOCK_NAME = "CRIU-6f1c2d3e-0000-4000-80"
HOSTILE = "\x1b]52;c;aGk=\x07\x1b[31m[/]B[kworker/0:1]Z\u202e\udcff[bold]"
"""A terminal escape, broken markup, a bidirectional override and a byte that is no UTF-8."""


def tcp_info(**changes: Any) -> TcpInfo:
    """Of a quiet connection."""
    values: dict[str, Any] = {
        "rto_us": 204_000,
        "rtt_us": 420,
        "rttvar_us": 210,
        "backoff": 0,
        "probes": 0,
        "options": 7,
        "snd_wscale": 7,
        "rcv_wscale": 7,
        "snd_mss": 1448,
        "rcv_mss": 1448,
        "advmss": 1448,
        "pmtu": 1500,
        "snd_cwnd": 10,
        "snd_ssthresh": 0x7FFFFFFF,
        "rcv_ssthresh": 64_000,
        "unacked": 0,
        "sacked": 0,
        "lost": 0,
        "retrans": 0,
        "total_retrans": 0,
        "last_data_sent_ms": 300,
        "last_data_recv_ms": 300,
        "last_ack_recv_ms": 300,
        "bytes_acked": 80_000,
        "bytes_received": 1_200_000,
        "snd_wnd": 65_536,
        "rcv_wnd": 64_256,
    }
    return TcpInfo(**(values | changes))


def socket(cookie: int, local: Endpoint, peer: Endpoint, state: TcpState, **changes: Any) -> Socket:
    """One socket; ``changes`` are fields of Socket."""
    values: dict[str, Any] = {"netns": APP, "family": 2, "inode": 1000 + cookie, "uid": 0, "recv_q": 0, "send_q": 0}
    values |= {"state": state, "local": local, "peer": peer, "cookie": cookie}
    return Socket(**(values | changes))


def process(pid: int, command: str, netns: int, **changes: Any) -> Process:
    """One process, started five minutes before the evidence was taken."""
    values: dict[str, Any] = {
        "ppid": 1,
        "start_time": 500_000 + pid,
        "argv": (f"/usr/bin/{command}",),
        "uid": 0,
        "user": "root",
        "state": "S",
        "threads": 1,
        "pgid": pid,
        "sid": pid,
        "tty_nr": 0,
        "namespaces": Namespaces(net=netns, mnt=1, pid=2, user=3),
        "rss_bytes": 9_000_000,
    }
    return Process(pid=pid, command=command, **(values | changes))


def lock_rules() -> tuple[Rule, ...]:
    """What nft lists of CRIU's table for the connection."""
    rules = []
    for chain in ("output", "input"):
        for position, text in enumerate(
            (
                "meta mark 0x0000c114 accept",
                "ip saddr . tcp sport . ip daddr . tcp dport @conns4 drop",
                "ip6 saddr . tcp sport . ip6 daddr . tcp dport @conns6 drop",
            )
        ):
            verdict = text.rpartition(" ")[2]
            place = {"hook": chain, "priority": 0, "handle": position + 3, "verdict": verdict}
            rules.append(Rule(APP, Backend.NFTABLES, "inet", LOCK_NAME, chain, text, position, **place))  # type: ignore[arg-type]
    return tuple(rules)


def evidence(**changes: Any) -> Evidence:
    """The host at one moment; ``changes`` are sections."""
    server, client = Holder(4645, 4, "server"), Holder(4687, 3, "client")
    memory = SocketMemory(2304, 131_072, 0, 87_040, 4096, 1280, 0, 0, 0)
    sockets = (
        socket(
            1,
            SERVER_END,
            CLIENT_END,
            TcpState.ESTABLISHED,
            send_q=590,
            timer=SocketTimer.RTO,
            timer_ms=1600,
            retransmits=3,
            holders=(server,),
            congestion="cubic",
            memory=memory,
            info=tcp_info(rto_us=1_632_000, backoff=3, unacked=1, last_ack_recv_ms=12_000, total_retrans=3),
        ),
        socket(
            2, CLIENT_END, SERVER_END, TcpState.ESTABLISHED, netns=CLI, recv_q=7, holders=(client,), info=tcp_info()
        ),
        socket(3, SERVER_END, Endpoint("0.0.0.0", 0), TcpState.LISTEN, send_q=128, holders=(replace(server, fd=3),)),
        socket(
            4,
            SERVER_END,
            Endpoint("10.0.0.7", 40110),
            TcpState.TIME_WAIT,
            inode=0,
            timer=SocketTimer.TIMEWAIT,
            timer_ms=41_000,
        ),
        socket(
            5,
            Endpoint("2001:db8::1", 443),
            Endpoint("2001:db8::2", 51000),
            TcpState.CLOSE_WAIT,
            netns=HOST_NS,
            family=10,
        ),
    )
    sequences = {
        1: Sequences(
            2256392420, 2256393010, 2256393010, 3231716866, 3231716866, 65_536, 64_256, 3231716866, rto_ms=1632
        ),
        2: Sequences(3231716866, 3231716866, 3231716866, 2256392420, 2256392413, 64_256, 65_536, 2256392420),
    }
    rules = (
        *lock_rules(),
        Rule(
            HOST_NS,
            Backend.IPTABLES_NFT,
            "ip",
            "filter",
            "INPUT",
            "-p tcp --dport 22 -j ACCEPT",
            0,
            packets=71,
            bytes=9,
        ),
        Rule(
            HOST_NS, Backend.LEGACY, "ip", "mangle", "OUTPUT", "-m mark --mark 0xc114 -j RETURN", 0, packets=2, bytes=80
        ),
    )
    elements = SetElements(
        APP,
        "inet",
        LOCK_NAME,
        "conns4",
        (("10.0.0.2", "7022", "10.0.0.1", "56692"), ("10.0.0.1", "56692", "10.0.0.2", "7022")),
    )
    image = ImageDirectory(
        "/var/lib/workbench/images/server-4645",
        complete=True,
        size_bytes=4_300_000,
        modified=TAKEN - 12,
        tasks=(ImageTask(4645, 1, "server", 1), ImageTask(4646, 4645, "worker", 1, threads=2)),
        sockets=(
            ImageSocket(
                1001,
                2,
                TcpState.ESTABLISHED,
                CONNECTION,
                ((4645, 4),),
                sequences[1],
                Queue(b"", b"x" * 590, 0),
                1448,
                7,
                7,
            ),
        ),
        run_id="6f1c2d3e-0000-4000-8000-000000000000",
        lock_method="nftables",
        dump_stats=DumpStats(900, 31_200, 4_000, 6_000, 2000, 1010),
    )
    processes = (
        process(1, "init", HOST_NS, ppid=0),
        process(4645, "server", APP, argv=("/usr/bin/server", "--port", "7022")),
        process(4646, "worker", APP, ppid=4645),
        process(4687, "client", CLI, container=Container("podman", "0123456789abcdef", "web")),
    )
    sections: dict[str, Any] = {
        "host": Host("host-a", "6.18.0", "b", 100, 5_400.0, 0, criu=CriuTool("/usr/sbin/criu", "4.2.1", True, "path")),
        "namespaces": (
            NetworkNamespace(HOST_NS, "/proc/1/ns/net", is_host=True),
            NetworkNamespace(APP, "/run/netns/app", ("app",)),
            NetworkNamespace(CLI, "/run/netns/cli", ("cli",)),
        ),
        "processes": {each.pid: each for each in processes},
        "sockets": sockets,
        "sequences": sequences,
        "rules": rules,
        "locks": recognise_locks(rules, (elements,)),
        "images": (image,),
        "sysctls": (Sysctl(APP, "net.ipv4.tcp_retries2", "15"),),
        "unfinished": (),
    }
    return Evidence(taken=TAKEN, monotonic_ns=0, sources=("live",), **(sections | changes))


def judgement(text: str = "") -> Judgement:
    """What checks could say of it: a lock, what follows from it, and one about the host; ``text`` stands everywhere."""
    keys = {"netns": APP, "backend": "nftables", "lock": LOCK_NAME, "connections": (str(CONNECTION),), "pids": (4645,)}
    lock = Problem(
        Severity.ERROR,
        Subject("lock", f"nftables lock in network namespace app{text}", keys),
        f"A lock that CRIU left drops the packets of {CONNECTION} of server 4645 fd 4.{text}",
        {"packets": 10, "note": text},
        (Quote("rules", f"output: ip saddr . tcp sport . ip daddr . tcp dport @conns4 drop{text}"),),
        (Fix(f"Delete the table.{text}", ("nft", "delete", "table", "inet", LOCK_NAME + text), safe=True),),
    )
    waits = Problem(
        Severity.NOTE,
        Subject("socket", str(CONNECTION), {"netns": APP, "cookie": 1, "pids": (4645,)}),
        f"It has retransmitted 3 times without an answer.{text}",
    )
    tool = Problem(
        Severity.WARNING,
        Subject("host", f"host-a{text}", {"host": "host-a"}),
        f"The kernel is newer than this CRIU was tried with.{text}",
        fixes=(Fix("Try it in the lab.", ("workbench", "lab", "run", "established"), safe=True),),
    )
    page = """A lock stands here.

What it looks at
----------------
Rules that CRIU makes, in every namespace,
and ``criu`` processes.

What to do
----------
Lift it."""
    return Judgement(
        (
            Finding("NFT002", "netlock-on-live-connection", lock, Severity.ERROR),
            Finding("SCK006", "retransmits-into-lock", waits, Severity.NOTE, "NFT002"),
            Finding("ENV002", "kernel-newer-than-criu", tool, Severity.WARNING),
        ),
        pages={"NFT002": page + text},
        passed=40,
        unseen=("conntrack: not permitted",),
    )


def hostile_evidence() -> Evidence:
    """The same host with hostile text wherever text comes from outside."""
    plain = evidence()
    assert not isinstance(plain.sockets, Gap)
    assert not isinstance(plain.processes, Gap)
    assert not isinstance(plain.rules, Gap)
    assert not isinstance(plain.images, Gap)
    holders = (Holder(4645, 4, HOSTILE),)
    processes = {
        pid: replace(each, command=HOSTILE, argv=(HOSTILE, HOSTILE), user=HOSTILE, exe=HOSTILE)
        for pid, each in plain.processes.items()
    }
    images = tuple(
        replace(
            each,
            path=HOSTILE,
            tasks=tuple(replace(task, command=HOSTILE) for task in each.tasks),
            problems=(HOSTILE,),
            lock_method=HOSTILE,
        )
        for each in plain.images
    )
    return replace(
        plain,
        sockets=tuple(replace(each, holders=holders, congestion=HOSTILE, ulp=HOSTILE) for each in plain.sockets),
        processes=processes,
        rules=tuple(replace(each, text=HOSTILE, table=HOSTILE, chain=HOSTILE) for each in plain.rules),
        locks=(),
        images=images,
        host=replace(plain.host, hostname=HOSTILE, kernel_release=HOSTILE)
        if isinstance(plain.host, Host)
        else plain.host,
        namespaces=(NetworkNamespace(APP, "/x", (HOSTILE,)),),
        conntrack=Gap("conntrack", HOSTILE, HOSTILE),
    )


class FixedSource:
    """Gives the same evidence, or what ``look`` makes."""

    is_live = True
    label = "host-a"

    def __init__(self, look: Callable[[], Evidence]) -> None:
        self._look = look
        self.closed = False

    def evidence(self) -> Evidence:
        return self._look()

    def close(self) -> None:
        self.closed = True
