"""A migration that broke off at its source, put right."""

import shutil
from pathlib import Path

from workbench.evidence import Lock, NetworkNamespace
from workbench.operation.journal import Entry
from workbench.operation.migration.addresses import announce_all, give, moving_address
from workbench.operation.recover import Report
from workbench.operation.unlock import unlock_all
from workbench.present.text import printable

HANDED_OVER = "handed over"
ADDRESS_GONE = "address gone"
"""Transitions of the journal of a dump whose process moves."""


def recover_send(entry: Entry, report: Report, locks: tuple[Lock, ...], namespace: NetworkNamespace | None) -> bool:
    """Whether that was all: a process that was handed over is not brought back here; else its address comes back."""
    moving = entry.begun.get("migration")
    if not moving:
        return False
    if HANDED_OVER in entry.transitions:
        where = printable(str(moving["to"]))
        report.say(
            f"Process {entry.begun['root'][0]} was handed over to {where}: it ended here, and is not brought back."
        )
        if locks and namespace is not None:
            report.act("Its lock is of no use here any more: lifted.", lambda: unlock_all(locks, namespace.path))
        report.say(f"If the destination asks (`workbench recover` there): `workbench migrate take {moving['id']}`.")
        if (path := _own_images(entry)) is not None:
            report.say(f"Its images stay in {path}: remove them when it lives there.")
        return True
    if ADDRESS_GONE in entry.transitions and namespace is not None:
        addresses = tuple(map(moving_address, moving["addresses"]))
        names = ", ".join(each.address for each in addresses)

        def come_back() -> None:
            give(addresses, namespace)
            announce_all(addresses, namespace)

        report.act(f"It was not handed over, so its address {names} comes back here.", come_back)
    report.say(f"If the destination asks (`workbench recover` there): `workbench migrate drop {moving['id']}`.")
    return False


def forget_images(entry: Entry, report: Report) -> None:
    """Images in memory that are of no use: of a process that runs on, or that they could not bring back."""
    if (path := _own_images(entry)) is not None:
        report.act(f"The images in {path} are removed.", lambda: shutil.rmtree(path, ignore_errors=True))


def _own_images(entry: Entry) -> Path | None:
    """Directory of the images, if nobody named one and it is still there."""
    path = Path(str(entry.begun["images"]))
    return path if entry.begun.get("migration", {}).get("own_images") and path.exists() else None
