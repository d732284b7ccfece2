"""Where a process can go: to another host, into memory as a generation, and back to one of these; and rehearsals."""

import shlex
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.evidence import Process
from workbench.present.line import line
from workbench.present.options import TRAVEL, Answers, Field
from workbench.present.text import printable
from workbench.tui.beside import run_beside

if TYPE_CHECKING:
    from workbench.operation.rollback.generation import Generation
    from workbench.tui.app import WorkbenchApp


def offer_migration(app: "WorkbenchApp", process: Process | None) -> None:
    """Ask for the command that starts the destination's half, and plan with it."""
    from workbench.tui.screens.options import OptionsScreen

    if process is None:
        app.problem(WorkbenchError("no process is chosen", "choose a row"))
        return
    pid, operations = process.pid, app.operations
    field = Field(
        "Command that starts the other half, without a shell",
        shlex.join(operations.destination(pid)),
        "It must lead to `workbench migrate receive` without asking anything on the way.",
    )

    def made(command: str, answers: Answers) -> tuple[str, bool]:
        return command, "ahead" in answers["travel"]

    form = OptionsScreen(f"Move {process.command} {pid} to another host", (TRAVEL,), field, made)
    app.guide.ask(form, lambda asked: operations.prepare_migration(pid, _words(asked[0]), asked[1]))


def _words(command: str) -> Sequence[str]:
    try:
        return shlex.split(command)
    except ValueError as error:
        raise WorkbenchError(f"that is no command: {error}") from error


def offer_generation(app: "WorkbenchApp", process: Process | None) -> None:
    """Plan a checkpoint in memory; the process runs on."""
    if process is not None:
        pid = process.pid
        app.guide.offer(lambda: app.operations.prepare_save(pid))


def offer_rollback(app: "WorkbenchApp", process: Process | None) -> None:
    """To one of its generations."""
    if process is None:
        return
    pid = process.pid

    def ask(known: "Sequence[Generation]") -> None:
        if known:
            _ask_back(app, known)
        else:
            app.problem(WorkbenchError(f"there is no generation of process {pid}", "K saves one"))

    run_beside(app, lambda: app.operations.generations(pid), ask, app.problem)


def offer_images(app: "WorkbenchApp", path: str) -> None:
    """Restore them; if they are a generation, roll its process back, which may have ended."""

    def ask(known: "Sequence[Generation]") -> None:
        if known:
            _ask_back(app, known, path)
        else:
            app.guide.offer_restore(path)

    run_beside(app, lambda: app.operations.generations_beside(path), ask, app.problem)


def _ask_back(app: "WorkbenchApp", known: "Sequence[Generation]", path: str = "") -> None:
    """Ask for the generation, that of ``path`` or the newest chosen, and the policy; plan the way back."""
    from workbench.present.rollback import rollback_choices, rollback_request
    from workbench.tui.screens.options import OptionsScreen

    of = known[-1]
    chosen = next((each for each in known if path and path in {each.memory, each.disk}), of)
    form = OptionsScreen(
        f"Roll {of.command} {of.pid} back",
        rollback_choices(known, chosen, time.time()),
        None,
        lambda _, answers: rollback_request(of.pid, answers),
    )
    app.guide.ask(form, app.operations.prepare_rollback)


def offer_scenario(app: "WorkbenchApp") -> None:
    """Choose a scenario of the lab, perform it beside the application, and show its report."""
    run_beside(app, app.operations.scenarios, lambda known: _choose_scenario(app, known), app.problem)


def _choose_scenario(app: "WorkbenchApp", known: Sequence[tuple[str, str]]) -> None:
    from workbench.tui.screens.choose import ChooseScreen
    from workbench.tui.screens.help import text_width

    def chosen(number: int | None) -> None:
        if number is not None:
            name = known[number][0]
            app.notify(f"Performing {printable(name)}; its report comes by itself.", markup=False, timeout=4)
            width = text_width(app.size.width)
            run_beside(app, lambda: app.operations.perform(name, width), show, app.problem)

    def show(report: Sequence[str]) -> None:
        from workbench.tui.screens.help import TextScreen

        app.push_screen(TextScreen([line(printable(each)) for each in report]))

    width = max((len(name) for name, _ in known), default=0)
    listed = [f"{name:{width}}  {title}" for name, title in known]
    app.push_screen(ChooseScreen(listed, "Which scenario? Enter performs it, with a report."), chosen)
