"""What is left of operations whose workbench or CRIU was killed, and how it is put right.

What CRIU leaves (4.2.1, tried at every notification and stage): when the workbench dies, CRIU finds its socket closed
and undoes a dump, or ends the half-restored tasks; past the unlock it goes on to the end. When CRIU dies, a dumped
tree runs on: from the first lock on with the lock in place, from the first repair on with sockets that answer EPERM.
Half-restored tasks wait in the restorer for ever, their sockets silent.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, UnfinishedOperation
from workbench.operation.journal import RECOVERED, Entry, boot_id, entries
from workbench.operation.progress import Progress
from workbench.operation.task import Task, await_session_end

CRIU_ENDS_S = 10.0
"""Seconds in which a CRIU whose workbench is gone undoes what it did."""


@dataclass
class Report:
    """What was found of one operation, and done about it (or would be)."""

    operation: UnfinishedOperation
    sentences: list[str] = field(default_factory=list)
    """What stands on the host and what was done, in order; printable after ``printable()``."""
    sound: bool = True
    """Nothing is left that a person must decide on."""
    pending: bool = False
    """A restore would bring it back: ``recover`` does that."""
    lost: dict[Connection, str] = field(default_factory=dict)
    """Connections that nothing can bring back, with the reason."""
    restored: Progress | None = None
    """The restore that was done, with its proof."""
    dry_run: bool = False

    def say(self, sentence: str) -> None:
        self.sentences.append(sentence)

    def act(self, sentence: str, act: Callable[[], object]) -> None:
        """Say what is done, and do it unless this is a rehearsal. Raises WorkbenchError from the act."""
        self.sentences.append(sentence)
        if not self.dry_run:
            act()

    def ask(self, sentence: str) -> None:
        """Something that a person must choose."""
        self.sentences.append(sentence)
        self.sound = False

    def lose(self, connections: tuple[Connection, ...], reason: str) -> None:
        for each in connections:
            self.lost[each] = reason
            self.sentences.append(f"Lost: {each}: {reason}.")


def recover(*, dry_run: bool = False, directory: Path | None = None) -> tuple[Report, ...]:
    """Put right every operation that was begun and not ended; doing it again changes nothing.

    An operation whose workbench still runs is left alone. ``dry_run`` looks and says what it would do.
    """
    from workbench.operation.engine_conversation import remove_abandoned

    if not dry_run:
        remove_abandoned()
    reports = []
    for entry in entries(directory):
        if entry.ended:
            continue
        if entry.workbench_alive:
            report = Report(entry.summary())
            report.say("It is still under way: left alone.")
        else:
            report = put_right(entry, restoring=True, dry_run=dry_run)
        reports.append(report)
    return tuple(reports)


def put_right(entry: Entry, *, restoring: bool, dry_run: bool = False) -> Report:
    """Put one operation right. ``restoring``: processes that are gone are brought back from complete images."""
    from workbench.operation.handoff.recovering import recover_handoff
    from workbench.operation.migration.recover_receive import recover_receive
    from workbench.operation.recover_dump import recover_dump
    from workbench.operation.recover_restore import recover_restore
    from workbench.operation.recover_unlock import recover_unlock

    report = Report(entry.summary(), dry_run=dry_run)
    try:
        if entry.begun["boot_id"] != boot_id():
            report.say("The host was started anew since: its processes, connections and locks are gone.")
        elif not _criu_ended(entry):
            report.ask(f"Its CRIU (process {(entry.criu or (0,))[0]}) is still at work: left alone, look again later.")
            return report
        elif entry.kind == "dump":
            recover_dump(entry, report, restoring=restoring)
        elif entry.kind == "receive":
            recover_receive(entry, report, restoring=restoring)
        elif entry.kind == "handoff":
            recover_handoff(entry, report)
        elif entry.kind == "keeper":
            report.say("The keeper was killed: the peers are not answered any more (workbench keeper begins again).")
        elif entry.kind == "restore":
            recover_restore(entry, report, restoring=restoring)
        else:
            recover_unlock(entry, report)
    except WorkbenchError as error:
        report.ask(f"{error}.")
    if report.sound and restoring and not dry_run:
        entry.note(RECOVERED, sentences=report.sentences)
    return report


def _criu_ended(entry: Entry) -> bool:
    """Wait for a CRIU that still undoes what it did."""
    if entry.criu is None:
        return True
    task = Task.hold(*entry.criu)
    if task is not None:
        try:
            if not task.gone(CRIU_ENDS_S):
                return False
        finally:
            task.close()
    if entry.kind == "dump" and entry.begun.get("container"):  # its engine had others do it
        return await_session_end(entry.criu[0], CRIU_ENDS_S)
    return True
