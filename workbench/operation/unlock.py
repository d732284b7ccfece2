"""Lift locks that CRIU left behind, exactly these and nothing else, and put them back."""

import os
import shlex
import shutil
import subprocess
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from workbench.collect.netfilter import collect_rules
from workbench.collect.netfilter.libnftables import SEARCH_PATH, run_nft
from workbench.collect.within import NamespaceEndedError, within
from workbench.errors import WorkbenchError
from workbench.evidence import Backend, Connection, Gap, Lock, LockScope, NetworkNamespace, Rule
from workbench.evidence.locks import CHAIN, is_lock_chain_rule, is_lock_table_rule
from workbench.operation.record import lock_record
from workbench.read.iptables_save import arguments

_TIMEOUT_S = 60
_CHANGED = "look again: rules changed meanwhile, nothing was done"


@dataclass(frozen=True, slots=True)
class Command:
    """One command that runs within the namespace of the lock."""

    words: tuple[str, ...]
    text: str = ""
    """What it reads from standard input."""

    def typed(self, netns_path: str = "") -> str:
        """As a person could type it, entering the namespace first if a path to it is given."""
        words = ("nsenter", f"--net={netns_path}", *self.words) if netns_path else self.words
        return shlex.join(words) + (f" <<'END'\n{self.text}END" if self.text else "")


@dataclass(frozen=True, slots=True)
class UnlockPlan:
    """What lifts locks, and what would put them back as they stand now, with their counters."""

    locks: tuple[Lock, ...]
    commands: tuple[Command, ...]
    undo: tuple[Command, ...]


def plan_unlock(*locks: Lock) -> UnlockPlan:
    """The commands that remove these locks of one namespace, all in as few transactions as there are backends.

    nftables: the table. iptables-nft: rules by their handles. iptables-legacy: rules by their whole text.
    A whole namespace's chain goes after the jumps to it. Raises WorkbenchError if somebody else added rules to the
    table or chain: they would go too.
    """
    nft: list[str] = []
    lines: dict[str, list[str]] = defaultdict(list)
    for lock in locks:
        _refuse_strangers(lock)
        if lock.backend is Backend.NFTABLES:
            nft.append(f"delete table {lock.family} {lock.table}")
        elif lock.backend is Backend.IPTABLES_NFT and all(_has_handle(rule) for rule in lock.rules):
            nft.extend(_deleted_by_handle(lock))
        else:
            lines[f"{_iptables(lock)}-restore"].extend(_deleted_by_text(lock))
    commands = [Command(("nft", "; ".join(nft)))] if nft else []
    for program, deleted in lines.items():
        text = "\n".join(("*filter", *deleted, "COMMIT", ""))
        commands.append(Command((program, "-w", "--noflush"), text))
    return UnlockPlan(tuple(locks), tuple(commands), tuple(command for lock in locks for command in _restored(lock)))


def unlock(lock: Lock, netns_path: str) -> UnlockPlan:
    """Lift one lock; see ``unlock_all``."""
    return unlock_all((lock,), netns_path)


def unlock_all(locks: Sequence[Lock], netns_path: str) -> UnlockPlan:
    """Lift locks of one namespace after seeing that each still stands as given, and return what was done.

    Raises WorkbenchError, and does nothing, if the path is another namespace, or a lock changed or is gone.
    """
    standing = _locks_now(locks, netns_path)
    plan = plan_unlock(*(_found(lock, standing) for lock in locks))
    if locks:
        _run(plan.commands, NetworkNamespace(locks[0].netns, netns_path))
    return plan


def still_standing(locks: Sequence[Lock], netns_path: str) -> tuple[Lock, ...]:
    """Those of these locks of one namespace that stand as given. Raises WorkbenchError if that cannot be told."""
    standing = [lock_record(each) for each in _locks_now(locks, netns_path)]
    return tuple(lock for lock in locks if lock_record(lock) in standing)


def relock(lock: Lock, netns_path: str) -> None:
    """Put a lock back, rule by rule at its old place with its counters.

    Raises WorkbenchError if it stands there already, or if the rules around it are not as they were.
    """
    if any(_place(lock) == _place(other) for other in _locks_now((lock,), netns_path)):
        raise WorkbenchError(f"the lock {lock.name} stands already")
    _run(plan_unlock(lock).undo, NetworkNamespace(lock.netns, netns_path))


def _locks_now(locks: Sequence[Lock], netns_path: str) -> tuple[Lock, ...]:
    try:
        inode = os.stat(netns_path).st_ino  # noqa: PTH116 - a namespace file, not a path to walk
    except OSError as error:
        raise WorkbenchError(f"no network namespace at {netns_path}", error.strerror or "") from error
    if any(lock.netns != inode for lock in locks):
        raise WorkbenchError(f"{netns_path} is not the namespace of the lock", _CHANGED)
    _, standing, gaps = collect_rules([NetworkNamespace(inode, netns_path)])
    if isinstance(standing, Gap) or gaps:
        gap = standing if isinstance(standing, Gap) else gaps[0]
        raise WorkbenchError(gap.reason, gap.remedy)
    return standing


def _found(lock: Lock, standing: Iterable[Lock]) -> Lock:
    for other in standing:
        if lock_record(lock) == lock_record(other):
            return other
    raise WorkbenchError(f"the lock {lock.name} does not stand as it was seen", _CHANGED)


