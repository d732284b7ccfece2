"""What of the live host is meant: the whole of it, a process tree, a container, a namespace or one connection."""

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Gap

if TYPE_CHECKING:
    from workbench.checking import Finding
    from workbench.evidence import Connection, Endpoint, Process

_CONNECTION = "LOCAL-PEER, as in 10.0.0.1:80-10.0.0.2:40000 or [fe80::1]:80-[fe80::2]:40000"


@dataclass(frozen=True, slots=True)
class Scope:
    """Findings are kept if they concern one of these; an empty scope is the whole host.

    The evidence stays whole: a lock must not seem nobody's because its owner was not looked at.
    """

    title: str = ""
    pids: frozenset[int] = frozenset()
    netns: frozenset[int] = frozenset()
    """Namespaces that were named: all in them is meant."""
    surroundings: frozenset[int] = frozenset()
    """Namespaces of the processes: what is about the namespace as a whole is meant."""
    connections: frozenset[str] = frozenset()
    """Both ends' views."""

    def concerns(self, finding: "Finding") -> bool:
        """Whether the finding is about the scope, or about the host as a whole."""
        keys = finding.problem.subject.keys
        pids, connections = _several(keys, "pid"), _several(keys, "connection")
        netns = keys.get("netns")
        if not self.title or not (pids or connections or netns):
            return True
        if self.pids & pids or self.connections & connections or netns in self.netns:
            return True
        return not pids and not connections and netns in self.surroundings


def add_options(parser: argparse.ArgumentParser) -> None:
    """The options by which a command's user names a part of the host."""
    group = parser.add_argument_group("a part of the host")
    group.add_argument("--pid", type=int, metavar="PID", help="a process and its descendants")
    group.add_argument("--container", metavar="ID", help="the processes of a container: its identifier or name")
    group.add_argument("--netns", metavar="NAME|PATH", help="a network namespace")
    group.add_argument("--connection", metavar="LOCAL-PEER", help="one connection")


def asked(options: argparse.Namespace) -> bool:
    """Whether a part of the host was named."""
    return any(getattr(options, name) is not None for name in ("pid", "container", "netns", "connection"))


def roots(options: argparse.Namespace, processes: "Mapping[int, Process] | Gap", listing: str = "") -> tuple[int, ...]:
    """Pids of the processes that were named; WorkbenchError if there are none such.

    ``listing``: what `workbench processes` is to be given to list those that there are.
    """
    lists = f"`workbench processes{listing}`"
    if options.pid is None and options.container is None:
        return ()
    if isinstance(processes, Gap):
        raise WorkbenchError(f"processes cannot be seen: {processes.reason}", processes.remedy)
    if options.pid is not None:
        if options.pid not in processes:
            raise WorkbenchError(f"there is no process {options.pid}", f"{lists} lists them")
        return (options.pid,)
    word = options.container
    inside = {
        pid: process
        for pid, process in processes.items()
        if process.container and (process.container.name == word or process.container.id.startswith(word))
    }
    found = {process.container.id for process in inside.values() if process.container}
    if len(found) != 1:
        said = f"{len(found)} containers begin with {word}" if found else f"there is no container {word}"
        raise WorkbenchError(said, f"{lists} shows each process with its container")
    return tuple(pid for pid, process in inside.items() if process.ppid not in inside)


def scope_of(options: argparse.Namespace, evidence: Evidence, tree: Iterable[int], *, recorded: bool = False) -> Scope:
    """The scope that the options name on this host, or on the recorded one that the evidence is of."""
    pids = frozenset(tree)
    titles = []
    netns: set[int] = set()
    surroundings: set[int] = set()
    connections: set[str] = set()
    if pids:
        titles.append(f"container {options.container}" if options.container else f"process {options.pid}")
        if not isinstance(evidence.processes, Gap):
            surroundings |= {
                process.namespaces.net or 0 for pid, process in evidence.processes.items() if pid in pids
            } - {0}
        if not isinstance(evidence.sockets, Gap):
            from workbench.evidence.socket_choice import Choice, choose

            for socket in choose(evidence.sockets, Choice(pids=pids)):
                connections |= _views(socket.connection)
    if options.netns is not None:
        titles.append(f"network namespace {options.netns}")
        netns.add(_recorded_namespace(options.netns, evidence) if recorded else namespace_inode(options.netns))
    if options.connection is not None:
        connection = parse_connection(options.connection)
        titles.append(str(connection))
        connections |= _views(connection)
    return Scope(", ".join(titles), pids, frozenset(netns), frozenset(surroundings), frozenset(connections))


def parse_connection(text: str) -> "Connection":
    """``10.0.0.1:80-10.0.0.2:40000``; WorkbenchError for anything else."""
    from workbench.evidence import Connection

    local, _, peer = text.partition("-")
    return Connection(_endpoint(local, text), _endpoint(peer, text))


def _endpoint(text: str, whole: str) -> "Endpoint":
    from ipaddress import ip_address

    from workbench.evidence import Endpoint

    address, _, port = text.strip().rpartition(":")
    try:
        return Endpoint(str(ip_address(address.strip("[]"))), int(port))
    except ValueError as error:
        raise WorkbenchError(f"{whole} is no connection", f"write {_CONNECTION}") from error


def namespace_inode(word: str) -> int:
    """Inode of the network namespace with this name or path; WorkbenchError if there is none."""
    paths = (Path(word),) if "/" in word else (Path("/run/netns", word), Path("/var/run/netns", word))
    for path in paths:
        try:
            return path.stat().st_ino
        except OSError:
            continue
    raise WorkbenchError(
        f"there is no network namespace {word}", "`ip netns` lists the names, /proc/PID/ns/net is a path"
    )


def _recorded_namespace(word: str, evidence: Evidence) -> int:
    """Inode of a network namespace of a recording, by its name or number; WorkbenchError if there is none such."""
    namespaces = () if isinstance(evidence.namespaces, Gap) else evidence.namespaces
    for each in namespaces:
        if word == str(each.inode) or word in each.names or (each.is_host and word == "host"):
            return each.inode
    raise WorkbenchError(f"no network namespace of the recording is called {word}", "name it as `sockets FILE` does")


def _views(connection: "Connection") -> set[str]:
    plain = connection.unmapped
    return {str(connection), str(connection.reversed), str(plain), str(plain.reversed)}


def _several(keys: Mapping[str, object], name: str) -> frozenset[object]:
    """What a subject says under ``pid`` or ``pids``, ``connection`` or ``connections``."""
    many = keys.get(f"{name}s") or ()
    one = keys.get(name)
    return frozenset((*(many if isinstance(many, list | tuple) else ()), *(() if one is None else (one,))))
