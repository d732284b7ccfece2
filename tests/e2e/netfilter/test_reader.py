"""Rules as they stand in a namespace, read again and again without changing anything."""

import socket
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unprivileged import as_nobody
from workbench.collect.conntrack import collect_conntrack
from workbench.collect.namespaces import collect_namespaces, inside
from workbench.collect.netfilter import RuleReader, collect_rules, libnftables
from workbench.evidence import Backend, Endpoint, Gap, Lock, NetworkNamespace, Rule

pytestmark = pytest.mark.root


def read(reader: RuleReader, namespaces: Sequence[NetworkNamespace]) -> tuple[tuple[Rule, ...], tuple[Lock, ...]]:
    rules, locks, gaps = reader.read(namespaces)
    assert not isinstance(rules, Gap)
    assert not isinstance(locks, Gap)
    assert gaps == ()
    return rules, locks


def ends(lock: Lock) -> tuple[Endpoint, ...]:
    return tuple(end for connection in lock.connections for end in (connection.local, connection.peer))


def spoken(rules: Sequence[Rule], backend: Backend) -> list[tuple[str, str, str]]:
    return [(rule.family, rule.chain, rule.text) for rule in rules if rule.backend is backend]


def test_iptables_nft_rules_bear_iptables_words(netns: Any) -> None:
    netns.pair("iptables-nft", "10.0.0.2", 7022, "10.0.0.1", 56692)
    netns.run("iptables-nft", "-A", "INPUT", "-m", "conntrack", "--ctstate", "INVALID", "-j", "REJECT")
    netns.run("iptables-nft", "-A", "INPUT", "-s", "192.0.2.7", "-j", "DROP")
    netns.run("ip6tables-nft", "-A", "OUTPUT", "-m", "comment", "--comment", 'two "words"', "-j", "ACCEPT")
    rules, _ = read(RuleReader(), [netns.namespace])
    listed = netns.run("iptables-nft-save") + netns.run("ip6tables-nft-save")
    said = [line.removeprefix("-A ") for line in listed.splitlines() if line.startswith("-A ")]
    assert [f"{chain} {text}" for _, chain, text in spoken(rules, Backend.IPTABLES_NFT) if "policy" not in text] == said
    assert all(rule.handle for rule in rules if "policy" not in rule.text)
    assert {(r.chain, r.hook, r.priority, r.verdict) for r in rules if "policy" in r.text} == {
        ("INPUT", "input", 0, "accept"),
        ("OUTPUT", "output", 0, "accept"),
    }


@pytest.mark.parametrize(
    ("table", "commands"),
    [
        ("inet filter", "add chain inet filter INPUT { type filter hook input priority 0; }"),
        ("ip filter", "add chain ip filter input { type filter hook input priority 0; }"),
        ("ip filter", "add chain ip filter INPUT { type filter hook input priority 7; }"),
        ("ip mine", "add chain ip mine INPUT { type filter hook input priority 0; }"),
        (
            "ip filter",
            """add chain ip filter INPUT { type filter hook input priority 0; }
            add rule ip filter INPUT ct state vmap { invalid : drop, new : accept }""",
        ),
    ],
)
def test_tables_that_iptables_does_not_list_are_native(netns: Any, table: str, commands: str) -> None:
    chain = "input" if " input {" in commands else "INPUT"
    netns.run(
        "nft", "-f", "-", text=f"add table {table}\n{commands}\nadd rule {table} {chain} ip saddr 10.0.0.1 drop\n"
    )
    rules, _ = read(RuleReader(), [netns.namespace])
    assert {rule.backend for rule in rules} == {Backend.NFTABLES}
    assert any(rule.text == "ip saddr 10.0.0.1 drop" for rule in rules)


def one_datagram() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"x", ("127.0.0.1", 9))


