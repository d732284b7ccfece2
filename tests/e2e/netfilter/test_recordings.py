"""The recorded listings under fixtures/recordings/netfilter are what the tools print for CRIU's own rules.

``WORKBENCH_RECORD=1 pytest tests/e2e/netfilter/test_recordings.py`` makes them anew.
"""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from workbench.evidence import Lock
from workbench.read.netfilter_dump import read_netfilter_dump

pytestmark = pytest.mark.root

RECORDINGS = Path(__file__).parents[3] / "fixtures/recordings/netfilter"
V4 = ("10.0.0.2", 7022, "10.0.0.1", 56692)
V4_OTHER = ("10.0.0.2", 7022, "10.0.0.9", 40112)
V4_PEER = ("10.0.0.1", 56692, "10.0.0.2", 7022)
V6 = ("fd00::2", 7022, "fd00::1", 56692)
FAULT = ("10.99.1.2", 7007, "0.0.0.1", 46784)
"""What CRIU makes of the input rule of fd99::ffff:a63:102, whose third word looks IPv4-mapped."""


def all_four(netns: Any, lock: Callable[[str, tuple[str, int, str, int]], None]) -> None:
    for program in ("iptables-legacy", "iptables-nft"):
        lock(program, V4)
        lock(program.replace("ip", "ip6", 1), V6)


def pairs(netns: Any) -> None:
    all_four(netns, lambda program, connection: netns.pair(program, *connection))


def halves(netns: Any) -> None:
    all_four(netns, lambda program, connection: netns.pair(program, *connection, output=False))


def twice(netns: Any) -> None:
    pairs(netns)
    pairs(netns)


def both_ends(netns: Any) -> None:
    netns.pair("iptables-nft", *V4)
    netns.pair("iptables-nft", *V4_PEER)


def among_others(netns: Any) -> None:
    for program in ("iptables-legacy", "iptables-nft"):
        netns.run(program, "-P", "FORWARD", "DROP")
        netns.run(program, "-N", "CRIUS")
        netns.run(program, "-A", "CRIUS", "-m", "mark", "--mark", "0xc114", "-j", "ACCEPT")
        netns.run(program, "-A", "CRIUS", "-j", "DROP")
        netns.run(program, "-A", "INPUT", "-c", "7", "420", "-i", "lo", "-j", "CRIUS")
        netns.run(program, "-A", "INPUT", "-s", "10.0.0.1", "-p", "tcp", "--dport", "7022", "-j", "DROP")
        netns.run(program, "-A", "INPUT", "-m", "comment", "--comment", 'say "-j DROP"', "-j", "ACCEPT")
        netns.run(program, "-t", "nat", "-A", "POSTROUTING", "-s", "10.0.0.0/24", "-j", "MASQUERADE")
        netns.pair(program, *V4)
        other_mark = ("-m", "mark", "!", "--mark", "0xc115")
        ends = ("-s", "10.0.0.1", "--sport", "1", "-d", "10.0.0.2", "--dport", "2")
        netns.run(program, "-I", "INPUT", "-p", "tcp", *other_mark, *ends, "-j", "DROP")


def chain(netns: Any) -> None:
    for program in ("iptables-legacy", "ip6tables-legacy", "iptables-nft", "ip6tables-nft"):
        netns.whole(program)


def chain_without_jumps(netns: Any) -> None:
    chain(netns)
    for program in ("iptables-legacy", "ip6tables-legacy", "iptables-nft", "ip6tables-nft"):
        netns.run(program, "-D", "INPUT", "-j", "CRIU")
        netns.run(program, "-D", "OUTPUT", "-j", "CRIU")


def mapped_fault(netns: Any) -> None:
    netns.pair("iptables-nft", *FAULT, output=False)


def table_among_others(netns: Any) -> None:
    netns.run("nft", "-f", "-", text=OTHERS)
    netns.table(V4, V4_OTHER, V6)


OTHERS = """
table inet CRIU-mine {
    set conns4 { type ipv4_addr . inet_service . ipv4_addr . inet_service
        elements = { 10.0.0.1 . 1 . 10.0.0.2 . 2 }
    }
    map verdicts { type inet_service : verdict
        elements = { 5 : drop, 6 : accept }
    }
    counter seen { }
    chain in { type filter hook input priority -5; policy drop;
        iif lo accept
        tcp dport { 22, 80 } counter packets 3 bytes 180 accept comment "a } b { counter packets 1 bytes 1"
        tcp dport vmap @verdicts
        ip saddr . tcp sport . ip daddr . tcp dport @conns4 drop
        jump more
    }
    chain more { limit rate 5/second log prefix "x } y" reject with tcp reset
    }
    chain dev { type filter hook ingress device lo priority 0; policy accept;
        meta mark 0xc114 counter drop
    }
}
table bridge b { chain f { type filter hook forward priority filter; policy drop;
    }
}
"""

SITUATIONS: dict[str, Callable[[Any], None]] = {
    "pairs": pairs,
    "halves": halves,
    "twice": twice,
    "both-ends": both_ends,
    "among-others": among_others,
    "chain": chain,
    "chain-without-jumps": chain_without_jumps,
    "mapped-fault": mapped_fault,
    "table": lambda netns: netns.table(V4, V4_OTHER, V6),
    "table-empty": lambda netns: netns.table(),
    "table-by-pid": lambda netns: netns.table(V4, name="CRIU-4645"),
    "table-closed": lambda netns: netns.closed_table(),
    "table-among-others": table_among_others,
}
LISTINGS = {
    "iptables-legacy-save": ("iptables-legacy-save", "-c"),
    "ip6tables-legacy-save": ("ip6tables-legacy-save", "-c"),
    "iptables-nft-save": ("iptables-nft-save", "-c"),
    "ip6tables-nft-save": ("ip6tables-nft-save", "-c"),
    "nft": ("nft", "list", "ruleset"),
    "nft-a": ("nft", "-a", "list", "ruleset"),
}


def shown(locks: tuple[Lock, ...]) -> list[tuple[object, ...]]:
    return [(lock.backend, lock.scope, lock.family, lock.name, lock.directions, lock.duplicates) for lock in locks]


@pytest.mark.parametrize("situation", SITUATIONS)
def test_recorded_listings_are_what_tools_print(netns: Any, situation: str) -> None:
    SITUATIONS[situation](netns)
    expected = {path.name for path in RECORDINGS.glob(f"{situation}.*")}
    printed = {}
    for suffix, words in LISTINGS.items():
        if "legacy" in suffix and not netns.has_legacy():
            continue
        text = netns.run(*words)
        if any(not line.startswith("#") for line in text.splitlines()):
            printed[f"{situation}.{suffix}"] = text
    if os.environ.get("WORKBENCH_RECORD"):
        for name, text in printed.items():
            (RECORDINGS / name).write_text(text)
        return
    assert printed.keys() == expected
    for name, text in printed.items():
        recorded = read_netfilter_dump((RECORDINGS / name).read_text())
        now = read_netfilter_dump(text)
        assert shown(recorded.locks) == shown(now.locks)
        assert len(recorded.rules) == len(now.rules)
