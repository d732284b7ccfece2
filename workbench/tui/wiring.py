"""The application on the live host: where its evidence and its operations really come from."""

from workbench.source import Source
from workbench.tui.operations import LabHandle, Operations


def open_live() -> Source:
    """This host; imports what it needs only now, when the first frame is drawn."""
    from workbench.collect.live import LiveSource

    return LiveSource()


def live_operations() -> Operations:
    """What can be done on this host."""
    return Operations(start_lab=start_lab)


def start_lab(name: str) -> LabHandle:
    """Start a scenario and wait until it is up."""
    from workbench.errors import WorkbenchError
    from workbench.lab.application import start_for_application

    handle = start_for_application(name)
    if not handle.wait():
        raise WorkbenchError(handle.problem)
    return handle
