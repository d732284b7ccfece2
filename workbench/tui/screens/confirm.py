"""What will be done, in full, and the word that must be typed before it is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.widgets import Footer, Input

from workbench.operation.handoff.plan import HandoffPlan
from workbench.operation.plan import Plan
from workbench.operation.removal import CONFIRMATION, RemovalPlan
from workbench.present.bundle import bundle_lines
from workbench.present.handoff import plan_text as handoff_text
from workbench.present.line import Line, Tone, line
from workbench.present.plan import plan_text
from workbench.present.removal import removal_text
from workbench.present.text import printable
from workbench.present.units import byte_size
from workbench.tui.clipboard import copy_text
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.dialog import Dialog
from workbench.tui.widgets.line_view import LineView

if TYPE_CHECKING:
    from workbench.bundle.write import Made


class ConfirmScreen(Dialog[bool]):
    """Answers whether it was confirmed; without a word there is nothing to confirm."""

    AUTO_FOCUS = "Input"
    PLACES = (Where.PLAN,)
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.PLAN)

    def __init__(self, lines: Sequence[Line], asked: Line, word: str) -> None:
        """``asked`` says what to type; ``word``: what must be typed, empty if it cannot be done."""
        super().__init__()
        self._lines = lines
        self._asked = asked
        self._word = word

    def compose(self) -> ComposeResult:
        yield LineView(lambda _: self._lines, id="plan")
        yield LineView(lambda _: [self._asked], id="plan-asked")
        if self._word:
            yield Input(placeholder=f"type {self._word} and Enter", compact=True, id="confirm")
        yield Footer(compact=True, show_command_palette=False)

    def about(self) -> Sequence[Line]:
        return (self._asked,)

    def on_mount(self) -> None:
        self.query_one("#plan-asked", LineView).can_focus = False
        self.app.clear_notifications()  # they would stand over what is to be typed

    @property
    def _view(self) -> LineView:
        return self.query_one("#plan", LineView)

    def action_line_down(self) -> None:
        self._view.action_line_down()

    def action_line_up(self) -> None:
        self._view.action_line_up()

    def action_page_down(self) -> None:
        self._view.action_page_down()

    def action_page_up(self) -> None:
        self._view.action_page_up()

    @on(Input.Submitted, "#confirm")
    def _confirm(self, message: Input.Submitted) -> None:
        if message.value.strip() == self._word:
            self.app.clear_notifications()
            self.dismiss(True)
        elif message.value.strip():
            self.notify(f"That is not {self._word}: nothing was done.", severity="warning", markup=False)
            message.input.value = ""

    def action_copy_plan(self) -> None:
        copy_text(self.app, self._view.as_text())

    def action_cancel(self) -> None:
        self.dismiss(False)


def plan_screen(plan: Plan) -> ConfirmScreen:
    """A plan in full; its pid confirms it."""
    if plan.obstacles:
        asked = line(("It cannot be done as things are; see on top what is in the way.", Tone.BAD))
        return ConfirmScreen(plan_text(plan), asked, "")
    word = printable(plan.confirmation)
    asked = line("Nothing has been done yet. To go on, type the pid ", (word, Tone.STRONG), " and press Enter.")
    return ConfirmScreen(plan_text(plan), asked, word)


def recovery_screen(found: Sequence[str]) -> ConfirmScreen:
    """What interrupted operations have left, and what would be done about it; ``yes`` confirms it."""
    lines = [line(("Unfinished operations", Tone.STRONG)), line()]
    if not found:
        lines.append(line("No operation was interrupted: there is nothing to put right."))
        return ConfirmScreen(lines, line(("Escape goes back.", Tone.DIM)), "")
    lines += [line(printable(each)) for each in found]
    asked = line("Nothing has been done yet. To do this, type ", ("yes", Tone.STRONG), " and press Enter.")
    return ConfirmScreen(lines, asked, "yes")


def removal_screen(plan: RemovalPlan) -> ConfirmScreen:
    """What goes, what stays and why; the word of the plan confirms it."""
    if not plan.removals:
        return ConfirmScreen([*removal_text(plan)], line(("It stays; Escape goes back.", Tone.DIM)), "")
    asked = line("Nothing has been done yet. To do this, type ", (CONFIRMATION, Tone.STRONG), " and press Enter.")
    return ConfirmScreen([*removal_text(plan)], asked, CONFIRMATION)


def handoff_screen(plan: HandoffPlan) -> ConfirmScreen:
    """Who gives and who gets a connection; the pid of its owner confirms it."""
    lines = handoff_text(plan)
    if plan.obstacles:
        return ConfirmScreen(
            lines, line(("It cannot be done as things are; see on top what is in the way.", Tone.BAD)), ""
        )
    word = printable(plan.confirmation)
    asked = line("Nothing has been done yet. To hand it over, type ", (word, Tone.STRONG), " and press Enter.")
    return ConfirmScreen(lines, asked, word)


def bundle_screen(made: "Made") -> ConfirmScreen:
    """What would be in the bundle; ``yes`` confirms it."""
    lines = [line(("A bundle of this host, for somebody else to open", Tone.STRONG)), line()]
    lines += [line(text) for text in bundle_lines(made.manifest, made.sizes, made.findings)]
    asked = line(
        f"Nothing is written yet: {byte_size(made.size)}. To write it, type ", ("yes", Tone.STRONG), " and press Enter."
    )
    return ConfirmScreen(lines, asked, "yes")
