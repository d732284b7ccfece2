"""What several checks must know of the host before they accuse anybody: who is at work, and where things are."""

from collections.abc import Iterable, Mapping, Sequence

from workbench.evidence import Connection, Gap, Lock, NetworkNamespace, Process, Socket, UnfinishedOperation

CRIU_COMMANDS = frozenset({"criu", "crtools"})
WAITING = frozenset({"service", "page-server", "lazy-pages"})
"""Commands of CRIU that wait for work and hold no connection back."""


def criu_at_work(processes: Mapping[int, Process] | Gap) -> tuple[Process, ...]:
    """Processes of CRIU that may be dumping or restoring now; a service counts only by its children."""
    if isinstance(processes, Gap):
        return ()
    named = {pid: process for pid, process in processes.items() if process.command in CRIU_COMMANDS}
    return tuple(
        process
        for process in named.values()
        if process.state != "Z" and (process.ppid in named or WAITING.isdisjoint(process.argv[1:]))
    )


def operation_of(lock: Lock, unfinished: Sequence[UnfinishedOperation] | Gap) -> UnfinishedOperation | None:
    """The operation whose journal accounts for the lock."""
    if isinstance(unfinished, Gap):
        return None
    for operation in unfinished:
        if operation.netns != lock.netns:
            continue
        meant = {end for item in operation.connections for end in (item.unmapped, item.unmapped.reversed)}
        if not lock.connections or any(item.unmapped in meant for item in lock.connections):
            return operation
    return None


def live_sockets(lock: Lock, sockets: Iterable[Socket] | Gap) -> tuple[Socket, ...]:
    """Sockets with an owner that the lock holds back: of its connections, or all connected ones of its namespace."""
    if isinstance(sockets, Gap):
        return ()
    meant = {end for item in lock.connections for end in (item.unmapped, item.unmapped.reversed)}
    return tuple(
        socket
        for socket in sockets
        if socket.netns == lock.netns
        and socket.holders
        and (socket.connection.unmapped in meant if lock.connections else socket.peer.port)
    )


def inside(netns: int, namespaces: Sequence[NetworkNamespace] | Gap) -> tuple[str, ...]:
    """Start of a command that is to run in a network namespace; empty for the host's own, or if it is not known."""
    if isinstance(namespaces, Gap):
        return ()
    found = next((item for item in namespaces if item.inode == netns), None)
    return () if found is None or found.is_host else ("nsenter", f"--net={found.path}")


def namespace_name(netns: int, namespaces: Sequence[NetworkNamespace] | Gap) -> str:
    """A network namespace as a person would name it."""
    if isinstance(namespaces, Gap) or netns == 0:
        return "the network namespace that the rules were saved in"
    found = next((item for item in namespaces if item.inode == netns), None)
    if found is not None and found.is_host:
        return "the host's network namespace"
    if found is not None and found.names:
        return f"network namespace {found.names[0]}"
    return f"network namespace {netns}"


def listed(items: Iterable[object], limit: int = 3) -> str:
    """Some things in one phrase: the first few, and how many more."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


def connections_of(locks: Iterable[Lock]) -> tuple[Connection, ...]:
    """Every connection that the locks hold back, once."""
    return tuple(dict.fromkeys(item for lock in locks for item in lock.connections))
