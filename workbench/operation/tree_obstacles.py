"""What about the processes of a tree keeps CRIU from dumping it, all of it at once: CRIU names one for each attempt."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from workbench.checking.survival import Answer, Verdict
from workbench.checking.survival.descriptors import SOCKETS
from workbench.evidence import Descriptor, DescriptorKind, Gap, Host, NetworkNamespace, Process
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


def host_obstacles(host: Host | Gap) -> Iterator[str]:
    """What this machine lacks."""
    if isinstance(host, Gap):
        return
    if host.uid != 0:
        yield "CRIU needs root: run the workbench as root"
    if host.criu is None:
        yield "No CRIU was found on this host: run `make setup`"
    elif host.criu.works is False:
        yield f"The CRIU at {host.criu.path} does not work here ({printable(host.criu.detail)}): run `make setup`"


def tree_obstacles(root: Process, own: Process | None) -> Iterator[str]:
    """Namespaces of the root that the workbench would have to enter with CRIU, and does not."""
    if own is None:
        return
    for kind, word in (("pid", "process"), ("user", "user")):
        theirs, ours = getattr(root.namespaces, kind), getattr(own.namespaces, kind)
        if theirs is not None and ours is not None and theirs != ours:
            yield f"{named(root)} lives in a {word} namespace of its own: checkpoint the container through its engine"


_WAYS_OUT = {
    "missing-capability": "run the workbench with that capability",
    "already-traced": "detach the debugger",
    "namespace-unsupported": "dump the two apart, or the container through its engine",
    "io-uring": "switch it off in the program",
    "fd-mount-not-visible": "let the program open it again by a path that it sees",
    "device-fd-unsupported": "let the program close it first",
    "pidfd-outside": "dump the tree that both belong to",
    "anonymous-fd-unsupported": "switch off what uses it",
}


def verdict_obstacles(verdicts: Iterable[Verdict], *, leave_running: bool) -> Iterator[str]:
    """Processes and descriptors that CRIU refuses or could not restore, the like in one sentence; sockets are fates."""
    bad = {Answer.REFUSED} if leave_running else {Answer.REFUSED, Answer.STRANDS}
    groups: dict[tuple[str, str], list[str]] = {}
    for each in verdicts:
        if each.answer not in bad or each.socket is not None:
            continue
        if each.process is not None:
            groups.setdefault((each.cause, each.reason), []).append(named(each.process))
        elif each.descriptor is not None and each.descriptor.kind not in SOCKETS:
            name = f"descriptor {each.descriptor.fd} of process {each.descriptor.pid}"
            groups.setdefault((each.cause, each.reason), []).append(name)
    for (cause, reason), names in groups.items():
        more = f" and {len(names) - 5} more" if names[5:] else ""
        yield f"{', '.join(names[:5])}{more}: {printable(reason)}: {_WAYS_OUT.get(cause, 'end it first')}"


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


def verdict_warnings(verdicts: Iterable[Verdict], *, leave_running: bool) -> Iterator[str]:
    """What is lost or wants a person's hand, of processes and descriptors that are no sockets."""
    for each in verdicts:
        if each.socket is not None or (each.descriptor is not None and each.descriptor.kind in SOCKETS):
            continue
        about = f"descriptor {each.descriptor.fd} of process {each.descriptor.pid}" if each.descriptor else ""
        about = named(each.process) if each.process else about
        if each.cause == "tty-external":
            yield f"{about}: {printable(each.reason)}: by `criu restore --shell-job`"
        elif each.answer is Answer.LOSES or (each.answer is Answer.STRANDS and leave_running):
            yield f"{about}: {printable(each.reason)}"


def descriptor_warnings(descriptors: Sequence[Descriptor]) -> Iterator[str]:
    deleted = [each for each in descriptors if each.kind is DescriptorKind.FILE and each.target.endswith(" (deleted)")]
    if deleted:
        yield (
            f"{len(deleted)} open files are deleted: their contents go into the images ({printable(deleted[0].target)})"
        )


def lonely_namespace(netns: NetworkNamespace | None, tree: frozenset[int]) -> bool:
    """Whether the network namespace ends with the tree: nobody else is in it and it has no name."""
    if netns is None or netns.is_host or set(netns.pids) - tree:
        return False
    return netns.path.startswith("/proc/") and not netns.names
