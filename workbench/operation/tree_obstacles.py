"""What about the processes of a tree keeps CRIU from dumping it, all of it at once: CRIU names one for each attempt."""

from collections.abc import Iterator, Mapping, Sequence

from workbench.evidence import Descriptor, DescriptorKind, Gap, Host, NetworkNamespace, Process
from workbench.operation.fates import outside
from workbench.present.text import printable


def named(process: Process) -> str:
    """``server 4645``; printable."""
    return f"{printable(process.command)} {process.pid}"


def refused_target(pid: int, processes: Mapping[int, Process], workbench: int) -> str:
    """Why this process can never be the target; empty if it can."""
    if pid <= 1:
        return "Process 1 and less cannot be dumped: choose a process of your own"
    if pid not in processes:
        return f"There is no process {pid}: it ended, or the pid is wrong; look at the processes again"
    target = processes[pid]
    if target.state in "ZX":
        return f"Process {pid} has ended and waits as a zombie for its parent {target.ppid}: nothing is left to dump"
    if not target.argv and target.exe is None:
        return f"Process {pid} ({printable(target.command)}) is a kernel thread: it cannot be dumped"
    if pid == workbench:
        return "This is the workbench itself: it cannot be dumped while it works"
    if pid in ancestors(workbench, processes):
        return f"Process {pid} is an ancestor of the workbench: dumping it would take the workbench along"
    return ""


def ancestors(pid: int, processes: Mapping[int, Process]) -> tuple[int, ...]:
    """Parent, its parent and so on."""
    found: list[int] = []
    while pid in processes and (pid := processes[pid].ppid) and pid not in found:
        found.append(pid)
    return tuple(found)


def host_obstacles(host: Host | Gap, tree: Sequence[Process]) -> Iterator[str]:
    """What this machine lacks."""
    if isinstance(host, Gap):
        return
    if host.uid != 0:
        yield "CRIU needs root: run the workbench as root"
    if host.criu is None:
        yield "No CRIU was found on this host: run `make setup`"
    elif host.criu.works is False:
        yield f"The CRIU at {host.criu.path} does not work here ({printable(host.criu.detail)}): run `make setup`"
    if "CAP_SYS_RESOURCE" not in host.capabilities:
        foreign = [each for each in tree if any(uid != host.uid for uid in each.uids or (each.uid,))]
        if foreign:
            yield (
                f"{', '.join(map(named, foreign[:5]))} run as another user, and CRIU lacks CAP_SYS_RESOURCE to read"
                " their limits: run the workbench with that capability"
            )


def tree_obstacles(tree: Sequence[Process], own: Process | None) -> Iterator[str]:
    """States and namespaces that CRIU refuses."""
    root = tree[0]
    for each in tree:
        if each.state == "t":
            yield f"{named(each)} is being traced by a debugger, so that CRIU cannot seize it: detach the debugger"
    others = [each for each in tree if each.namespaces.net not in {None, root.namespaces.net}]
    if others:
        yield (
            f"{named(others[0])} lives in another network namespace than {named(root)}: dump the two apart, or the"
            " container through its engine"
        )
    if own is None:
        return
    for kind, word in (("pid", "process"), ("user", "user")):
        theirs, ours = getattr(root.namespaces, kind), getattr(own.namespaces, kind)
        if theirs is not None and ours is not None and theirs != ours:
            yield f"{named(root)} lives in a {word} namespace of its own: checkpoint the container through its engine"


def tree_warnings(tree: Sequence[Process], own: Process | None) -> Iterator[str]:
    root = tree[0]
    if own is not None:
        for kind in ("mnt", "uts", "ipc", "cgroup"):
            theirs, ours = getattr(root.namespaces, kind), getattr(own.namespaces, kind)
            if theirs is not None and ours is not None and theirs != ours:
                yield f"{named(root)} lives in another {kind} namespace than the workbench: {_NAMESPACE[kind]}"
    if root.container is not None:
        yield f"It belongs to a container of {printable(root.container.engine)}: its engine will see it end"


_NAMESPACE = {
    "mnt": "CRIU dumps that too, and fails on mounts that it cannot place (`ip netns exec` makes such a namespace,"
    " `nsenter --net=` does not)",
    "uts": "CRIU dumps that too",
    "ipc": "CRIU dumps that too",
    "cgroup": "CRIU dumps that too",
}


def tree_notes(tree: Sequence[Process]) -> Iterator[str]:
    zombies = [each for each in tree if each.state == "Z"]
    if zombies:
        yield f"{', '.join(map(named, zombies[:5]))} has ended already and is restored as the zombie that it is"
    stopped = [each for each in tree if each.state == "T"]
    if stopped:
        yield f"{', '.join(map(named, stopped[:5]))} is stopped, and stays so after the restore"


def descriptor_obstacles(descriptors: Sequence[Descriptor]) -> Iterator[str]:
    rings = sorted({each.pid for each in descriptors if each.kind is DescriptorKind.IO_URING})
    if rings:
        yield f"Process {rings[0]} uses io_uring, which CRIU cannot dump: switch it off in the program"


def descriptor_warnings(descriptors: Sequence[Descriptor], tree: frozenset[int]) -> Iterator[str]:
    pipes = [each for each in descriptors if each.kind is DescriptorKind.PIPE and outside(each, tree)]
    if pipes:
        first = pipes[0]
        yield (
            f"Descriptor {first.fd} of process {first.pid} is a pipe to process {outside(first, tree)[0]}, which stays"
            " behind: after a restore nobody is at its other end"
        )
    terminals = [each for each in descriptors if each.kind is DescriptorKind.TERMINAL]
    if terminals:
        yield (
            f"Process {terminals[0].pid} has a terminal open ({printable(terminals[0].target)}): it can be restored by"
            " hand only, by `criu restore --shell-job` typed into a terminal"
        )
    devices = [each for each in descriptors if each.kind is DescriptorKind.DEVICE and each.target not in _PLAIN_DEVICES]
    if devices:
        yield f"Process {devices[0].pid} has {printable(devices[0].target)} open: CRIU cannot dump most devices"
    deleted = [each for each in descriptors if each.kind is DescriptorKind.FILE and each.target.endswith(" (deleted)")]
    if deleted:
        yield (
            f"{len(deleted)} open files are deleted: their contents go into the images, each up to 1 MiB"
            f" ({printable(deleted[0].target)})"
        )


_PLAIN_DEVICES = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom")}


def lonely_namespace(netns: NetworkNamespace | None, tree: frozenset[int]) -> bool:
    """Whether the network namespace ends with the tree: nobody else is in it and it has no name."""
    if netns is None or netns.is_host or set(netns.pids) - tree:
        return False
    return netns.path.startswith("/proc/") and not netns.names
