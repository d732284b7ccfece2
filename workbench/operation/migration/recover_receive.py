"""A migration that broke off at its destination, put right."""

import shutil
import signal
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.operation.journal import Entry
from workbench.operation.migration.addresses import MovingAddress, announce_all, moving_address, take_away
from workbench.operation.migration.received import GIVEN_BACK, RESTORED_HERE, TAKEN_OVER
from workbench.operation.recover import Report
from workbench.operation.recover_restore import _restored_pids as restored_pids
from workbench.operation.recover_restore import recover_restore
from workbench.operation.scene import locks_of, namespace_of
from workbench.operation.task import Tasks
from workbench.operation.unlock import unlock_all

DROPPED = "dropped"
_GONE_S = 10.0


def recover_receive(entry: Entry, report: Report, *, restoring: bool) -> None:
    """What was taken over is restored again; what was not is given up here, since it lives at its source."""
    if TAKEN_OVER in entry.transitions:
        _finish(entry, report, restoring=restoring)
    elif RESTORED_HERE in entry.transitions and not {GIVEN_BACK, DROPPED} & set(entry.transitions):
        _end_half_restored(entry, report)
        _free_address(entry, report)
        identity = entry.begun["migration"]["id"]
        report.ask(
            "It was restored here when the source fell silent, and only the source knows whether it was handed over:"
            f" run `workbench recover` there, then here `workbench migrate take {identity}` if it ended there,"
            f" `workbench migrate drop {identity}` if it lives there; images and lock are kept until then"
        )
    else:
        _end_half_restored(entry, report)
        _free_address(entry, report)
        _lift(entry, report)
        _forget_images(entry, report)
        report.say("It was not handed over: it stays with its source.")


def addresses_of(entry: Entry) -> tuple[MovingAddress, ...]:
    return tuple(moving_address(each) for each in entry.begun["migration"]["addresses"])


def _finish(entry: Entry, report: Report, *, restoring: bool) -> None:
    recover_restore(entry, report, restoring=restoring)
    namespace = namespace_of(entry)
    if namespace is not None and not report.dry_run and not report.lost:
        announce_all(addresses_of(entry), namespace)
        if report.sound and not report.pending:
            _forget_images(entry, report)


def _end_half_restored(entry: Entry, report: Report) -> None:
    with Tasks(restored_pids(entry)) as tasks:
        living = tasks.alive
        if not living:
            return
        report.say(f"Process {living[0].pid} is half restored: ended without a packet.")
        if report.dry_run:
            return
        for task in living:
            task.signal(signal.SIGKILL)
        for task in living:
            if not task.gone(_GONE_S):
                raise WorkbenchError(f"Process {task.pid} does not end", "look at it again in a moment")


def _free_address(entry: Entry, report: Report) -> None:
    namespace = namespace_of(entry)
    if namespace is not None and "lock and address come" in entry.transitions:
        addresses = addresses_of(entry)
        if addresses:
            names = ", ".join(each.address for each in addresses)
            report.act(f"Address {names} is taken away here.", lambda: take_away(addresses, namespace))


def _lift(entry: Entry, report: Report) -> None:
    namespace = namespace_of(entry)
    locks = locks_of(entry, namespace, str(entry.facts.get("run_id") or ""))
    if locks and namespace is not None:
        report.act(f"The lock {locks[0].name} stands: lifted.", lambda: unlock_all(locks, namespace.path))


def _forget_images(entry: Entry, report: Report) -> None:
    path = Path(str(entry.begun["images"]))
    if path.exists() and entry.begun["own_images"]:
        report.act(f"The images in {path} are removed.", lambda: shutil.rmtree(path, ignore_errors=True))
