"""A round of netfilter rules beside the tools' own listing in the same run."""

import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.collect.netfilter import RuleReader
from workbench.evidence import Gap, NetworkNamespace

pytestmark = pytest.mark.root

NAMESPACES = 8
RULES = 1000
ROUNDS = 15
LOCK = """
table inet CRIU-660e2a43-99b0-4c54-a4 {
    set conns4 { type ipv4_addr . inet_service . ipv4_addr . inet_service
        elements = { 10.0.0.1 . 5000 . 10.0.0.2 . 7022, 10.0.0.2 . 7022 . 10.0.0.1 . 5000 }
    }
    chain output { type filter hook output priority 0; policy accept;
        meta mark 0xc114 accept
        ip saddr . tcp sport . ip daddr . tcp dport @conns4 drop
    }
}
"""
LISTINGS = (("nft", "-a", "list", "ruleset"), ("iptables-legacy-save", "-c"), ("ip6tables-legacy-save", "-c"))


@pytest.fixture
def namespaces() -> Iterator[list[NetworkNamespace]]:
    names = [f"wb-bench-{uuid.uuid4().hex[:8]}" for _ in range(NAMESPACES)]
    for name in names:
        subprocess.run(["ip", "netns", "add", name], check=True)
    yield [NetworkNamespace(Path(f"/run/netns/{name}").stat().st_ino, f"/run/netns/{name}") for name in names]
    for name in names:
        subprocess.run(["ip", "netns", "delete", name], check=True)


def run(namespace: NetworkNamespace, *words: str, text: str | None = None) -> None:
    command = ["nsenter", f"--net={namespace.path}", *words]
    subprocess.run(command, input=text, text=True, check=True, stdout=subprocess.DEVNULL)


def median_ms(action: Callable[[], object]) -> float:
    times = []
    for _ in range(ROUNDS):
        begin = time.perf_counter()
        action()
        times.append(time.perf_counter() - begin)
    return statistics.median(times) * 1000


def listed_by_tools(namespaces: list[NetworkNamespace]) -> None:
    for each in namespaces:
        for words in LISTINGS:
            run(each, *words)


def compared(name: str, namespaces: list[NetworkNamespace]) -> tuple[float, float]:
    reader = RuleReader()
    rules, _, gaps = reader.read(namespaces)
    assert not isinstance(rules, Gap)
    assert not gaps
    ours = median_ms(lambda: reader.read(namespaces)) / len(namespaces)
    tools = median_ms(lambda: listed_by_tools(namespaces)) / len(namespaces)
    sys.stdout.write(
        f"\n{name}: {len(rules)} rules in {len(namespaces)} namespaces; "
        f"{ours:.2f} ms a namespace, the tools {tools:.1f} ms\n"
    )
    return ours, tools


def test_quiet_namespaces(namespaces: list[NetworkNamespace]) -> None:
    ours, tools = compared("empty", namespaces)
    assert ours < tools / 5
    for each in namespaces:
        run(each, "nft", "-f", "-", text=LOCK)
        run(each, "iptables-legacy", "-A", "INPUT", "-j", "ACCEPT")
        run(each, "iptables-nft", "-A", "INPUT", "-j", "ACCEPT")
    ours, tools = compared("a lock and a rule of each backend", namespaces)
    assert ours < tools / 5


def test_many_rules_with_counters(namespaces: list[NetworkNamespace]) -> None:
    one = namespaces[:1]
    lines = "".join(f"ip saddr 10.1.{n // 250}.{n % 250} counter drop\n" for n in range(RULES))
    run(one[0], "nft", "-f", "-", text=f"table inet many {{ chain c {{\n{lines}}}\n}}\n")
    ours, tools = compared("nftables, generation unchanged", one)
    assert ours < tools
    saved = "".join(f"-A INPUT -s 10.1.{n // 250}.{n % 250} -j DROP\n" for n in range(RULES))
    run(one[0], "iptables-legacy-restore", "--noflush", text=f"*filter\n{saved}COMMIT\n")
    ours, tools = compared("and iptables-legacy, entries unchanged", one)
    assert ours < tools
