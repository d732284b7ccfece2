"""A file that a process had open or mapped is gone, or is not as it was at the dump.

What it looks at
----------------
"has bad size", "has bad mode", "has bad build-ID", files that cannot be opened, deleted files that cannot be kept,
watched files that are not found.

Why it matters
--------------
Images hold descriptors, not contents. Logs that grew, libraries that were upgraded, temporary files that were cleaned
up are the most common reason why a restore fails that has nothing to do with the network.

What to do
----------
Bring the file back as it was (ship it with the images, restore the snapshot of the file system), or keep it closed:
standard streams to /dev/null, logs to a logger. For deleted files use --link-remap or a larger --ghost-limit at the
dump.

When it is wrong
----------------
With a wrong --root or a changed mount the file may be there, elsewhere.

References
----------
criu/files-reg.c (validate_file, open_path, dump_ghost_file); criu(8) --file-validation, --link-remap, --ghost-limit.
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG054"
NAME = "file-changed-or-missing"
SINCE = "0.1"

CAUSE = Cause(
    "A file that a process has open or mapped is missing, or is not as it was at the dump.",
    (
        Sign(
            "has bad size",
            r"File (?P<file>.+) has bad size (?P<size>\d+) \(expect (?P<expected>\d+)\)",
            message="A file that a process had open has another size than at the dump.",
        ),
        Sign(
            ("has bad mode", "has bad build-ID"),
            r"File (?P<file>.+) has bad",
            message="A file that a process had open was replaced or its mode changed.",
        ),
        Sign(
            "an't dump ghost file",
            r"ghost file (?P<file>.+) of (?P<size>\d+)",
            message="A deleted file that a process still has open is larger than CRIU is willing to put into the "
            "images (--ghost-limit).",
            advice=joined(
                advice("Let the program close the deleted file before the dump, or allow CRIU to save a larger one:"),
                handing_over("ghost-limit", "1G"),
            ),
        ),
        Sign(
            ("Use link-remap option", "an't create link remap", "link-remap", "link_remap"),
            r"(?i:error|can't|fail|exist)",
            message="A file that a process has open was deleted or renamed, and CRIU may not make a name for it "
            "(--link-remap), or a name left behind by an earlier run is in the way.",
            advice=joined(
                handing_over("link-remap"),
                advice(
                    "Delete what an earlier run left behind (link_remap.N beside the file), when no restore needs it.",
                    "Or let the program close or reopen the file before the dump: `ls -l /proc/PID/fd` shows it as "
                    "(deleted).",
                ),
            ),
        ),
        Sign(
            "an't open file",
            r"an't open file (?P<file>.+?)(?: on restore)?: No such file",
            message="A file that a process had open does not exist here.",
        ),
        Sign(
            "an't bind ",
            r"unix: .*(?:No such file|Not a directory)",
            message="A UNIX socket could not be bound again: the directory that it stands in does not exist here.",
            advice=advice(
                "Make the directory before the restore, or mount there what was mounted at the dump (a volume, a "
                "tmpfs)."
            ),
        ),
        Sign(
            "Read-only file system",
            file="files-reg.c",
            message="A file that a process had open cannot be made or opened for writing again: its file system is "
            "mounted read-only here.",
            advice=advice(
                "Mount the file system read-write for the restore, or keep such files on a volume or a tmpfs that is "
                "writable in both places."
            ),
        ),
        Sign(("an't link", "cr.1.ghost"), r"an't link (?P<file>\S+) -> "),
        Sign(
            (
                "Remap for non existing file",
                "Unaccessible path opened",
                "Ghost file size mismatch",
                "Can't open ghost",
                "Can't open mapped",
                "Couldn't unlink remap",
                "Can't unlink",
                "reg-file-ID",
                "Unable to lookup",
                "an't change cwd",
                "find task cwd",
            )
        ),
        Sign(
            ("find suitable path for handle", "dump that handle", "Failed to resolve"),
            file="fsnotify.c irmap.c",
            message="A file that a process watches (inotify, fanotify) was not found by its handle.",
        ),
        Sign(file="files-reg.c fsnotify.c irmap.c ghost.c", weight=Weight.PLACE),
    ),
    joined(
        advice(
            "Bring the file back as it was at the dump: ship it with the images, or restore the file system's "
            "snapshot of that moment.",
            "Keep such files closed at the dump: standard streams to /dev/null, logs through a logger.",
            podman="Export the checkpoint with --export: it carries the changed files of the container's root file "
            "system along.",
            docker="docker does not save the file system: restore into the same container, or ship its changes too.",
        ),
        handing_over("link-remap"),
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
