"""Recognise CRIU's network locks by the form of the rules alone.

Forms: criu/netfilter.c (one pair of iptables rules or two set elements for each connection) and criu/net.c (the chain
``CRIU``, or a table with policy drop, for a whole network namespace). Packets with firewall mark 0xC114 (CRIU's own
play-acted FIN and ACK) pass in every form.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from workbench.evidence.netfilter import Backend, Lock, LockScope, Rule, SetElements
from workbench.evidence.socket import Connection, Endpoint

CHAIN = "CRIU"
"""Chain of the whole-namespace lock by iptables."""
TABLE_PREFIX = "CRIU-"
"""Start of the name of nftables tables, followed by a pid (CRIU 3.16 to 4.0) or 21 characters of the run id."""
OWN_TABLE_PREFIX = "workbench-"
"""Start of the name of a table of CRIU's form that the workbench itself made, followed by 21 characters."""
CONNECTION_SETS = ("conns4", "conns6")

_TABLE_NAME = re.compile(r"(?:CRIU|workbench)-(?:(?P<pid>\d{1,10})|(?P<run>[0-9a-f-]{21}))")
_MARK = r"0x0*c114(?:/0xf{8})?"
_IPTABLES_PAIR = re.compile(
    r"-s (?P<source>[0-9a-f.:]+)/(?:32|128) -d (?P<destination>[0-9a-f.:]+)/(?:32|128) -p (?:tcp|6)"
    rf"(?= .*-m mark ! --mark {_MARK}(?: |$))(?= .*--sport (?P<sport>\d+)(?: |$))(?= .*--dport (?P<dport>\d+)(?: |$))"
    rf"(?: -m (?:mark|tcp)| ! --mark {_MARK}| --[sd]port \d+){{5}} -j DROP"
)
_NFT_PAIR = re.compile(
    r"ip6? saddr (?P<source>[0-9a-f.:]+) ip6? daddr (?P<destination>[0-9a-f.:]+) (?:meta l4proto tcp )?"
    rf"meta mark != {_MARK} tcp sport (?P<sport>\d+) tcp dport (?P<dport>\d+)(?: counter)? drop"
)
_CHAIN_ACCEPT = re.compile(rf"-m mark --mark {_MARK} -j ACCEPT|meta mark {_MARK}(?: counter)? accept")
_CHAIN_DROP = re.compile(r"-j DROP|(?:counter )?drop")
_JUMP = re.compile(r"-j CRIU|(?:counter )?jump CRIU")
_TABLE_RULE = re.compile(
    rf"meta mark {_MARK} accept|policy (?:accept|drop)"
    r"|(ip6?) saddr \. tcp sport \. \1 daddr \. tcp dport @conns[46] drop"
)


def is_lock_table(name: str) -> bool:
    """Whether an nftables table of family ``inet`` bears a name that CRIU gives, or the workbench."""
    return _TABLE_NAME.fullmatch(name) is not None


def is_lock_table_rule(rule: Rule) -> bool:
    """Whether CRIU itself writes such a rule into its nftables table; others were added by somebody else."""
    return _TABLE_RULE.fullmatch(rule.text) is not None


def is_lock_chain_rule(rule: Rule) -> bool:
    """Whether CRIU itself writes such a rule into its chain ``CRIU`` of iptables."""
    return bool(_CHAIN_ACCEPT.fullmatch(rule.text) or _CHAIN_DROP.fullmatch(rule.text))


def recognise_locks(rules: Iterable[Rule], set_elements: Iterable[SetElements]) -> tuple[Lock, ...]:
    """Every lock of CRIU's making in the order of its first rule.

    A rule that differs from CRIU's form in any part is nobody's lock. Half a lock has one direction only;
    a chain ``CRIU`` that nothing jumps to has none.
    """
    tables: dict[tuple[int, Backend, str, str], list[Rule]] = defaultdict(list)
    for rule in rules:
        tables[rule.netns, rule.backend, rule.family, rule.table].append(rule)
    sets = defaultdict(list)
    for item in set_elements:
        sets[item.netns, item.family, item.table].append(item)
    locks: list[Lock] = []
    for (netns, backend, family, table), within in tables.items():
        if backend is Backend.NFTABLES and family == "inet":
            locks.extend(_table_lock(within, sets[netns, family, table]))
        elif table == "filter" and family in {"ip", "ip6"}:
            locks.extend(_connection_pairs(within))
            locks.extend(_chain_lock(within))
    return tuple(locks)


