"""A dump or restore failed: its first error, and how far it had come.

What it looks at
----------------
The first error of a log that is none of the harmless ones, and CRIU's last words.

Why it matters
--------------
What CRIU could not do stands in its first error line; all later ones follow from it. Not every failure is known to this
library: where no other finding explains the log, this line is where to begin.

What to do
----------
Read that line and the ones before it. Run again with -v4 if the log is short.

When it is wrong
----------------
An error that CRIU got over looks the same in a log that does not go on to its end.

References
----------
criu(8) -v; https://criu.org/When_C/R_fails
"""

from collections.abc import Iterator
from dataclasses import replace

from workbench.checking import Problem
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG099"
NAME = "run-failed"
SINCE = "0.1"

CAUSE = Cause(
    "The dump or restore failed.",
    (
        Sign(
            ("Timeout reached. Try to interrupt", "Timed out freezing"),
            weight=Weight.HINT,
            message="The processes did not stop within the time that CRIU allows (10 s, --timeout): one of them does "
            "not react, as in a system call that cannot be interrupted (state D), or the freezer of its cgroup hangs.",
            advice=joined(
                advice(
                    "Find the process that does not stop: state D in `ps -eo pid,stat,wchan:30,args`. End what it "
                    "waits for (a device, a network file system) and dump again."
                ),
                handing_over("timeout", "60"),
            ),
        ),
        Sign(
            "No space left on device",
            r"(?:[Ww]rit|image|img|page|splice|dump|copy)",
            weight=Weight.HINT,
            message="There is no room left where the images are written.",
            advice=advice(
                "Make room there, or have the images written elsewhere: they need about as much as the processes have "
                "in memory. `df -h DIRECTORY` tells what is free.",
                podman="Make room below /var/lib/containers: the images are written there first, even with --export.",
                docker="Name another directory with docker checkpoint create --checkpoint-dir.",
                kubernetes="Delete old archives below /var/lib/kubelet/checkpoints, where the kubelet writes.",
            ),
        ),
        Sign(
            "Unseizable non-zombie",
            weight=Weight.HINT,
            message="CRIU could not take hold of a process: it is stopped or traced by something else.",
            advice=advice(
                "Look at State and TracerPid in /proc/PID/status: end the debugger or strace that traces it, and dump "
                "again."
            ),
        ),
        Sign(
            form=r".",
            weight=Weight.REST,
            message="CRIU failed: this is the first error in its log.",
        ),
        Sign(("Dumping FAILED", "dumping FAILED"), weight=Weight.REST, message="The dump failed."),
        Sign("Restoring FAILED", weight=Weight.REST, message="The restore failed."),
        Sign(
            ("criu failed", "CRIU checkpointing failed", "CRIU restoring failed", "criu process exited"),
            weight=Weight.REST,
            message="CRIU failed, and this output does not say why: look at the log file that it names.",
        ),
        Sign(
            ("heckpoint", "estore", "igration", "JVM process", "OCI runtime container pid"),
            r"\b(?:[Ee]rror|ERROR|ERRO|FATA|Failed)\b.*(?i:cannot (?:checkpoint|restore)|"
            r"failed to (?:checkpoint|restore)|(?:checkpoint|restore|migration)\w* failed|"
            r"failed to retrieve OCI runtime container pid)|Could not (?:dump|restore) the JVM",
            weight=Weight.REST,
            message="The engine says that it failed, and not why: look at CRIU's log on the host.",
        ),
    ),
    advice(
        "Read the first error of CRIU's log and the lines before it; run again with -v4 if there are none.",
        docker="Look at the log that docker names: criu-dump.log or restore.log below /run/containerd, or in the "
        "directory of the checkpoint.",
        podman="Look at dump.log or restore.log in the container's userdata directory; podman container checkpoint "
        "--keep leaves it there.",
        kubernetes="Look on the node at the journal of the runtime and at the log that it names: dump.log or "
        "restore.log below /var/lib/containers/storage/overlay-containers (CRI-O), criu-dump.log or restore.log "
        "below /run/containerd.",
        lxd="Look at `lxc info NAME --show-log`, and at dump.log or restore.log below the log directory.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log of a run that failed."""
    for problem in problems(CAUSE, logs):
        stage = problem.facts.get("stage")
        yield replace(problem, message=f"{problem.message} It had come to: {stage}.") if stage else problem
