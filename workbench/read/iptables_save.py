"""The text that ``iptables-save -c`` and its siblings print (iptables/iptables-save.c)."""

import itertools
import re
import shlex
from collections.abc import Iterator

from workbench.evidence import Backend, Rule

_COUNTED = re.compile(r"\[(\d{1,20}):(\d{1,20})\] (.*)")
_APPENDED = re.compile(r"-A (\S+)(?: (.*))?")
_CHAIN = re.compile(r":(\S+) (\S+)(?: \[(\d{1,20}):(\d{1,20})\])?")

_SPECIAL = re.compile(r"[^\x21-\x7e ]|[\"'\\]")
"""What is more than words with spaces between them."""
_WORD = re.compile(r"""(?:[^\s"'\\]+|"(?:[^"\\]|\\.)*"|'[^']*'|\\.|["'\\])+""")
"""As a shell would part them, but quotes and all: shlex takes a microsecond for each character."""
_LONGEST = 1 << 16
"""Characters of a rule that are looked at; the kernel's own are shorter."""

_PRIORITIES = {"raw": -300, "mangle": -150, "filter": 0, "security": 50}
"""include/uapi/linux/netfilter_ipv4.h; the same for IPv6."""


def hook_of(table: str, chain: str) -> tuple[str | None, int | None]:
    """Hook and priority of a built-in chain of iptables; None for a chain that a user made."""
    if chain not in {"PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"}:
        return None, None
    if table == "nat":
        return chain.lower(), -100 if chain in {"PREROUTING", "OUTPUT"} else 100
    return chain.lower(), _PRIORITIES.get(table)


def read_iptables_save(text: str, netns: int, backend: Backend, family: str) -> tuple[Rule, ...]:
    r"""Every rule, and the policy of every built-in chain behind the chain's last rule; other lines are passed over.

    Counters of a policy are those of packets that no rule decided on; iptables-nft has none and prints 0.
    Example: ``:INPUT ACCEPT [7:420]`` and ``[3:180] -A INPUT -s 10.0.0.1/32 -p tcp -j DROP`` below ``*filter``.
    """
    return tuple(_rules(text, netns, backend, family))


def _rules(text: str, netns: int, backend: Backend, family: str) -> Iterator[Rule]:
    table = ""
    chains: dict[str, list[Rule]] = {}
    policies: dict[str, Rule] = {}
    for line in [*text.splitlines(), "COMMIT"]:
        if line.startswith("*"):
            table, chains, policies = line[1:].strip(), {}, {}
        elif match := _CHAIN.fullmatch(line):
            name, policy = match[1], match[2]
            chains.setdefault(name, [])
            if policy != "-":
                hook, priority = hook_of(table, name)
                counted = backend is Backend.LEGACY and match[3] is not None
                policies[name] = Rule(
                    netns, backend, family, table, name, f"policy {policy}", 0, None, hook, priority, policy.lower(),
                    int(match[3]) if counted else None, int(match[4]) if counted else None,
                )  # fmt: skip
        elif line == "COMMIT":
            for name, rules in chains.items():
                yield from rules
                if name in policies:
                    yield _placed(policies[name], len(rules))
            table, chains, policies = "", {}, {}
        elif table:
            counters = _COUNTED.fullmatch(line)
            match = _APPENDED.fullmatch(counters[3] if counters else line)
            if match is None:
                continue
            rules = chains.setdefault(match[1], [])
            body = match[2] or ""
            hook, priority = hook_of(table, match[1])
            rules.append(
                Rule(
                    netns, backend, family, table, match[1], body, len(rules), None, hook, priority,
                    _verdict(body, chains), int(counters[1]) if counters else None,
                    int(counters[2]) if counters else None,
                )
            )  # fmt: skip


def _placed(policy: Rule, position: int) -> Rule:
    return Rule(
        policy.netns, policy.backend, policy.family, policy.table, policy.chain, policy.text, position, None,
        policy.hook, policy.priority, policy.verdict, policy.packets, policy.bytes,
    )  # fmt: skip


def arguments(text: str) -> tuple[str, ...]:
    """A rule's text as the arguments that a shell would make of it: iptables-save quotes for shells.

    Raises ValueError for text with an open quote.
    """
    # shlex looks at each letter by itself, which is long for thousands of rules.
    return tuple(shlex.split(text) if _SPECIAL.search(text) else text.split())


def _verdict(text: str, chains: dict[str, list[Rule]]) -> str | None:
    if len(text) > _LONGEST:
        return None
    for option, target in itertools.pairwise(match[0] for match in _WORD.finditer(text)):
        if option in {"-g", "--goto"}:
            return f"goto {target}"
        if option in {"-j", "--jump"}:
            return f"jump {target}" if target in chains else target.lower()
    return None