def test_counters_are_fresh_though_nothing_else_changed(netns: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    netns.run("ip", "link", "set", "lo", "up")
    netns.run("nft", "-f", "-", text='table inet mine { chain in { type filter hook input priority 0; policy accept;\n'
              'meta l4proto udp counter comment "counter packets 9 bytes 9"\n}\n}\n')  # fmt: skip
    netns.run("iptables-nft", "-A", "INPUT", "-p", "udp")
    netns.run("iptables-legacy", "-A", "INPUT", "-p", "udp")
    reader = RuleReader()
    before, _ = read(reader, [netns.namespace])
    assert {rule.packets for rule in before if "udp" in rule.text} == {0}

    def listed_again(*_: object, **__: object) -> str:
        raise AssertionError

    monkeypatch.setattr("workbench.collect.netfilter.nft.run_nft", listed_again)
    inside(netns.path, one_datagram)
    after, _ = read(reader, [netns.namespace])
    assert [(rule.backend, rule.packets) for rule in after if "udp" in rule.text] == [
        (Backend.NFTABLES, 1),
        (Backend.IPTABLES_NFT, 1),
        (Backend.LEGACY, 1),
    ]
    assert [replace(rule, packets=None, bytes=None) for rule in after] == [
        replace(rule, packets=None, bytes=None) for rule in before
    ]


def test_changes_are_seen(netns: Any) -> None:
    reader = RuleReader()
    assert read(reader, [netns.namespace]) == ((), ())
    netns.table(("10.0.0.2", 7022, "10.0.0.1", 56692))
    _, locks = read(reader, [netns.namespace])
    assert [sorted(map(str, ends(lock))) for lock in locks] == [["10.0.0.1:56692", "10.0.0.2:7022"]]
    netns.run("nft", f"add element inet {locks[0].table} conns4 {{ 10.0.0.3 . 1 . 10.0.0.4 . 2 }}")
    _, locks = read(reader, [netns.namespace])
    assert len(locks[0].connections) == 2
    netns.run("nft", f"delete table inet {locks[0].table}")
    netns.pair("iptables-legacy", "10.0.0.2", 7022, "10.0.0.1", 56692)
    _, locks = read(reader, [netns.namespace])
    assert [lock.backend for lock in locks] == [Backend.LEGACY]
    netns.run("iptables-legacy", "-F")
    assert read(reader, [netns.namespace])[1] == ()


def test_what_was_not_changed_is_the_same_value(netns: Any) -> None:
    netns.table(("10.0.0.2", 7022, "10.0.0.1", 56692))
    netns.pair("iptables-legacy", "10.0.0.2", 7022, "10.0.0.1", 56692)
    reader = RuleReader()
    first, _ = read(reader, [netns.namespace])
    second, _ = read(reader, [netns.namespace])
    assert all(one is other for one, other in zip(first, second, strict=True))


def test_looking_makes_no_table_and_changes_no_generation(scratch: Callable[[], Any]) -> None:
    empty, full = scratch(), scratch()
    full.table(("10.0.0.2", 7022, "10.0.0.1", 56692))
    full.run("iptables-nft", "-A", "INPUT", "-j", "ACCEPT")
    before = full.run("nft", "-a", "list", "ruleset")
    reader = RuleReader()
    for _ in range(3):
        read(reader, [empty.namespace, full.namespace])
    for netns in (empty, full):
        assert netns.run("cat", "/proc/net/ip_tables_names", "/proc/net/ip6_tables_names") == ""
    assert empty.run("nft", "list", "ruleset") == ""
    assert full.run("nft", "-a", "list", "ruleset") == before


def test_namespaces_are_told_apart_and_none_is_kept(scratch: Callable[[], Any]) -> None:
    one, other = scratch(), scratch()
    for netns, peer in ((one, "10.0.0.1"), (other, "10.0.0.9")):
        netns.table(("10.0.0.2", 7022, peer, 56692))
    reader = RuleReader()
    descriptors, threads = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for _ in range(3):
        _, locks = read(reader, [one.namespace, other.namespace])
        # Which end of a set's element comes first is nft's choice.
        assert {(lock.netns, *sorted(end.address for end in ends(lock))) for lock in locks} == {
            (one.namespace.inode, "10.0.0.1", "10.0.0.2"),
            (other.namespace.inode, "10.0.0.2", "10.0.0.9"),
        }
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    assert threading.active_count() == threads


def test_a_namespace_that_ended_is_no_gap(netns: Any) -> None:
    gone = NetworkNamespace(1, "/proc/999999999/ns/net", (), (999999998,))
    netns.table()
    assert len(read(RuleReader(), [gone, netns.namespace])[1]) == 1


def test_a_path_that_names_another_namespace_by_now_is_not_believed(netns: Any) -> None:
    netns.table()
    stale = replace(netns.namespace, inode=1)
    assert read(RuleReader(), [stale]) == ((), ())


def test_a_namespace_that_may_not_be_entered_is_a_gap(netns: Any, tmp_path: Any) -> None:
    wrong = tmp_path / "no-namespace"
    wrong.touch()
    rules, _, gaps = RuleReader().read([NetworkNamespace(1, str(wrong)), netns.namespace])
    assert rules == ()
    assert [(gap.section, gap.netns) for gap in gaps] == [("rules", 1)]
    assert isinstance(RuleReader().read([NetworkNamespace(1, str(wrong))])[0], Gap)


def test_without_the_library_the_program_serves(netns: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    netns.table(("10.0.0.2", 7022, "10.0.0.1", 56692), ("fd00::2", 7022, "fd00::1", 56692))
    netns.run("iptables-nft", "-A", "INPUT", "-j", "ACCEPT")
    by_library = read(RuleReader(), [netns.namespace])
    monkeypatch.setattr(libnftables, "_library", lambda: None)
    assert read(RuleReader(), [netns.namespace]) == by_library


def test_names_of_interfaces_are_those_of_the_namespace(netns: Any) -> None:
    netns.run("ip", "link", "add", "wbt-one", "type", "veth", "peer", "wbt-two")
    netns.run("nft", "-f", "-", text='table ip t { chain c {\niif "wbt-one" accept\n}\n}\n')
    rules, _ = read(RuleReader(), [netns.namespace])
    assert [rule.text for rule in rules] == ['iif "wbt-one" accept']


def _look() -> tuple[str, str, str]:
    spaces, _ = collect_namespaces()
    assert not isinstance(spaces, Gap)
    own = [each for each in spaces if each.is_host]
    rules, locks, _ = collect_rules(own)
    entries, _ = collect_conntrack(own)
    assert isinstance(rules, Gap)
    assert isinstance(locks, Gap)
    return f"{rules.section} {rules.remedy}", f"{locks.section} {locks.remedy}", str(entries)


def test_without_root_it_is_a_gap_with_a_remedy() -> None:
    rules, locks, entries = as_nobody(_look)
    assert (rules, locks) == ("rules run as root", "locks run as root")
    assert entries == "()" or "run as root" in entries
