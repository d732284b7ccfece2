"""Whether a CRIU that runs now can have made a lock: one at work elsewhere must not hide what another left behind."""

from collections.abc import Iterator, Mapping

from workbench.evidence.netfilter import Lock, LockScope
from workbench.evidence.process import Process

_IDLE = frozenset({
    "service", "page-server", "lazy-pages", "pre-dump", "dedup", "check", "feature-check", "cpuinfo", "show",
    "image-proxy", "image-cache",
})  # fmt: skip
"""Commands that lock nothing, however long they run."""
_WORK = frozenset({"dump", "restore"})


def is_working_criu(process: Process) -> bool:
    """A CRIU that may set or lift a lock now; ``criu swrk`` may have got a request of which it does not tell."""
    if process.command != "criu" or process.state == "Z":
        return False
    words = set(_words(process))
    return bool(_WORK & words) or not _IDLE & words


def may_hold(criu: Process, lock: Lock, processes: Mapping[int, Process]) -> bool:
    """CRIU locks single connections from within their namespace, a whole one for a target in it (criu/net.c)."""
    if lock.scope is LockScope.CONNECTION:
        return criu.namespaces.net in {None, lock.netns}
    return may_reach(criu, lock.netns, processes)


def may_reach(criu: Process, netns: int, processes: Mapping[int, Process]) -> bool:
    """Whether what it dumps or restores may live in that network namespace."""
    words = _words(criu)
    named = _number_after(("-t", "--tree"), words)
    target = processes.get(named)
    if target is not None and criu.namespaces.pid is not None and target.namespaces.pid == criu.namespaces.pid:
        return target.namespaces.net in {None, netns}
    begun = {each.namespaces.net for each in _descendants(criu, processes)}
    if begun and "dump" not in words:  # the processes that it restores are children of its own
        return bool({None, netns} & begun)
    inhabitants = [each for each in processes.values() if each.namespaces.net == netns]
    if any(_is_seen_by(criu, each, processes) for each in inhabitants):
        return True
    return not inhabitants and (
        named > 0 or bool(_WORK & set(words))
    )  # its target has ended just now, or is to be restored there


def _words(criu: Process) -> list[str]:
    """Its title is one argument once it works for a request: ``criu: dump --rpc -t 50``."""
    return " ".join(criu.argv).split()


def _number_after(options: tuple[str, ...], words: list[str]) -> int:
    """``-t 50``, ``-t50``, ``--tree=50``; 0 if there is none."""
    for word, following in zip(words, [*words[1:], ""], strict=True):
        for option in options:
            value = following if word == option else word.removeprefix(option).removeprefix("=")
            if word.startswith(option) and value.isdecimal():
                return int(value)
    return 0


def _descendants(criu: Process, processes: Mapping[int, Process]) -> Iterator[Process]:
    return (each for each in processes.values() if criu.pid in _ancestors(each, processes))


def _is_seen_by(criu: Process, process: Process, processes: Mapping[int, Process]) -> bool:
    """Whether it can dump that at all: it sees its own pid namespace and those that were begun from there."""
    line = (process, *(processes[pid] for pid in _ancestors(process, processes)))
    return criu.namespaces.pid is None or any(each.namespaces.pid in {None, criu.namespaces.pid} for each in line)


def _ancestors(process: Process, processes: Mapping[int, Process]) -> list[int]:
    found: list[int] = []
    parent = process.ppid
    while parent in processes and parent not in found:
        found.append(parent)
        parent = processes[parent].ppid
    return found
