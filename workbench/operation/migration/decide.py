"""A person decides where a process lives whose migration broke off in the one moment that nobody else can judge."""

from workbench.errors import WorkbenchError
from workbench.operation.journal import Entry, entries, read_entry
from workbench.operation.migration.addresses import give
from workbench.operation.migration.received import GIVEN_BACK, RESTORED_HERE, TAKEN_OVER
from workbench.operation.migration.recover_receive import DROPPED, addresses_of
from workbench.operation.recover import Report, put_right
from workbench.operation.scene import namespace_of


def decide(identity: str, transition: str) -> Report:
    """Finish the arrival ``identity`` as ``taken over`` or ``dropped``. Raises WorkbenchError if it does not wait."""
    waiting = {each.begun["migration"]["id"]: each for each in entries() if _waits(each)}
    entry = waiting.get(identity)
    if entry is None:
        known = f"those are {', '.join(waiting)}" if waiting else "none does"
        raise WorkbenchError(f"no migration {identity} waits here for a decision", known)
    if transition == TAKEN_OVER:
        namespace = namespace_of(entry)
        if namespace is None:
            raise WorkbenchError("the network namespace that it came to is gone")
        give(addresses_of(entry), namespace)
    entry.note(transition)
    decided = read_entry(entry.path)
    assert decided is not None
    return put_right(decided, restoring=True)


def _waits(entry: Entry) -> bool:
    decided = {TAKEN_OVER, GIVEN_BACK, DROPPED} & set(entry.transitions)
    return entry.kind == "receive" and not entry.ended and RESTORED_HERE in entry.transitions and not decided
