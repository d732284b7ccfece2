"""The exact commands that take a lock of CRIU's away, backend by backend."""

import shlex
from collections.abc import Iterable

from workbench.checking.finding import Fix
from workbench.evidence import Backend, Lock, Rule
from workbench.evidence.locks import CHAIN

MANY = 8
"""More commands than this are left to the program that removes locks."""


def lifting(locks: Iterable[Lock], prefix: tuple[str, ...] = (), *, safe: bool = False) -> tuple[Fix, ...]:
    """One fix for each command, in the order in which they must be run; ``prefix`` enters the namespace."""
    commands = list(dict.fromkeys(command for lock in locks for command in _commands(lock)))
    shown = [Fix(text, (*prefix, *command), safe) for text, command in commands[:MANY]]
    if len(commands) > MANY:
        shown.append(Fix(f"Delete the other {len(commands) - MANY} rules of CRIU's form in the same way."))
    return tuple(shown)


def _commands(lock: Lock) -> Iterable[tuple[str, tuple[str, ...]]]:
    if lock.backend is Backend.NFTABLES:
        yield f"Delete the table {lock.table}.", ("nft", "delete", "table", lock.family, lock.table)
        return
    for rule in lock.rules:
        if rule.chain != CHAIN:
            yield f"Delete the rule in {rule.chain}.", _deletion(rule)
    if any(rule.chain == CHAIN for rule in lock.rules):
        tool = _tool(lock.backend, lock.family)
        yield f"Empty the chain {CHAIN}.", (tool, "-w", "-F", CHAIN)
        yield f"Delete the chain {CHAIN}.", (tool, "-w", "-X", CHAIN)


def _deletion(rule: Rule) -> tuple[str, ...]:
    """Delete one rule: by its handle where nft lists it, else by its text."""
    if rule.handle is not None:
        return ("nft", "delete", "rule", rule.family, rule.table, rule.chain, "handle", str(rule.handle))
    return (_tool(rule.backend, rule.family), "-w", "-t", rule.table, "-D", rule.chain, *shlex.split(rule.text))


def _tool(backend: Backend, family: str) -> str:
    base = "ip6tables" if family == "ip6" else "iptables"
    return f"{base}-{'nft' if backend is Backend.IPTABLES_NFT else 'legacy'}"
