"""Verdicts on what is open and no socket (criu/files.c, file-lock.c, tty.c, pidfd.c, tun.c)."""

from collections.abc import Collection, Iterator
from dataclasses import replace

from workbench.checking.survival.verdict import Answer, Verdict
from workbench.evidence import Descriptor, DescriptorKind

SOCKETS = frozenset({
    DescriptorKind.TCP, DescriptorKind.UDP, DescriptorKind.UNIX, DescriptorKind.RAW, DescriptorKind.PACKET,
    DescriptorKind.NETLINK, DescriptorKind.SCTP, DescriptorKind.MPTCP, DescriptorKind.OTHER_SOCKET,
})  # fmt: skip
MEMORY_DEVICES = frozenset(
    f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "kmsg", "mem", "port")
)
"""Character devices of major number 1, which CRIU opens again like files."""
MASTERS = frozenset({"/dev/ptmx", "/dev/pts/ptmx"})
KNOWN_ANONYMOUS = ("[eventfd]", "[eventpoll]", "[timerfd]", "[signalfd]", "[fanotify]", "inotify", "[pidfd]", "bpf-map")
GHOST_LIMIT = 1 << 20
"""Bytes of a deleted file that go into the images (``--ghost-limit``)."""


def descriptor_verdicts(each: Descriptor, tree: Collection[int], *, has_master: bool) -> Iterator[Verdict]:
    """Every judgement on one descriptor; none for sockets. ``has_master``: the tree has a pseudo terminal's master."""
    for verdict in _verdicts(each, tree, has_master):
        yield replace(verdict, descriptor=each)


def _verdicts(each: Descriptor, tree: Collection[int], has_master: bool) -> Iterator[Verdict]:
    if each.locked:
        yield Verdict(
            Answer.NEEDS, "file-lock-held", f"it holds a lock on {each.target}",
            "Some file locks are hold by dumping tasks! You can try --file-locks to dump them.", "--file-locks",
        )  # fmt: skip
    if each.mount_visible is False:
        yield Verdict(
            Answer.REFUSED, "fd-mount-not-visible", f"{each.target} lies on a mount that its process does not see",
            "Can't lookup mount= for fd=",
        )  # fmt: skip
    match each.kind:
        case DescriptorKind.IO_URING:
            yield Verdict(
                Answer.REFUSED, "io-uring", "io_uring: CRIU cannot take hold of what is in flight there",
                "send_fds failed (-22)",
            )  # fmt: skip
        case DescriptorKind.TERMINAL if each.target not in MASTERS and not has_master:
            yield Verdict(
                Answer.NEEDS, "tty-external",
                f"the other end of {each.target} is outside of the tree; the restore must be typed into a terminal",
                "Found slave peer index without correspond master peer", "--shell-job",
            )  # fmt: skip
        case DescriptorKind.DEVICE if each.target == "/dev/net/tun":
            yield Verdict(
                Answer.REFUSED, "device-fd-unsupported", "a tun device can only be dumped with its network namespace",
                "Net namespace is required to dump tun link",
            )  # fmt: skip
        case DescriptorKind.DEVICE if each.target.removesuffix(" (deleted)") not in MEMORY_DEVICES:
            yield Verdict(
                Answer.REFUSED, "device-fd-unsupported", f"CRIU cannot save what {each.target} holds without a plugin",
                "Can't dump file of that type",
            )  # fmt: skip
        case DescriptorKind.PIPE:
            yield from _pipe(each, tree)
        case DescriptorKind.FILE if each.target.endswith(" (deleted)") and (each.allocated or 0) > GHOST_LIMIT:
            yield Verdict(
                Answer.NEEDS, "large-deleted-file", f"the {each.allocated} bytes of {each.target} must go along",
                "Can't dump ghost file", f"--ghost-limit {each.allocated}", facts={"bytes": each.allocated},
            )  # fmt: skip
        case DescriptorKind.EVENT | DescriptorKind.OTHER:
            yield from _anonymous(each, tree)


def _pipe(each: Descriptor, tree: Collection[int]) -> Iterator[Verdict]:
    outside = [pid for pid in each.peer_pids if pid not in tree]
    if outside and not any(pid in tree for pid in each.peer_pids):
        reason = f"the other end is process {outside[0]}, which stays behind: afterwards nobody is there"
        yield Verdict(Answer.LOSES, "pipe-cut", reason, facts={"outside": outside})


def _anonymous(each: Descriptor, tree: Collection[int]) -> Iterator[Verdict]:
    if "pidfd" in each.target:
        outside = [pid for pid in each.peer_pids if pid not in tree]
        if outside:
            yield Verdict(
                Answer.REFUSED, "pidfd-outside", f"it watches process {outside[0]}, which is not dumped",
                "is not a part of process tree", facts={"outside": outside},
            )  # fmt: skip
    elif each.target.startswith("anon_inode:") and not each.target.endswith(KNOWN_ANONYMOUS):
        yield Verdict(
            Answer.REFUSED, "anonymous-fd-unsupported", f"CRIU does not know {each.target}",
            "Can't dump file of that type",
        )  # fmt: skip
