"""How checks name things in sentences: namespaces, sockets, processes, and many things at once."""

from collections.abc import Iterable, Mapping, Sequence

from workbench.checking.finding import Subject
from workbench.evidence import Gap, Lock, NetworkNamespace, Process, Socket


def listed(items: Iterable[object], limit: int = 3) -> str:
    """Some things in one phrase: the first few, and how many more."""
    texts = [str(item) for item in items]
    more = f" and {len(texts) - limit} more" if len(texts) > limit else ""
    return ", ".join(texts[:limit]) + more


def counted(number: int, word: str) -> str:
    """``1 connection``, ``3 connections``."""
    return f"{number} {word}{'' if number == 1 else 's'}"


def namespace_name(netns: int, namespaces: Sequence[NetworkNamespace] | Gap) -> str:
    """A network namespace as a person would name it; 0 is that of a saved list of rules."""
    if netns == 0:
        return "the namespace that these rules were saved in"
    found = None
    if not isinstance(namespaces, Gap):
        found = next((item for item in namespaces if item.inode == netns), None)
    if found is not None and found.is_host:
        return "the host's network namespace"
    return f"network namespace {found.names[0] if found is not None and found.names else netns}"


def inside(netns: int, namespaces: Sequence[NetworkNamespace] | Gap) -> tuple[str, ...]:
    """Start of a command that is to run in a network namespace; empty for the host's own, or if it is not known."""
    if isinstance(namespaces, Gap):
        return ()
    found = next((item for item in namespaces if item.inode == netns), None)
    return () if found is None or found.is_host else ("nsenter", f"--net={found.path}")


def owner(socket: Socket) -> str:
    """Who has a socket open: ``nginx 4645 fd 7``."""
    holders = [f"{holder.command} {holder.pid} fd {holder.fd}" for holder in socket.holders]
    return listed(holders, 1) if holders else "no process"


def socket_subject(socket: Socket) -> Subject:
    """A socket as the subject of a finding."""
    title = str(socket.connection) if socket.peer.port else f"{socket.local} {socket.state.name}"
    keys = {
        "netns": socket.netns,
        "cookie": socket.cookie,
        "inode": socket.inode,
        "connection": str(socket.connection.unmapped) if socket.peer.port else None,
        "pids": tuple(sorted({holder.pid for holder in socket.holders})),
    }
    return Subject("socket", title, keys)


def process_subject(pid: int, processes: Mapping[int, Process] | Gap) -> Subject:
    """A process as the subject of a finding."""
    known = None if isinstance(processes, Gap) else processes.get(pid)
    return Subject("process", f"{known.command} {pid}" if known else str(pid), {"pid": pid})


def lock_subject(locks: Sequence[Lock], place: str, **keys: object) -> Subject:
    """One or several locks of one namespace and backend as the subject of a finding."""
    first = locks[0]
    title = f"{first.backend} lock in {place}"
    connections = tuple(dict.fromkeys(str(item) for lock in locks for item in lock.connections))
    return Subject(
        "lock",
        title,
        {"netns": first.netns, "backend": str(first.backend), "lock": first.name, "connections": connections, **keys},
    )
