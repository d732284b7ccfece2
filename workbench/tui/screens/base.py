"""What all screens of the workbench share: the lines at the top, and the way back."""

from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.screen import Screen
from textual.widgets import Footer

from workbench.tui.collector import Moment
from workbench.tui.widgets.bars import HeaderBar, TabBar

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

TABS = (
    ("1", "connections", "Connections", "Conns"),
    ("2", "processes", "Processes", "Procs"),
    ("3", "netfilter", "Netfilter", "Rules"),
    ("4", "checkpoints", "Checkpoints", "Images"),
    ("5", "timeline", "Timeline", "Time"),
    ("6", "findings", "Findings", "Found"),
    ("o", "operation", "Operation", "Op"),
)
"""Key, mode, title and short title of each screen."""


class WorkbenchScreen(Screen[None]):
    """A screen with the header, the tabs and the footer."""

    MODE: ClassVar[str]
    """Its name among the modes of the application."""
    PURPOSE: ClassVar[str] = ""
    """The question that it answers; first line of its help."""
    HORIZONTAL_BREAKPOINTS = [(0, "-tiny"), (80, "-narrow"), (100, "-normal"), (140, "-wide")]  # noqa: RUF012 - Textual's own annotation

    @property
    def workbench(self) -> "WorkbenchApp":
        return cast("WorkbenchApp", self.app)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        return self.workbench.offers(action)

    def compose(self) -> ComposeResult:
        yield HeaderBar(self.workbench.header)
        yield TabBar(self.MODE, TABS)
        yield from self.compose_body()
        yield Footer(compact=True, show_command_palette=False)

    def compose_body(self) -> ComposeResult:
        """What stands between tabs and footer."""
        yield from ()

    def on_screen_resume(self) -> None:
        moment = self.workbench.moment
        if moment is not None:
            self.show(moment)

    def show(self, moment: Moment) -> None:
        """A new moment to show; called only for the screen in front."""

    def refresh_header(self) -> None:
        for bar in self.query(HeaderBar):
            bar.refresh()

    def step_back(self) -> bool:
        """One step back within the screen; False at its top."""
        return False

    def leave(self) -> bool:
        """Leave a detail; False at the top of the screen."""
        return False
