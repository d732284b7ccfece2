"""Lifting a lock leaves every rule, counter and table as it was before the lock; putting it back makes it whole."""

from collections.abc import Callable
from typing import Any

import pytest

from workbench.collect.netfilter import collect_rules
from workbench.errors import WorkbenchError
from workbench.evidence import Gap, Lock
from workbench.operation.unlock import plan_unlock, relock, unlock, unlock_all

pytestmark = pytest.mark.root

V4 = ("10.0.0.2", 7022, "10.0.0.1", 56692)
V4_OTHER = ("10.0.0.2", 7022, "10.0.0.9", 40112)
V6 = ("fd00::2", 7022, "fd00::1", 56692)

LOCKS: dict[str, Callable[[Any], object]] = {
    "legacy v4": lambda ns: ns.pair("iptables-legacy", *V4),
    "legacy v6": lambda ns: ns.pair("ip6tables-legacy", *V6),
    "legacy half": lambda ns: ns.pair("iptables-legacy", *V4, output=False),
    "legacy twice": lambda ns: (ns.pair("iptables-legacy", *V4), ns.pair("iptables-legacy", *V4)),
    "legacy namespace": lambda ns: ns.whole("iptables-legacy"),
    "legacy namespace v6": lambda ns: ns.whole("ip6tables-legacy"),
    "iptables-nft v4": lambda ns: ns.pair("iptables-nft", *V4),
    "iptables-nft v6": lambda ns: ns.pair("ip6tables-nft", *V6),
    "iptables-nft half": lambda ns: ns.pair("iptables-nft", *V4, output=False),
    "iptables-nft twice": lambda ns: (ns.pair("iptables-nft", *V4), ns.pair("iptables-nft", *V4)),
    "iptables-nft namespace": lambda ns: ns.whole("iptables-nft"),
    "iptables-nft namespace v6": lambda ns: ns.whole("ip6tables-nft"),
    "nftables connections": lambda ns: ns.table(V4, V4_OTHER, V6),
    "nftables before the first connection": lambda ns: ns.table(),
    "nftables by pid": lambda ns: ns.table(V4, name="CRIU-4645"),
    "nftables namespace": lambda ns: ns.closed_table(),
}


def others(netns: Any) -> None:
    """Rules of other people, some of them very like a lock, with counters that must stay."""
    for program, source in (("iptables-legacy", "10.0.0.1"), ("ip6tables-legacy", "fd00::1"),
                            ("iptables-nft", "10.0.0.1"), ("ip6tables-nft", "fd00::1")):  # fmt: skip
        netns.run(program, "-A", "INPUT", "-c", "7", "420", "-s", source, "-p", "tcp", "--dport", "7022", "-j", "DROP")
        netns.run(program, "-A", "OUTPUT", "-m", "comment", "--comment", 'CRIU "0xc114"', "-j", "ACCEPT")
        netns.run(program, "-N", "CRIUS")
        netns.run(program, "-A", "INPUT", "-j", "CRIUS")
        netns.run(program, "-A", "INPUT", "-p", "tcp", "-m", "mark", "!", "--mark", "0xc114", "-j", "DROP")
        netns.run(program, "-A", "FORWARD", "-j", "ACCEPT")
    netns.run(
        "nft", "-f", "-",
        text="table inet CRIU-mine { set conns4 { type ipv4_addr; elements = { 10.0.0.1 }\n }\n"
        "chain in { type filter hook input priority 5; policy accept;\n"
        'ip saddr @conns4 counter packets 3 bytes 180 drop comment "a } b"\n}\n}\n',
    )  # fmt: skip


def locks_of(netns: Any) -> tuple[Lock, ...]:
    _, locks, gaps = collect_rules([netns.namespace])
    assert not isinstance(locks, Gap)
    assert not gaps
    return locks


@pytest.mark.parametrize("kind", LOCKS)
def test_unlock_leaves_the_rest_and_relock_restores(netns: Any, kind: str) -> None:
    others(netns)
    assert locks_of(netns) == ()
    before = netns.listing()
    LOCKS[kind](netns)
    locked = netns.listing()
    (lock,) = locks_of(netns)

    plan = unlock(lock, netns.path)

    assert netns.listing() == before
    assert locks_of(netns) == ()
    assert plan.commands

    relock(lock, netns.path)
    assert netns.listing() == locked
    with pytest.raises(WorkbenchError, match="stands already"):
        relock(lock, netns.path)


def test_other_locks_stay(netns: Any) -> None:
    netns.pair("iptables-legacy", *V4)
    netns.pair("iptables-nft", *V4)
    netns.table(V4)
    others(netns)
    before = netns.listing()
    netns.pair("iptables-nft", *V4_OTHER)
    (lock,) = (lock for lock in locks_of(netns) if "10.0.0.9" in lock.name)
    unlock(lock, netns.path)
    assert netns.listing() == before


def test_every_kind_at_once(netns: Any) -> None:
    others(netns)
    before = netns.listing()
    for kind in ("legacy v4", "legacy v6", "iptables-nft v4", "iptables-nft v6", "nftables connections"):
        LOCKS[kind](netns)
    locks = locks_of(netns)
    assert len(locks) == 5
    unlock_all(locks, netns.path)
    assert netns.listing() == before


def test_the_plan_as_typed_does_it(netns: Any) -> None:
    others(netns)
    before = netns.listing()
    for kind in ("legacy v4", "iptables-nft v4", "nftables connections"):
        LOCKS[kind](netns)
    for lock in locks_of(netns):
        for command in plan_unlock(lock).commands:
            netns.run("sh", "-c", command.typed())
    assert netns.listing() == before


def test_a_lock_that_changed_is_left_alone(netns: Any) -> None:
    netns.pair("iptables-nft", *V4)
    netns.table(V4)
    pair, table = sorted(locks_of(netns), key=lambda lock: lock.backend)
    netns.pair("iptables-nft", *V4)
    netns.run("nft", f"add element inet {table.table} conns4 {{ 10.0.0.7 . 1 . 10.0.0.8 . 2 }}")
    now = netns.listing()
    for lock in (pair, table):
        with pytest.raises(WorkbenchError, match="does not stand as it was seen"):
            unlock(lock, netns.path)
    assert netns.listing() == now


def test_a_lock_of_another_namespace_is_refused(scratch: Callable[[], Any]) -> None:
    here, there = scratch(), scratch()
    here.table(V4)
    there.table(V4)
    (lock,) = locks_of(here)
    with pytest.raises(WorkbenchError, match="not the namespace"):
        unlock(lock, there.path)
    assert len(locks_of(there)) == 1


def test_a_table_with_a_rule_of_somebody_else_is_refused(netns: Any) -> None:
    netns.table(V4)
    netns.run("nft", "add rule inet CRIU-660e2a43-99b0-4c54-a4 input tcp dport 22 accept")
    (lock,) = locks_of(netns)
    with pytest.raises(WorkbenchError, match="not CRIU's"):
        unlock(lock, netns.path)
    assert len(locks_of(netns)) == 1
