"""The lab connection of the application: started and ended by one key, found by the cursor."""

from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.present.text import printable
from workbench.tui.beside import run_beside
from workbench.tui.operations import LabHandle
from workbench.tui.screens.base import WorkbenchScreen
from workbench.tui.screens.table import TableScreen

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp


class LabConnection:
    """One at a time; used in the thread that draws."""

    def __init__(self, app: "WorkbenchApp", scenario: str) -> None:
        self._app = app
        self._scenario = scenario
        self._handle: LabHandle | None = None
        self._changing = False
        self._seek: dict[str, int] = {}
        """By screen: the process to put the cursor on when it is seen."""

    @property
    def server_pid(self) -> int | None:
        """The program to dump; None if none lives."""
        return self._handle.server_pid if self._handle is not None else None

    def toggle(self) -> None:
        """Start it, or end it; neither while the other is under way."""
        if self._changing:
            return
        self._changing = True
        handle = self._handle
        if handle is not None:
            self._handle = None
            run_beside(self._app, handle.close, lambda _: self._ended(), self._failed)
        else:
            self._app.notify(f"Starting the lab connection {printable(self._scenario)} ...", markup=False, timeout=2)
            run_beside(self._app, lambda: self._app.operations.start_lab(self._scenario), self._started, self._failed)

    def close(self) -> None:
        """End it if it lives, before the application does."""
        if self._handle is not None:
            self._handle.close()

    def seek(self, front: WorkbenchScreen) -> None:
        """Put the cursor on the program that was just started, once it is seen."""
        pid = self._seek.get(front.MODE)
        if pid is not None and isinstance(front, TableScreen) and front.go_to_process(pid):
            del self._seek[front.MODE]
            if front.MODE == "connections":
                # Not before the cursor is there: d would dump somebody else.
                said = f"The lab connection is up: server {pid}, at the cursor. d dumps it."
                self._app.notify(said, markup=False, timeout=3)

    def _started(self, handle: LabHandle) -> None:
        self._handle, self._changing = handle, False
        self._app.clear_notifications()  # that it starts is over
        if handle.server_pid is not None:
            self._seek = dict.fromkeys(("connections", "processes"), handle.server_pid)
        if not self._app.screen.is_modal:  # somebody reads, or answers, what stands over it
            self._app.go_to("connections")
        self._app.look_now()

    def _ended(self) -> None:
        self._changing = False
        self._app.notify("The lab connection has ended.", markup=False)
        self._app.look_now()

    def _failed(self, error: WorkbenchError) -> None:
        self._changing = False
        self._app.problem(error)