def _place(lock: Lock) -> tuple[object, ...]:
    return lock.backend, lock.scope, lock.family, lock.table, lock.name


def _refuse_strangers(lock: Lock) -> None:
    if lock.backend is Backend.NFTABLES:
        strangers = [rule for rule in lock.rules if not is_lock_table_rule(rule)]
    else:
        strangers = [rule for rule in lock.rules if rule.chain == CHAIN and not is_lock_chain_rule(rule)]
    if strangers:
        raise WorkbenchError(
            f"{lock.name} holds a rule that is not CRIU's: {strangers[0].text}",
            "remove that rule first, or all by hand",
        )


def _has_handle(rule: Rule) -> bool:
    return rule.handle is not None


def _deleted_by_handle(lock: Lock) -> Iterator[str]:
    for rule in lock.rules:
        if rule.chain != CHAIN:
            yield f"delete rule {rule.family} {rule.table} {rule.chain} handle {rule.handle}"
    if lock.scope is LockScope.NAMESPACE:
        yield f"flush chain {lock.family} {lock.table} {CHAIN}"
        yield f"delete chain {lock.family} {lock.table} {CHAIN}"


def _deleted_by_text(lock: Lock) -> Iterator[str]:
    for rule in lock.rules:
        if rule.chain != CHAIN:
            yield f"-D {rule.chain} {rule.text}"
    if lock.scope is LockScope.NAMESPACE:
        yield from (f"-F {CHAIN}", f"-X {CHAIN}")


def _iptables(lock: Lock) -> str:
    """``iptables-legacy``, ``ip6tables-nft`` and so on."""
    return lock.backend.value if lock.family == "ip" else lock.backend.value.replace("ip", "ip6", 1)


def _restored(lock: Lock) -> Iterator[Command]:
    if lock.backend is Backend.NFTABLES:
        yield Command(("nft", "-f", "-"), _table_text(lock))
        return
    program = (_iptables(lock), "-w", "-t", lock.table)
    chain = [rule for rule in lock.rules if rule.chain == CHAIN]
    if chain:
        yield Command((*program, "-N", CHAIN))
    for rule in chain:
        yield Command((*program, "-A", CHAIN, *_counters(rule), *arguments(rule.text)))
    for rule in sorted(lock.rules, key=lambda rule: rule.position):
        if rule.chain != CHAIN:
            place = str(rule.position + 1)
            yield Command((*program, "-I", rule.chain, place, *_counters(rule), *arguments(rule.text)))


def _counters(rule: Rule) -> tuple[str, ...]:
    return () if rule.packets is None else ("-c", str(rule.packets), str(rule.bytes or 0))


def _table_text(lock: Lock) -> str:
    """The table as CRIU makes it (criu/netfilter.c:nftables_init_connection_lock, criu/net.c)."""
    lines = [f"create table {lock.family} {lock.table}", f"table {lock.family} {lock.table} {{"]
    for name, kind, colon in (("conns4", "ipv4_addr", False), ("conns6", "ipv6_addr", True)):
        if any(f"@{name} " in rule.text for rule in lock.rules):
            ends = [c for c in lock.connections if (":" in c.local.address) is colon]
            lines.append(f"\tset {name} {{\n\t\ttype {kind} . inet_service . {kind} . inet_service")
            if ends:
                elements = ", ".join(element for c in ends for element in (_element(c), _element(c.reversed)))
                lines.append(f"\t\telements = {{ {elements} }}")
            lines.append("\t}")
    for chain in dict.fromkeys(rule.chain for rule in lock.rules):
        rules = [rule for rule in lock.rules if rule.chain == chain]
        policy = next((rule.verdict for rule in rules if rule.text.startswith("policy ")), "accept")
        head = rules[0]
        lines.append(f"\tchain {chain} {{")
        lines.append(f"\t\ttype filter hook {head.hook} priority {head.priority}; policy {policy};")
        lines.extend(f"\t\t{rule.text}" for rule in rules if not rule.text.startswith("policy "))
        lines.append("\t}")
    return "\n".join((*lines, "}", ""))


def _element(connection: Connection) -> str:
    ends = (connection.local, connection.peer)
    return " . ".join(f"{end.address} . {end.port}" for end in ends)


def _run(commands: Iterable[Command], namespace: NetworkNamespace) -> None:
    for command in commands:
        try:
            within(namespace, partial(_run_one, command))
        except NamespaceEndedError as ended:
            raise WorkbenchError(
                f"the network namespace at {namespace.path} has ended", "its locks went with it"
            ) from ended


def _run_one(command: Command) -> None:
    if command.words[0] == "nft":
        run_nft(command.text or command.words[1])
        return
    program = shutil.which(command.words[0], path=SEARCH_PATH)
    if program is None:
        raise WorkbenchError(f"{command.words[0]} is not installed", "apt-get install iptables")
    done = subprocess.run(
        [program, *command.words[1:]], input=command.text, text=True, capture_output=True, timeout=_TIMEOUT_S,
        check=False,
    )  # fmt: skip
    if done.returncode:
        said = next(iter(done.stderr.strip().splitlines()), "no reason given")
        raise WorkbenchError(f"{command.words[0]} refused: {said}", _CHANGED)
