"""The exact commands that take a lock of CRIU's away, backend by backend."""

from collections.abc import Iterable, Iterator

from workbench.checking.finding import Fix
from workbench.evidence import Backend, Lock, Rule
from workbench.evidence.locks import CHAIN, is_lock_chain_rule, is_lock_table_rule
from workbench.read.iptables_save import arguments

MANY = 8
"""More commands than this are not shown one by one."""


def lifting(locks: Iterable[Lock], prefix: tuple[str, ...] = (), *, safe: bool = False) -> tuple[Fix, ...]:
    """One fix for each command, in the order in which they must be run; ``prefix`` enters the namespace."""
    commands = list(dict.fromkeys(item for lock in locks for item in _commands(lock)))
    shown = [Fix(text, (*prefix, *command) if command else (), safe) for text, command in commands[:MANY]]
    if len(commands) > MANY:
        shown.append(Fix(f"Delete the other {len(commands) - MANY} rules of this form in the same way."))
    return tuple(shown)


def _commands(lock: Lock) -> Iterator[tuple[str, tuple[str, ...]]]:
    if not _is_all_of_criu(lock):
        yield f"Remove {lock.name} by hand: it also holds rules that CRIU did not make.", ()
        return
    if lock.backend is Backend.NFTABLES:
        yield f"Delete the table {lock.table}.", ("nft", "delete", "table", lock.family, lock.table)
        return
    if any(rule.handle is None and not rule.text.startswith("-") for rule in lock.rules):
        yield f"List its rules with their handles (nft -a list table {lock.family} {lock.table}) and delete them.", ()
        return
    for rule in lock.rules:
        if rule.chain != CHAIN:
            yield f"Delete the rule in {rule.chain}.", _deletion(rule)
    if any(rule.chain == CHAIN for rule in lock.rules):
        tool = _tool(lock)
        yield f"Empty the chain {CHAIN}.", (tool, "-w", "-F", CHAIN)
        yield f"Delete the chain {CHAIN}.", (tool, "-w", "-X", CHAIN)


def _is_all_of_criu(lock: Lock) -> bool:
    if lock.backend is Backend.NFTABLES:
        return all(is_lock_table_rule(rule) for rule in lock.rules)
    return all(is_lock_chain_rule(rule) for rule in lock.rules if rule.chain == CHAIN)


def _deletion(rule: Rule) -> tuple[str, ...]:
    """Delete one rule: by its handle where nft lists it, else by its text."""
    if rule.handle is not None:
        return ("nft", "delete", "rule", rule.family, rule.table, rule.chain, "handle", str(rule.handle))
    tool = _tool(rule)
    return (tool, "-w", "-t", rule.table, "-D", rule.chain, *arguments(rule.text))


def _tool(made: Lock | Rule) -> str:
    """``iptables-legacy``, ``ip6tables-nft`` and so on."""
    name = made.backend.value
    return name.replace("ip", "ip6", 1) if made.family == "ip6" else name
