"""The task was restored and crashed at once.

What it looks at
----------------
A restored task killed by SIGSEGV, SIGBUS, SIGILL or the like without an earlier error; a restorer that gave up;
processor features of the images that are missing here.

Why it matters
--------------
The last steps of a restore run inside the task. An older CRIU with a newer C library (rseq since glibc 2.35), another
kernel or another processor family make it crash there: CRIU can say only which signal it was.

What to do
----------
Use the newest CRIU on both sides, restore on the same kernel and processor family as dumped (look at `criu cpuinfo
check`), natively instead of under an emulator.

When it is wrong
----------------
If an error stands before the crash, that error is the cause. Signal 9 is CRIU's own clean-up.

References
----------
criu/pie/restorer.c, criu/cr-restore.c (sigchld_process); https://github.com/checkpoint-restore/criu/issues/1696
"""

from collections.abc import Iterator

from workbench.checking import Problem, Severity
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG060"
NAME = "restored-task-crash"
SINCE = "0.1"

_CRASH = r"^(?!.*util\.c).*killed by signal (?P<signal>4|5|6|7|8|11|31|127)\b"

CAUSE = Cause(
    "The task was rebuilt and then crashed: this CRIU, this kernel or this processor does not fit what was dumped.",
    (
        Sign(
            (
                "capabilities do not match",
                "FPU feature required by image",
                "xsave size mismatch",
                "xsave max size mismatch",
                "unknown capability version",
            ),
            message="The processor here lacks features that the dumped tasks use.",
            advice=advice(
                "Restore on a processor that has what the first one has: `criu cpuinfo dump` there and `criu cpuinfo "
                "check` here say what is missing.",
                "Give virtual machines that share checkpoints one and the same CPU model.",
            ),
        ),
        Sign(("Restorer stack smash detected", "Restorer abnormal termination")),
        Sign("killed by signal", _CRASH, weight=Weight.HINT),
        Sign("Restorer fail", weight=Weight.PLACE),
        Sign(
            ("Segmentation fault", "SIGSEGV", "SIGILL", "Illegal instruction"),
            r"^(?!.*killed by signal)",
            beside=r"[Rr]estor|--checkpoint",
            without=r"Dumping FAILED",
            on_success=Severity.ERROR,
            weight=Weight.HINT,
        ),
        Sign(file="restorer.c cpu.c", weight=Weight.PLACE),
    ),
    advice(
        "Upgrade CRIU on both hosts: 3.17 or newer for programs with glibc 2.35 or newer (rseq).",
        "Restore on the same kernel and the same family of processors; `criu cpuinfo dump` and `criu cpuinfo check` "
        "compare them.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
