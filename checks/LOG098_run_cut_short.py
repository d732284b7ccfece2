"""A log ends in the middle of a dump or restore: CRIU was killed, or is still at work.

What it looks at
----------------
A log that begins where a run begins and ends without a word of CRIU's on how it went.

Why it matters
--------------
A CRIU that is killed undoes nothing. In a dump the lock stays, the sockets that were being dumped stay in repair mode
(reading fails with EPERM, what is written is never sent), and the tasks may be stopped. In a restore the lock stays.

What to do
----------
See whether CRIU still runs. If not, look for a lock with ``workbench locks``, and for stopped tasks and stuck sockets
with ``workbench check``.

When it is wrong
----------------
A log that was copied while CRIU was writing it, or cut by a limit of the disk or of a collector, looks the same.

References
----------
criu/cr-dump.c (cr_dump_finish), criu/cr-restore.c (restore_root_task); tcp(7) TCP_REPAIR.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence import LogDigest, LogKind, Outcome, Stage

CODE = "LOG098"
NAME = "run-cut-short"
SINCE = "0.1"

_HARMLESS = {None, Stage.STARTED, Stage.PRE_DUMP, Stage.PRE_RESTORE, Stage.DONE}
"""Stages in which nothing is locked, frozen or in repair mode."""


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that has a beginning and no end."""
    for log in logs:
        first, last = log.lines[0], log.lines[-1]
        if log.outcome is not Outcome.CUT or log.stage in _HARMLESS or not _begins(log):
            continue
        what = "restore" if log.kind is LogKind.RESTORE else "dump"
        yield Problem(
            Severity.WARNING,
            Subject("log", log.name, {"path": log.file}),
            f"The log of a {what} ends in the middle (it had come to: {log.stage}): CRIU was killed or is still at "
            "work. A killed CRIU leaves the lock, and in a dump sockets in repair mode.",
            facts={"stage": str(log.stage), "lines": log.total_lines},
            quotes=(Quote.of(first), Quote.of(last)),
            fixes=(
                Fix("See whether CRIU still runs.", ("pgrep", "-a", "criu"), safe=True),
                Fix("Look for a lock that was left behind.", ("workbench", "locks"), safe=True),
            ),
            weight=-1_000_000,
            failure=log.file,
        )


def _begins(log: LogDigest) -> bool:
    """Whether it is a log from its beginning, not a piece of one."""
    return any(line.stage is Stage.STARTED or line.seconds == 0.0 for line in log.lines[:5])
