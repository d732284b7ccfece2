"""A mount cannot be dumped or made again here.

What it looks at
----------------
Refusals of CRIU's mount code: sharing that cannot be reached, mounts without a root, external mounts without a
mapping or a source, unmounts and binds that fail.

Why it matters
--------------
A container's mounts come partly from outside: volumes, /etc/hosts, device files. Each must be declared as external at
the dump and mapped to something that exists at the restore. Engines do that for what they made; what hooks, sidecars
or people mounted later they do not know.

What to do
----------
Declare the mount (--external mnt[PATH]:NAME at the dump, --external mnt[NAME]:SOURCE at the restore), use
--enable-external-masters for slave mounts, or unmount it before the dump. Make every source path exist on the
restoring host.

When it is wrong
----------------
With CRIU 3.17 and later --mntns-compat-mode takes the older way of restoring mounts, which helps in some cases and
harms in others.

References
----------
criu/mount.c, criu/mount-v2.c; criu(8) --external mnt; mount_namespaces(7).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest, LogKind

CODE = "LOG056"
NAME = "mount-unsupported-or-unmapped"
SINCE = "0.1"

CAUSE = Cause(
    "A mount could not be dumped or made again: it comes from outside without being declared, its source is not "
    "here, or its propagation or file system is one that CRIU cannot handle.",
    (
        Sign(
            "No mapping for",
            r"No mapping for (?P<mount>\S+) mountpoint",
            message="A mount that came from outside was given no source for the restore.",
        ),
        Sign(
            ("Can't bind-mount", "Can't mount at", "Unable to bind-mount"),
            r"mount.*: No such file or directory",
            message="A mount could not be made again: its source does not exist on this host.",
        ),
        Sign(
            (
                "unreachable sharing",
                "doesn't have a proper root mount",
                "Can't umount at",
                "Can't bind-mount",
                "Can't mount at",
                "is autodetected external mount. Try",
                "is a fuse mount but not external",
                "so paths are invisible",
                "Resolving over invalid device",
                "two children with same mountpoint",
                "mount points can't be mounted",
                "nable to dump a file system",
                "No root found for tree",
                "pivot_root(",
                "Can't restore ext mount",
                "isn't mount on the host",
                "can't dump external mount",
            )
        ),
        Sign(
            "expects following bind mounts defined",
            message="The checkpoint has mounts from the host that the new container does not declare.",
            advice=advice(
                "Declare in the new container every mount that the message names, at the same path.",
                kubernetes="Give the pod the volumes and volumeMounts that the message names, at the same paths.",
            ),
        ),
        Sign("FS mnt", r"unsupported id", message="A file system of a kind that CRIU cannot dump is mounted."),
        Sign(form=r".", file="mount.c mount-v2.c filesystems.c autofs.c", weight=Weight.CAUSE),
        Sign(
            "an't remove the directory",
            "Device or resource busy",
            kind=LogKind.RESTORE,
            weight=Weight.REST,
            message="The restore failed while the mounts were made, and this log does not say at which.",
        ),
    ),
    advice(
        "Declare the mount at the dump (--external mnt[PATH]:NAME) and map it at the restore (--external "
        "mnt[NAME]:SOURCE); or unmount it before the dump.",
        "Make the source of every mount exist on the restoring host; give --enable-external-masters for mounts that "
        "follow the host's.",
        podman="Create the same volumes and files on this host before podman container restore.",
        docker="Create the same volumes and bind-mount sources on this host before docker start --checkpoint.",
        kubernetes="Sandbox files (/etc/hosts, /etc/hostname, /etc/resolv.conf) have new paths in a new pod: restore "
        "through CRI-O or containerd, which maps them.",
        lxd="Give liblxc the container's own configuration at the restore; remove mounts that were added from outside.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
