"""Every form of a lock of CRIU's, in every listing in which it can be met."""

from dataclasses import replace
from pathlib import Path

import pytest

from workbench.evidence import Backend, Connection, Endpoint, Lock, LockScope
from workbench.evidence.locks import connection_of, is_lock_table, is_lock_table_rule, recognise_locks
from workbench.read.netfilter_dump import NetfilterDump, read_netfilter_dump

RECORDINGS = Path(__file__).parents[3] / "fixtures/recordings/netfilter"
V4 = Connection(Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.1", 56692))
V4_OTHER = Connection(Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.9", 40112))
V6 = Connection(Endpoint("fd00::2", 7022), Endpoint("fd00::1", 56692))
BOTH = frozenset({"input", "output"})
RUN = "660e2a43-99b0-4c54-a4"

SAVES = ("iptables-legacy-save", "iptables-nft-save")
SAVES6 = ("ip6tables-legacy-save", "ip6tables-nft-save")
NFT = ("nft", "nft-a")


def dump(name: str) -> NetfilterDump:
    return read_netfilter_dump((RECORDINGS / name).read_text())


def unordered(lock: Lock) -> set[frozenset[Endpoint]]:
    return {frozenset((each.local, each.peer)) for each in lock.connections}


@pytest.mark.parametrize("situation", ["pairs", "twice", "halves", "among-others"])
@pytest.mark.parametrize("listing", [*SAVES, *SAVES6, *NFT])
def test_pair_of_rules(situation: str, listing: str) -> None:
    if situation == "among-others" and listing in SAVES6:
        return  # recorded for IPv4 only
    locks = dump(f"{situation}.{listing}").locks
    families = ["ip", "ip6"] if listing in NFT and situation != "among-others" else ["ip6" if "6" in listing else "ip"]
    assert [lock.family for lock in locks] == families
    for lock in locks:
        connection = V4 if lock.family == "ip" else V6
        assert lock.connections == (connection,)
        assert lock.name == str(connection)
        assert lock.scope is LockScope.CONNECTION
        assert lock.backend is (Backend.LEGACY if "legacy" in listing else Backend.IPTABLES_NFT)
        assert lock.directions == ({"input"} if situation == "halves" else BOTH)
        assert lock.duplicates == (1 if situation == "twice" else 0)
        assert len(lock.rules) == {"halves": 1, "twice": 4}.get(situation, 2)
        assert lock.packets == 0
        assert lock.run_id_prefix is None


@pytest.mark.parametrize("listing", ["iptables-nft-save", *NFT])
def test_both_ends_on_one_host_are_two_locks(listing: str) -> None:
    locks = dump(f"both-ends.{listing}").locks
    assert {lock.connections[0] for lock in locks} == {V4, V4.reversed}
    assert all(lock.directions == BOTH and len(lock.rules) == 2 for lock in locks)


@pytest.mark.parametrize("listing", [*SAVES, *SAVES6, *NFT])
@pytest.mark.parametrize(("situation", "directions"), [("chain", BOTH), ("chain-without-jumps", frozenset())])
def test_chain_of_a_whole_namespace(situation: str, directions: frozenset[str], listing: str) -> None:
    locks = dump(f"{situation}.{listing}").locks
    assert [lock.family for lock in locks] == (["ip", "ip6"] if listing in NFT else ["ip6" if "6" in listing else "ip"])
    for lock in locks:
        assert (lock.scope, lock.name, lock.connections) == (LockScope.NAMESPACE, "CRIU", ())
        assert lock.directions == directions
        assert [rule.chain for rule in lock.rules][-2:] == ["CRIU", "CRIU"]
        assert len(lock.rules) == 2 + len(directions)
        assert lock.packets == 0


@pytest.mark.parametrize("listing", NFT)
def test_table_of_connections(listing: str) -> None:
    for situation in ("table", "table-among-others"):
        (lock,) = dump(f"{situation}.{listing}").locks
        assert (lock.backend, lock.scope, lock.name) == (Backend.NFTABLES, LockScope.CONNECTION, f"CRIU-{RUN}")
        assert unordered(lock) == {frozenset((each.local, each.peer)) for each in (V4, V4_OTHER, V6)}
        assert len(lock.connections) == 3
        assert lock.directions == BOTH
        assert lock.packets is None
        assert (lock.run_id_prefix, lock.root_pid) == (RUN, None)
        assert all(is_lock_table_rule(rule) for rule in lock.rules)


def test_table_before_its_first_connection() -> None:
    (lock,) = dump("table-empty.nft").locks
    assert (lock.scope, lock.connections, lock.directions) == (LockScope.CONNECTION, (), BOTH)


def test_table_named_by_pid() -> None:
    (lock,) = dump("table-by-pid.nft-a").locks
    assert (lock.run_id_prefix, lock.root_pid) == (None, 4645)
    assert unordered(lock) == {frozenset((V4.local, V4.peer))}


def test_closed_table_is_a_whole_namespace() -> None:
    (lock,) = dump("table-closed.nft").locks
    assert (lock.scope, lock.connections, lock.directions) == (LockScope.NAMESPACE, (), BOTH)


def test_input_rule_of_a_misread_ipv6_address_is_half_a_lock() -> None:
    for listing in ("iptables-nft-save", *NFT):
        (lock,) = dump(f"mapped-fault.{listing}").locks
        assert lock.directions == {"input"}
        assert lock.name == "10.99.1.2:7007 -> 0.0.0.1:46784"


def test_held_packets_are_those_of_both_directions() -> None:
    rules = [replace(rule, packets=5) if rule.verdict == "drop" else rule for rule in dump("twice.nft").rules]
    assert [lock.packets for lock in recognise_locks(rules, ())] == [20, 20]


def test_one_direction_missing_from_a_set_is_still_its_connection() -> None:
    found = dump("table-by-pid.nft")
    half = replace(found.sets[0], elements=found.sets[0].elements[:1])
    (lock,) = recognise_locks(found.rules, (half,))
    assert len(lock.connections) == 1


@pytest.mark.parametrize(
    "change",
    [
        ("! --mark 0xc114", "! --mark 0xc115"),
        ("! --mark 0xc114", "--mark 0xc114"),
        ("10.0.0.1/32", "10.0.0.0/24"),
        ("-j DROP", "-j REJECT"),
        ("-p tcp", "-p udp"),
        ("--sport 56692 ", ""),
        ("-j DROP", "-m comment --comment x -j DROP"),
        ("-s 10.0.0.1/32", "-i eth0 -s 10.0.0.1/32"),
    ],
)
def test_a_rule_that_differs_in_any_part_is_nobodys(change: tuple[str, str]) -> None:
    rule = dump("pairs.iptables-legacy-save").rules[0]
    assert connection_of(rule) == V4
    other = replace(rule, text=rule.text.replace(*change))
    assert other.text != rule.text
    assert connection_of(other) is None
    assert recognise_locks([other], ()) == ()


def test_a_rule_in_another_place_is_nobodys() -> None:
    rule = dump("pairs.iptables-legacy-save").rules[0]
    assert recognise_locks([replace(rule, chain="FORWARD")], ()) == ()
    assert recognise_locks([replace(rule, table="mangle")], ()) == ()
    assert len(recognise_locks([rule], ())) == 1


def test_namespaces_and_backends_are_not_mixed() -> None:
    output = next(rule for rule in dump("pairs.iptables-legacy-save").rules if rule.chain == "OUTPUT")
    incoming = dump("halves.iptables-legacy-save").rules[0]
    assert len(recognise_locks([output, incoming], ())) == 1
    assert len(recognise_locks([output, replace(incoming, netns=1)], ())) == 2
    assert len(recognise_locks([output, replace(incoming, backend=Backend.IPTABLES_NFT)], ())) == 2


@pytest.mark.parametrize(
    ("name", "is_lock"),
    [(f"CRIU-{RUN}", True), ("CRIU-62", True), ("CRIU", False), ("CRIU-mine", False), (f"CRIU-{RUN}d", False)],
)
def test_names_of_tables(name: str, is_lock: bool) -> None:
    assert is_lock_table(name) is is_lock
