"""nftables and iptables-nft rules of one network namespace."""

import shutil
import socket
import struct
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from workbench.collect import nfnetlink
from workbench.collect.netfilter.libnftables import SEARCH_PATH, run_nft
from workbench.evidence import Backend, Rule, SetElements
from workbench.evidence.locks import is_lock_table
from workbench.read.iptables_save import read_iptables_save
from workbench.read.nft_ruleset import read_nft_ruleset

_GET_GENERATION = 16
_GET_RULE = 7
_TIMEOUT_S = 30
_COUNTER_NAME = struct.pack("=HH", 12, 1) + b"counter\0"
"""Attribute NFTA_EXPR_NAME; its NFTA_EXPR_DATA follows with bytes (1) and packets (2), big endian."""


@dataclass(frozen=True, slots=True)
class NftRules:
    """The rules of one generation; ``generation`` is None if it changed while they were listed."""

    generation: int | None
    rules: tuple[Rule, ...]
    sets: tuple[SetElements, ...]


def generation(opened: socket.socket) -> int:
    """Number of the rule set: every transaction changes it, counting packets does not (NFTA_GEN_ID)."""
    answer = nfnetlink.request(opened, nfnetlink.SUBSYSTEM_NFTABLES, _GET_GENERATION)
    return next((int.from_bytes(value, "big") for kind, value in nfnetlink.attributes(answer) if kind == 1), 0)


def read_nft(netns: int, opened: socket.socket, known: NftRules | None) -> NftRules:
    """All rules and the elements of CRIU's sets; must be called within the namespace of ``opened``.

    With ``known`` of the same generation only counters are read anew; ``known`` itself is given if none moved.
    A table of iptables-nft is one that iptables-nft-save lists, rule for rule, and bears its words. Whatever nft adds
    to such a table in words that iptables does not know makes the table nftables' own.
    Raises OSError (refused) or WorkbenchError (no library and no program).
    """
    before = generation(opened)
    if known is not None and known.generation == before:
        if not any(rule.packets is not None for rule in known.rules):
            return known
        counted = _counters(opened)
        rules = tuple(_recounted(rule, counted) for rule in known.rules)
        still = all(fresh is rule for fresh, rule in zip(rules, known.rules, strict=True))
        return known if still else replace(known, rules=rules)
    listed = read_nft_ruleset(run_nft("list ruleset", elements=False), netns)
    sets: list[SetElements] = []
    for family, name, _ in listed.tables:
        if family == "inet" and is_lock_table(name):
            sets.extend(read_nft_ruleset(run_nft(f"list table {family} {name}"), netns).sets)
    rules = _spoken_by_iptables(listed.rules)
    after = generation(opened)
    return NftRules(after if after == before else None, rules, tuple(sets))


def _spoken_by_iptables(rules: Sequence[Rule]) -> tuple[Rule, ...]:
    """Rules of iptables-nft in the words of iptables-nft-save, if it lists as many in each chain of the table."""
    families = {rule.family for rule in rules if rule.backend is Backend.IPTABLES_NFT}
    if not families:
        return tuple(rules)
    saved: dict[tuple[str, str], dict[str, list[Rule]]] = defaultdict(lambda: defaultdict(list))
    for family in sorted(families):
        text = _iptables_nft_save(family)
        if text is None:
            return tuple(rules)
        for rule in _without_policies(read_iptables_save(text, 0, Backend.IPTABLES_NFT, family)):
            saved[family, rule.table][rule.chain].append(rule)
    counts: dict[tuple[str, str], dict[str, int]] = defaultdict(lambda: defaultdict(int))
    for rule in _without_policies(rules):
        counts[rule.family, rule.table][rule.chain] += 1
    return tuple(_spoken(rule, saved[rule.family, rule.table], counts[rule.family, rule.table]) for rule in rules)


def _spoken(rule: Rule, saved: dict[str, list[Rule]], counts: dict[str, int]) -> Rule:
    if rule.backend is not Backend.IPTABLES_NFT:
        return rule
    if {chain: len(listed) for chain, listed in saved.items() if listed} != counts:
        return replace(rule, backend=Backend.NFTABLES)
    if rule.text.startswith("policy "):
        return replace(rule, text=rule.text.upper().replace("POLICY", "policy"))
    said = saved[rule.chain][rule.position]
    return replace(rule, text=said.text, verdict=said.verdict)


def _without_policies(rules: Iterable[Rule]) -> Iterable[Rule]:
    return (rule for rule in rules if not rule.text.startswith("policy "))


def _iptables_nft_save(family: str) -> str | None:
    program = shutil.which("ip6tables-nft-save" if family == "ip6" else "iptables-nft-save", path=SEARCH_PATH)
    if program is None:
        return None
    done = subprocess.run([program], capture_output=True, timeout=_TIMEOUT_S, check=False, process_group=0)
    return None if done.returncode else done.stdout.decode(errors="surrogateescape")


def _counters(opened: socket.socket) -> dict[tuple[int, bytes, int], tuple[int, int]]:
    """Packets and bytes of the first counter of each rule, by family, table and handle.

    A dump that was interrupted by a change is used as far as it went: the next look sees the new generation.
    """
    found: dict[tuple[int, bytes, int], tuple[int, int]] = {}
    try:
        for family, message in nfnetlink.dump(opened, nfnetlink.SUBSYSTEM_NFTABLES, _GET_RULE):
            fields = dict(nfnetlink.attributes(message))
            at = fields.get(4, b"").find(_COUNTER_NAME)
            if at >= 0:
                count, packets = struct.unpack_from("!4x4xQ4xQ", fields[4], at + len(_COUNTER_NAME))
                found[family, fields[1], int.from_bytes(fields[3], "big")] = packets, count
    except nfnetlink.DumpInterruptedError:
        pass
    return found


_FAMILIES = {"inet": 1, "ip": 2, "arp": 3, "netdev": 5, "bridge": 7, "ip6": 10}
"""NFPROTO_*, include/uapi/linux/netfilter.h."""


def _recounted(rule: Rule, counted: dict[tuple[int, bytes, int], tuple[int, int]]) -> Rule:
    if rule.handle is None or rule.packets is None:
        return rule
    table = rule.table.encode(errors="surrogateescape") + b"\0"
    fresh = counted.get((_FAMILIES.get(rule.family, 0), table, rule.handle))
    if fresh is None or fresh == (rule.packets, rule.bytes):
        return rule
    return replace(rule, packets=fresh[0], bytes=fresh[1])
