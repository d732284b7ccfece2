"""What of the evidence belongs to the target of a preflight."""

from collections.abc import Iterator, Mapping, Sequence

from workbench.evidence import Gap, ImageDirectory, ImageSocket, NetworkNamespace, Process, Socket, Target
from workbench.evidence.socket_choice import Choice, choose


def dumped(target: Target | Gap) -> frozenset[int]:
    """Pids of the process tree that is to be dumped; none if there is no such target."""
    return frozenset() if isinstance(target, Gap) or target.operation != "dump" else target.pids


def dumped_processes(processes: Mapping[int, Process], target: Target) -> Iterator[Process]:
    """The processes that are to be dumped."""
    return (processes[pid] for pid in sorted(dumped(target)) if pid in processes)


def dumped_sockets(sockets: Sequence[Socket], target: Target) -> Iterator[Socket]:
    """TCP sockets that a process to be dumped has open."""
    pids = dumped(target)
    return choose(sockets, Choice(pids=pids))


def restored(images: tuple[ImageDirectory, ...] | Gap, target: Target | Gap) -> ImageDirectory | None:
    """The image directory that is to be restored; None if there is no such target."""
    if isinstance(images, Gap) or isinstance(target, Gap) or target.operation != "restore":
        return None
    return next((image for image in images if image.path == target.images), None)


def restored_netns(target: Target, namespaces: Sequence[NetworkNamespace] | Gap) -> int | None:
    """The network namespace of the restore: the one that was named, else the host's own; None if it is not known."""
    if target.netns is not None or isinstance(namespaces, Gap):
        return target.netns
    return next((item.inode for item in namespaces if item.is_host), None)


def connected(image: ImageDirectory) -> Iterator[ImageSocket]:
    """Sockets of the image that will be connected again."""
    return (socket for socket in image.sockets if socket.connection.peer.port and not image.tcp_close)
