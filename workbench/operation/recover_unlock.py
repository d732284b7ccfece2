"""An interrupted removal of locks, finished."""

import signal

from workbench.evidence.lock_map import LockStatus
from workbench.operation.journal import Entry
from workbench.operation.recover import Report
from workbench.operation.remove_locks import among, carry_out, look, plan_removal
from workbench.operation.task import Tasks


def recover_unlock(entry: Entry, report: Report) -> None:
    """Each transaction takes whole locks away, so nothing is half done: what stands and is still unused goes too."""
    recorded = entry.begun["locks"]
    evidence = look(entry.begun["known_images"], directory=entry.path.parent, without=entry.id)
    plan = plan_removal(evidence, only=among(recorded), even_if_needed=entry.begun["even_if_needed"])
    gone = len(recorded) - len(plan.removals) - len(plan.kept)
    report.say(f"{gone} of {len(recorded)} locks had been removed." if gone else "No lock had been removed yet.")
    for kept in plan.kept:
        sentence = f"The lock {kept.use.lock.name} stays: {kept.reason}."
        if kept.use.status is LockStatus.HELD:
            report.ask(sentence)
        else:
            report.say(sentence)
    if plan.removals:
        names = ", ".join(lock.name for lock in plan.locks[:3])
        more = f" and {len(plan.locks) - 3} more" if plan.locks[3:] else ""
        report.say(f"The lock {names}{more} stands and nobody uses it: removed.")
        if not report.dry_run:
            for lock, reason in carry_out(plan, evidence, entry.note).failed:
                report.ask(f"The lock {lock.name} still stands: {reason}.")
    _let_go(entry, report)


def _let_go(entry: Entry, report: Report) -> None:
    """Processes that the removal had stopped run on."""
    with Tasks((int(pid), int(start)) for pid, start in entry.facts.get("stopped", ())) as tasks:
        for task in tasks.alive:
            if task.state == "T":
                report.act(f"Process {task.pid} stood still: runs on.", lambda task=task: task.signal(signal.SIGCONT))  # type: ignore[misc]
