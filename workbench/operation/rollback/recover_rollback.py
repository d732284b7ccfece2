"""A roll-back that broke off, put right: once the present had begun to end, the past is brought back."""

import signal

from workbench.evidence import Gap, NetworkNamespace
from workbench.operation.journal import Entry
from workbench.operation.migration.lock import lock
from workbench.operation.migration.look import look
from workbench.operation.record import connection_from
from workbench.operation.recover import Report
from workbench.operation.rollback.destroy import destroy
from workbench.operation.rollback.rollback import ENDING
from workbench.operation.standstill import stop
from workbench.operation.task import Tasks

_GONE_S = 10.0


def recover_rollback(entry: Entry, report: Report, run_id: str, namespace: NetworkNamespace | None) -> bool:
    """Whether nothing is left to do; False: the restore is to be repeated, under the lock that is set here again."""
    rollback = entry.begun.get("rollback")
    if not rollback:
        return False
    if ENDING not in entry.transitions:
        report.say(f"Process {entry.begun['root'][0]} had not begun to end: it runs on.")
        return True
    with Tasks((int(pid), int(start)) for pid, start in rollback["tree"]) as tasks:
        living = tasks.alive
        if living:
            report.say(f"Process {living[0].pid}, as it was before the roll-back, was about to end: ended.")
        if not report.dry_run:
            stop(living)
            _reset_peers(entry, namespace)
            for task in living:
                task.signal(signal.SIGKILL)
            for task in living:
                task.gone(_GONE_S)
    if namespace is not None and "pre-resume" not in entry.transitions and not report.dry_run:
        lock((connection_from(each) for each in rollback["locked"]), run_id, namespace)
    return False


def _reset_peers(entry: Entry, namespace: NetworkNamespace | None) -> None:
    """Of the present, and of what it has left behind without an owner: it would be in the way of the past."""
    if namespace is None:
        return
    found = look({"sockets"}, namespace.inode).sockets
    rollback = entry.begun["rollback"]
    pids = {int(pid) for pid, _ in rollback["tree"]}
    past = {connection_from(each).unmapped for each in rollback["locked"]}
    destroy(
        (
            each
            for each in (() if isinstance(found, Gap) else found)
            if each.peer.port
            and (
                any(holder.pid in pids for holder in each.holders)
                or (not each.inode and each.connection.unmapped in past)
            )
        ),
        namespace,
    )
