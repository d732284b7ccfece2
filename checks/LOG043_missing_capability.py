"""CRIU lacked a right that it needs.

What it looks at
----------------
Refusals with EPERM or EACCES that have no cause of their own: attaching to a task, map_files, limits, pipes, socket
buffers, ping sockets, read-only /proc/sys, clocks and the memory layout at the end of a restore, "You need to be
root".

Why it matters
--------------
CRIU attaches to processes and writes what only root may write. In a container, or as an ordinary user, it needs
CAP_SYS_ADMIN or CAP_CHECKPOINT_RESTORE, CAP_SYS_PTRACE, CAP_NET_ADMIN, CAP_NET_RAW and CAP_SYS_RESOURCE, and a
profile that lets it use them.

What to do
----------
Run CRIU as root of the host; in a container give it --privileged or the capabilities, unconfined seccomp and
AppArmor, and a writable /proc/sys. For ping sockets set net.ipv4.ping_group_range before the restore.

When it is wrong
----------------
EPERM has other sources as well: an old kernel and a half-closed connection, a seccomp filter, a security module.
Where the log shows those they are named instead.

References
----------
capabilities(7); criu(8) --unprivileged; criu/crtools.c, criu/proc_parse.c, criu/seize.c.
"""

from collections.abc import Iterator

from workbench.checking import Problem, Severity
from workbench.checking.engines import advice
from workbench.checking.log_signs import EPERM, Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG043"
NAME = "missing-capability"
SINCE = "0.1"

CAUSE = Cause(
    "CRIU was refused something for lack of privilege: it does not run as root, or without a capability that it needs.",
    (
        Sign(
            (
                "You need to be root",
                "must be run as root",
                "need to be root",
                "container requires root",
                "checkpoint a rootless",
                "restore a rootless",
            ),
            message="CRIU was started without the rights of root.",
        ),
        Sign(
            ("Unseizable non-zombie", "Unseizeable non-zombie"),
            r"^(?!.*state D)",
            message="CRIU may not attach to the task (ptrace): rights are missing, or a debugger is attached already.",
        ),
        Sign(("mapfile link", "map_files", "on map 4", "fstatat on map"), EPERM),
        Sign("map_files is inaccessible", weight=Weight.HINT),
        Sign(
            "an't exec criu swrk",
            EPERM,
            message="The program may not start CRIU: the file has capabilities that this container or user may not "
            "have, or is not executable.",
        ),
        Sign("an't open self pagemap"),
        Sign("pagemap", rf"pagemap.*{EPERM}"),
        Sign("an't get rlimit", EPERM),
        Sign(
            "Unable to set a pipe size",
            EPERM,
            message="A pipe of the program is larger than CRIU may make one (CAP_SYS_RESOURCE, or fs.pipe-max-size).",
            advice=advice(
                "Raise the limit on this host (`sysctl fs.pipe-max-size=1048576`), or run CRIU with CAP_SYS_RESOURCE."
            ),
        ),
        Sign(
            "an't create inet socket",
            EPERM,
            message="A socket could not be made again for lack of rights: a ping socket needs its group in "
            "net.ipv4.ping_group_range of this network namespace, a raw socket CAP_NET_RAW.",
            advice=advice(
                'Allow ping sockets in the network namespace of the restore: `sysctl net.ipv4.ping_group_range="0 '
                '2147483647"`.',
                "Run CRIU as root, or with CAP_NET_RAW, if it is a raw socket.",
            ),
        ),
        Sign(("SO_SNDBUFFORCE", "libnet_init failed", "an't set SO_MARK", "an't set 1:36"), EPERM),
        Sign(
            "Can't turn TCP repair mode ON",
            beside=r"--unprivileged|^.{0,24}uns: |[Uu]nprivileged|rootless",
            weight=Weight.SURE,
        ),
        Sign(
            "Can't turn TCP repair mode ON",
            EPERM,
            socket=r"state +(?:TCP_ESTABLISHED|1)\b",
            until_kernel="6.16",
            beside=r"Running on |state +1\b",
            weight=Weight.SURE,
        ),
        Sign(
            ("whose /proc doesn't belong to it", "doesn't belong to it"),
            r"task whose /proc",
            message="The task is not dumpable (it changed its user or "
            "runs a set-uid program), and its /proc belongs to root: CRIU needs full rights.",
        ),
        Sign(
            ("nable to drop capability", "nable to restore cap", "loginuid for", "CAP_AUDIT_CONTROL"),
            r"Error",
            on_success=Severity.ERROR,
        ),
        Sign(("ns_last_pid", "last_pid", "Can't fork for", "Can't set last_pid"), rf"{EPERM}|Read-only"),
        Sign(
            ("prctl failed @", "an't restore EXE link", "monotonic clock offset", "boottime clock offset"),
            rf"with -1$|\(-1\)|{EPERM}",
            message="The kernel refused what CRIU does at the end of a restore (memory layout, link to the program, "
            "clocks) for lack of privilege.",
        ),
        Sign(file="restorer.c", form=r"(?::|with) -1$", weight=Weight.HINT),
        Sign(form=r"^(?!.*(?:ghost|files-reg)).*Read-only file system"),
        Sign(
            (
                "CAP_SYS_ADMIN",
                "CAP_CHECKPOINT_RESTORE",
                "CAP_NET_ADMIN",
                "CAP_SYS_PTRACE",
                "CAP_NET_RAW",
                "CAP_SYS_RESOURCE",
            ),
            r"(?i:requires?|need|missing|lack|without|permission)",
            weight=Weight.HINT,
        ),
        Sign(("ptrace", "PTRACE", "SEIZE"), rf"^(?!.*seccomp).*(?:PTRACE|ptrace|SEIZE).*{EPERM}"),
        Sign(
            form=rf"^(?!.*\b(?:mnt|mnt-v2|cg|tty|unix|seccomp|tcp|inet|sockets|soccr|epoll)\b:? ).*{EPERM}",
            weight=Weight.HINT,
        ),
        Sign(
            "Unable to detach from",
            beside="Dumping FAILED",
            without="Timeout reached",
            weight=Weight.PLACE,
            message="CRIU never got hold of the task: most likely it may not attach to it (ptrace).",
        ),
    ),
    advice(
        "Run CRIU as root of the host; as an ordinary user it needs CAP_CHECKPOINT_RESTORE, CAP_SYS_PTRACE and "
        "--unprivileged (CRIU 3.18).",
        "Look at kernel.yama.ptrace_scope, at seccomp and AppArmor profiles, and at net.ipv4.ping_group_range if a "
        "ping socket is concerned.",
        docker="To run criu inside a container give it --privileged, or --cap-add CHECKPOINT_RESTORE --cap-add "
        "SYS_PTRACE --cap-add NET_ADMIN with --security-opt seccomp=unconfined --security-opt "
        "apparmor=unconfined.",
        podman="Checkpoint needs root: use sudo podman; rootless containers cannot be checkpointed.",
        kubernetes="Run criu inside a pod only with securityContext.privileged: true.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
