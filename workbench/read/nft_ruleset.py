"""The text that ``nft list ruleset`` prints (nftables, src/rule.c and src/statement.c)."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from workbench.evidence import Backend, Rule, SetElements
from workbench.read.iptables_save import hook_of

_HANDLE = re.compile(r" # handle (\d{1,20})$")
_BASE = re.compile(r"type \S+ hook (\S+)(?: devices? .*?)? priority ([^;]+);(?: policy (\S+);)?")
_COUNTER = re.compile(r"\bcounter packets (\d{1,20}) bytes (\d{1,20})")
_VERDICT = re.compile(
    r"\b(accept|drop|continue|return|(?:jump|goto) \S+)$"
    r"|\b(reject|queue|masquerade|redirect|dnat|snat|tproxy|notrack|vmap)\b"
)
_JOINED = re.compile(r"type(?:of)? [^{]*? \. ")
_PRIORITY_NAMES = {"raw": -300, "mangle": -150, "dstnat": -100, "filter": 0, "security": 50, "srcnat": 100}
_BRIDGE_PRIORITY_NAMES = {"dstnat": -300, "filter": -200, "out": 100, "srcnat": 300}
_IPTABLES_TABLES = frozenset({"filter", "nat", "mangle", "raw", "security"})


@dataclass(slots=True)
class NftRuleset:
    """Rules in their order (a chain's policy behind its last rule), and the elements of sets that were asked for."""

    rules: list[Rule] = field(default_factory=list)
    sets: list[SetElements] = field(default_factory=list)
    tables: list[tuple[str, str, int | None]] = field(default_factory=list)
    """Family, name and handle, also of tables without rules."""


@dataclass(slots=True)
class _Chain:
    name: str
    hook: str | None = None
    priority: int | None = None
    policy: str | None = None
    lines: list[tuple[str, int | None]] = field(default_factory=list)


def read_nft_ruleset(text: str, netns: int) -> NftRuleset:
    """Every table of the listing; handles where it was made with ``-a``; never raises, what is no rule is passed over.

    Counters are taken out of a rule's text, which then is what ``nft --stateless`` prints and can be typed again.
    A table that iptables-nft made gives rules of that backend, still in nft's words. Elements are read of sets in
    tables of family ``inet`` only, whose type joins several fields: that is what a lock of CRIU's consists of.
    """
    found = NftRuleset()
    lines = iter(text.splitlines())
    for line in lines:
        body, handle = _split(line)
        words = body.split()
        if len(words) >= 4 and words[0] == "table" and words[-1] == "{":
            found.tables.append((words[1], words[2], handle))
            _read_table(lines, netns, words[1], words[2], found)
    return found


def _split(line: str) -> tuple[str, int | None]:
    match = _HANDLE.search(line)
    return (line[: match.start()].strip(), int(match[1])) if match else (line.strip(), None)


def _read_table(lines: Iterator[str], netns: int, family: str, table: str, found: NftRuleset) -> None:
    chains: list[_Chain] = []
    for line in lines:
        body, _ = _split(line)
        words = body.split()
        if body == "}":
            break
        if len(words) >= 3 and words[0] == "chain" and words[-1] == "{":
            chains.append(_read_chain(lines, words[1], family))
        elif len(words) >= 3 and words[0] == "set" and words[-1] == "{":
            elements = _read_set(lines)
            if elements is not None and family == "inet":
                found.sets.append(SetElements(netns, family, table, words[1], elements))
        elif body.endswith("{"):
            _skip_block(lines)
    backend = Backend.IPTABLES_NFT if _made_by_iptables(family, table, chains) else Backend.NFTABLES
    for chain in chains:
        found.rules.extend(_rules(chain, netns, backend, family, table))


def _read_chain(lines: Iterator[str], name: str, family: str) -> _Chain:
    chain = _Chain(name)
    for line in lines:
        body, handle = _split(line)
        if body == "}":
            break
        base = _BASE.match(body)
        if base and not chain.lines:
            chain.hook, chain.policy = base[1], base[3] or "accept"
            chain.priority = _priority(base[2], family)
        elif body and not body.startswith("comment "):
            chain.lines.append((body, handle))
    return chain


def _priority(text: str, family: str) -> int | None:
    """``0``, ``filter``, or ``filter - 5``."""
    words = text.split()
    names = _BRIDGE_PRIORITY_NAMES if family == "bridge" else _PRIORITY_NAMES
    try:
        base = names[words[0]] if words[0] in names else int(words[0])
        return base + int("".join(words[1:])) if len(words) > 1 else base
    except (ValueError, IndexError):
        return None


def _made_by_iptables(family: str, table: str, chains: list[_Chain]) -> bool:
    """Whether every base chain is one that iptables-nft would have made (iptables/nft.c: xtables_ipv4)."""
    bases = [chain for chain in chains if chain.hook is not None]
    return (
        family in {"ip", "ip6"}
        and table in _IPTABLES_TABLES
        and bool(bases)
        and all((chain.hook, chain.priority) == hook_of(table, chain.name) for chain in bases)
    )


def _rules(chain: _Chain, netns: int, backend: Backend, family: str, table: str) -> Iterator[Rule]:
    for position, (body, handle) in enumerate(chain.lines):
        spoken, comment = _without_comment(body)
        counter = _COUNTER.search(spoken)
        stateless = _COUNTER.sub("counter", spoken) + comment
        verdict = _VERDICT.search(spoken)
        yield Rule(
            netns, backend, family, table, chain.name, stateless, position, handle, chain.hook, chain.priority,
            (verdict[1] or verdict[2]) if verdict else None,
            int(counter[1]) if counter else None, int(counter[2]) if counter else None,
        )  # fmt: skip
    if chain.policy is not None:
        yield Rule(
            netns, backend, family, table, chain.name, f"policy {chain.policy}", len(chain.lines), None, chain.hook,
            chain.priority, chain.policy,
        )  # fmt: skip


def _without_comment(body: str) -> tuple[str, str]:
    """What the rule does, and its comment, which stands last and may contain anything."""
    before, mark, comment = body.partition(' comment "')
    return before, mark + comment


def _read_set(lines: Iterator[str]) -> tuple[tuple[str, ...], ...] | None:
    """Elements of a set that joins several fields; None for other sets."""
    text = " ".join(itertools.takewhile(lambda body: body != "}", (_split(line)[0] for line in lines)))
    if not _JOINED.match(text):
        return None
    elements = text.partition("elements = {")[2].rpartition("}")[0]
    return tuple(
        tuple(part.strip() for part in element.split(" . ")) for element in elements.split(",") if element.strip()
    )


def _skip_block(lines: Iterator[str]) -> None:
    for line in lines:
        if _split(line)[0] == "}":
            return