def connection_of(rule: Rule) -> Connection | None:
    """The connection that an iptables rule of CRIU's holds back, seen from the locked end; None for other rules.

    Knows the rule as iptables-save lists it and as nft lists a rule of iptables-nft.
    """
    if rule.chain not in {"INPUT", "OUTPUT"}:
        return None
    match = _IPTABLES_PAIR.fullmatch(rule.text) or _NFT_PAIR.fullmatch(rule.text)
    if match is None:
        return None
    source = Endpoint(match["source"], int(match["sport"]))
    destination = Endpoint(match["destination"], int(match["dport"]))
    return Connection(source, destination) if rule.chain == "OUTPUT" else Connection(destination, source)


def _connection_pairs(rules: Sequence[Rule]) -> Iterator[Lock]:
    found: dict[Connection, list[Rule]] = defaultdict(list)
    for rule in rules:
        connection = connection_of(rule)
        if connection is not None:
            found[connection].append(rule)
    for connection, pair in found.items():
        chains = [rule.chain.lower() for rule in pair]
        yield Lock(
            netns=pair[0].netns,
            backend=pair[0].backend,
            scope=LockScope.CONNECTION,
            family=pair[0].family,
            table=pair[0].table,
            name=str(connection),
            connections=(connection,),
            directions=frozenset(chains),
            packets=_held(pair),
            duplicates=max(chains.count("input"), chains.count("output")) - 1,
            rules=tuple(pair),
        )


def _chain_lock(rules: Sequence[Rule]) -> Iterator[Lock]:
    chain = [rule for rule in rules if rule.chain == CHAIN]
    drops = [rule for rule in chain if _CHAIN_DROP.fullmatch(rule.text)]
    if not drops or not any(_CHAIN_ACCEPT.fullmatch(rule.text) for rule in chain):
        return
    jumps = [rule for rule in rules if rule.chain in {"INPUT", "OUTPUT"} and _JUMP.fullmatch(rule.text)]
    origins = [rule.chain.lower() for rule in jumps]
    yield Lock(
        netns=drops[0].netns,
        backend=drops[0].backend,
        scope=LockScope.NAMESPACE,
        family=drops[0].family,
        table=drops[0].table,
        name=CHAIN,
        connections=(),
        directions=frozenset(origins),
        packets=_held(drops),
        duplicates=max(origins.count("input"), origins.count("output"), 1) - 1,
        rules=(*jumps, *chain),
    )


def _table_lock(rules: Sequence[Rule], sets: Sequence[SetElements]) -> Iterator[Lock]:
    name = _TABLE_NAME.fullmatch(rules[0].table)
    if name is None:
        return
    of_connections = any(item.name in CONNECTION_SETS for item in sets) or any("@conns" in rule.text for rule in rules)
    closed = "@conns" if of_connections else "policy drop"
    hooks = {rule.hook for rule in rules if rule.verdict == "drop" and closed in rule.text}
    if not hooks:
        return
    yield Lock(
        netns=rules[0].netns,
        backend=Backend.NFTABLES,
        scope=LockScope.CONNECTION if of_connections else LockScope.NAMESPACE,
        family=rules[0].family,
        table=rules[0].table,
        name=rules[0].table,
        connections=_folded(item for item in sets if item.name in CONNECTION_SETS),
        directions=frozenset(hook for hook in hooks if hook in {"input", "output"}),
        packets=None,
        run_id_prefix=name["run"],
        root_pid=int(name["pid"]) if name["pid"] else None,
        rules=tuple(rules),
    )


def _folded(sets: Iterable[SetElements]) -> tuple[Connection, ...]:
    """Each connection once: CRIU puts both of its directions into the set."""
    connections: dict[Connection, None] = {}
    for item in sets:
        for element in item.elements:
            if len(element) != 4 or not (element[1].isdecimal() and element[3].isdecimal()):
                continue
            connection = Connection(Endpoint(element[0], int(element[1])), Endpoint(element[2], int(element[3])))
            if connection.reversed not in connections:
                connections[connection] = None
    return tuple(connections)


def _held(rules: Iterable[Rule]) -> int | None:
    counted = [rule.packets for rule in rules if rule.packets is not None]
    return sum(counted) if counted else None
