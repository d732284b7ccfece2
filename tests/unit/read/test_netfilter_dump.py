"""Listings of iptables-save and nft, as recorded from the tools."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.evidence import Backend, Rule
from workbench.read.iptables_save import arguments, read_iptables_save
from workbench.read.netfilter_dump import is_netfilter_dump, read_netfilter_dump
from workbench.read.nft_ruleset import read_nft_ruleset

RECORDINGS = Path(__file__).parents[3] / "fixtures/recordings/netfilter"


def recorded(name: str) -> str:
    return (RECORDINGS / name).read_text()


def brief(rules: tuple[Rule, ...], chain: str) -> list[tuple[str, str | None, int | None]]:
    return [(rule.text, rule.verdict, rule.packets) for rule in rules if rule.chain == chain]


@pytest.mark.parametrize("path", sorted(RECORDINGS.iterdir()), ids=lambda path: path.name)
def test_every_recording_is_recognised_and_read(path: Path) -> None:
    text = path.read_text()
    assert is_netfilter_dump(text)
    rules = read_netfilter_dump(text, 7).rules
    said = [line for line in text.splitlines() if "-A " in line or line.startswith("\t\t")]
    assert 0 < len([rule for rule in rules if not rule.text.startswith("policy ")]) <= len(said)
    assert {rule.netns for rule in rules} == {7}
    legacy, nft = "legacy" in path.name, path.name.endswith(("nft", "nft-a"))
    expected = Backend.LEGACY if legacy else Backend.NFTABLES if nft and "table" in path.name else Backend.IPTABLES_NFT
    assert {rule.backend for rule in rules} == {expected}
    assert all(rule.handle for rule in rules if "nft-a" in path.name and not rule.text.startswith("policy "))


def test_iptables_save() -> None:
    rules = read_netfilter_dump(recorded("among-others.iptables-legacy-save")).rules
    filtering = tuple(rule for rule in rules if rule.table == "filter")
    assert brief(filtering, "INPUT")[2:] == [
        ("-i lo -j CRIUS", "jump CRIUS", 7),
        ("-s 10.0.0.1/32 -p tcp -m tcp --dport 7022 -j DROP", "drop", 0),
        (r'-m comment --comment "say \"-j DROP\"" -j ACCEPT', "accept", 0),
        ("policy ACCEPT", "accept", 0),
    ]
    assert brief(filtering, "FORWARD") == [("policy DROP", "drop", 0)]
    nat = [rule for rule in rules if rule.table == "nat" and rule.chain == "POSTROUTING"]
    assert [(rule.hook, rule.priority, rule.verdict, rule.position) for rule in nat] == [
        ("postrouting", 100, "masquerade", 0),
        ("postrouting", 100, "accept", 1),
    ]
    assert [rule.hook for rule in rules if rule.chain == "CRIUS"] == [None, None]


def test_arguments_are_what_a_shell_would_make() -> None:
    assert arguments(r'--comment "say \"-j DROP\"" -j ACCEPT') == ("--comment", 'say "-j DROP"', "-j", "ACCEPT")


def test_nft_ruleset() -> None:
    ruleset = read_nft_ruleset(recorded("table-among-others.nft-a"), 0)
    rules = tuple(rule for rule in ruleset.rules if rule.table == "CRIU-mine")
    assert brief(rules, "in") == [
        ('iif "lo" accept', "accept", None),
        ('tcp dport { 22, 80 } counter accept comment "a } b { counter packets 1 bytes 1"', "accept", 3),
        ("tcp dport vmap @verdicts", "vmap", None),
        ("ip saddr . tcp sport . ip daddr . tcp dport @conns4 drop", "drop", None),
        ("jump more", "jump more", None),
        ("policy drop", "drop", None),
    ]
    assert [rule.handle for rule in rules if rule.chain == "in"] == [7, 9, 10, 11, 12, None]
    assert {(rule.hook, rule.priority) for rule in rules if rule.chain == "in"} == {("input", -5)}
    assert [rule.verdict for rule in rules if rule.chain == "more"] == ["reject"]
    assert [(rule.hook, rule.packets) for rule in rules if rule.chain == "dev"] == [("ingress", 0), ("ingress", None)]
    bridge = [rule for rule in ruleset.rules if rule.family == "bridge"]
    assert [(rule.priority, rule.text) for rule in bridge] == [(-200, "policy drop")]
    assert [(family, name) for family, name, _ in ruleset.tables] == [
        ("inet", "CRIU-mine"), ("bridge", "b"), ("inet", "CRIU-660e2a43-99b0-4c54-a4")
    ]  # fmt: skip
    elements = {(item.table, item.name): item.elements for item in ruleset.sets}
    assert elements["CRIU-mine", "conns4"] == (("10.0.0.1", "1", "10.0.0.2", "2"),)
    assert len(elements["CRIU-660e2a43-99b0-4c54-a4", "conns4"]) == 4
    assert ("fd00::2", "7022", "fd00::1", "56692") in elements["CRIU-660e2a43-99b0-4c54-a4", "conns6"]


def test_several_listings_in_one_file() -> None:
    names = ("pairs.iptables-legacy-save", "pairs.ip6tables-nft-save", "table.nft", "pairs.iptables-nft-save")
    together = read_netfilter_dump("\n".join(map(recorded, names)))
    alone = [read_netfilter_dump(recorded(name)) for name in names]
    assert together.rules == tuple(rule for dump in alone for rule in dump.rules)
    assert sorted(together.locks, key=repr) == sorted((lock for dump in alone for lock in dump.locks), key=repr)


def test_iptables_save_without_its_comments_is_taken_for_legacy_of_the_family_it_speaks() -> None:
    for name, family in (("pairs.iptables-nft-save", "ip"), ("pairs.ip6tables-nft-save", "ip6")):
        bare = "\n".join(line for line in recorded(name).splitlines() if not line.startswith("#"))
        rules = read_netfilter_dump(bare).rules
        assert {(rule.backend, rule.family) for rule in rules} == {(Backend.LEGACY, family)}


@pytest.mark.parametrize("text", ["", "hello", "Chain INPUT (policy ACCEPT)", '{"nftables": []}', "# table inet x {"])
def test_other_texts_are_not_recognised(text: str) -> None:
    assert not is_netfilter_dump(text)


@given(st.text(), st.sampled_from(sorted(RECORDINGS.iterdir())), st.integers(0, 4000), st.integers(0, 4000))
def test_nothing_breaks_the_readers(noise: str, path: Path, start: int, end: int) -> None:
    text = path.read_text()
    damaged = text[:start] + noise + text[end:]
    for rule in read_netfilter_dump(damaged).rules:
        assert rule.position >= 0
    read_nft_ruleset(damaged, 0)
    read_iptables_save(damaged, 0, Backend.LEGACY, "ip")
