"""Scratch namespaces, and the very commands by which CRIU locks (criu/netfilter.c, criu/net.c)."""

import subprocess
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from workbench.evidence import NetworkNamespace

RUN_ID = "660e2a43-99b0-4c54-a4de-0123456789ab"
TABLE = f"CRIU-{RUN_ID[:21]}"

V4 = ("10.0.0.2", 7022, "10.0.0.1", 56692)
V6 = ("fd00::2", 7022, "fd00::1", 56692)
MAPPED_FAULT = "fd99::ffff:a63:102"


@dataclass(frozen=True)
class Scratch:
    """A network namespace of the test's own."""

    name: str

    @property
    def path(self) -> str:
        return f"/run/netns/{self.name}"

    @property
    def namespace(self) -> NetworkNamespace:
        return NetworkNamespace(Path(self.path).stat().st_ino, self.path, (self.name,))

    def run(self, *words: str, text: str | None = None) -> str:
        """Run within it; an error fails the test with what the program said."""
        done = subprocess.run(
            ["nsenter", f"--net={self.path}", *words], input=text, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{words}: {done.stderr}"
        return done.stdout

    def pair(self, program: str, local: str, port: int, peer: str, peer_port: int, *, output: bool = True) -> None:
        """Lock one connection as criu/netfilter.c:iptables_connection_switch_raw does."""
        ends = (("INPUT", peer, peer_port, local, port), ("OUTPUT", local, port, peer, peer_port))
        for chain, source, sport, destination, dport in ends[: 2 if output else 1]:
            self.run(
                program, "-w", "-t", "filter", "-I", chain, "--protocol", "tcp", "-m", "mark", "!", "--mark", "0xC114",
                "--source", source, "--sport", str(sport), "--destination", destination, "--dport", str(dport),
                "-j", "DROP",
            )  # fmt: skip

    def whole(self, program: str) -> None:
        """Lock the namespace as criu/net.c:iptables_network_lock_internal does."""
        text = (
            "*filter\n:CRIU - [0:0]\n-I INPUT -j CRIU\n-I OUTPUT -j CRIU\n"
            "-A CRIU -m mark --mark 0xc114 -j ACCEPT\n-A CRIU -j DROP\nCOMMIT\n"
        )
        self.run(f"{program}-restore", "-w", "--noflush", text=text)

    def table(self, *connections: tuple[str, int, str, int], name: str = TABLE) -> None:
        """Lock connections as criu/netfilter.c:nftables_init_connection_lock and nftables_lock_connection_raw do."""
        sets = "".join(
            f"add set inet {name} conns{n} {{ type {kind} . inet_service . {kind} . inet_service; }}\n"
            for n, kind in ((4, "ipv4_addr"), (6, "ipv6_addr"))
        )
        self.run("nft", "-f", "-", text=f"create table inet {name}\n" + _chains(name, "accept") + sets + _tests(name))
        for local, port, peer, peer_port in connections:
            members = f"inet {name} conns{6 if ':' in local else 4}"
            self.run("nft", f"add element {members} {{ {peer} . {peer_port} . {local} . {port} }}")
            self.run("nft", f"add element {members} {{ {local} . {port} . {peer} . {peer_port} }}")

    def closed_table(self, name: str = TABLE) -> None:
        """Lock the namespace as criu/net.c:nftables_lock_network_internal does."""
        self.run("nft", "-f", "-", text=f"create table inet {name}\n" + _chains(name, "drop"))

    def listing(self) -> str:
        """All that every tool lists, without dates; handles grow for ever and are left out."""
        programs = ("iptables-legacy-save", "ip6tables-legacy-save") if self.has_legacy() else ()
        texts = [self.run(program, "-c") for program in programs]
        texts.append(self.run("nft", "list", "ruleset"))
        return "\n".join(line for text in texts for line in text.splitlines() if not line.startswith("# "))

    def has_legacy(self) -> bool:
        return bool(self.run("cat", "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names"))


def _chains(name: str, policy: str) -> str:
    return "".join(
        f"add chain inet {name} {chain} {{ type filter hook {chain} priority 0; policy {policy}; }}\n"
        f"add rule inet {name} {chain} meta mark 0xc114 accept\n"
        for chain in ("output", "input")
    )


def _tests(name: str) -> str:
    return "".join(
        f"add rule inet {name} {chain} {ip} saddr . tcp sport . {ip} daddr . tcp dport @{members} drop\n"
        for chain in ("output", "input")
        for ip, members in (("ip", "conns4"), ("ip6", "conns6"))
    )


@pytest.fixture
def scratch() -> Iterator[Callable[[], Scratch]]:
    """Makes namespaces that end with the test."""
    made: list[Scratch] = []

    def make() -> Scratch:
        one = Scratch(f"wbt-{uuid.uuid4().hex[:8]}")
        subprocess.run(["ip", "netns", "add", one.name], check=True)
        made.append(one)
        return one

    yield make
    for one in made:
        subprocess.run(["ip", "netns", "delete", one.name], check=True)


@pytest.fixture
def netns(scratch: Callable[[], Scratch]) -> Scratch:
    return scratch()
