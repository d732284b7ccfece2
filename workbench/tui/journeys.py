"""Where a process can go: to another host, into memory as a generation, and back to one of these; and rehearsals."""

import shlex
from collections.abc import Sequence
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.evidence import Process
from workbench.present.line import line
from workbench.present.text import printable
from workbench.tui.beside import run_beside

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp


def offer_migration(app: "WorkbenchApp", process: Process | None) -> None:
    """Ask for the command that starts the destination's half, and plan with it."""
    from workbench.tui.screens.ask import AskScreen

    if process is None:
        app.problem(WorkbenchError("no process is chosen", "choose a row"))
        return
    pid = process.pid

    def answered(command: str | None) -> None:
        if command is None:
            return
        try:
            words = shlex.split(command)
        except ValueError as error:
            app.problem(WorkbenchError(f"that is no command: {error}"))
            return
        app.guide.offer(lambda: app.operations.prepare_migration(pid, words))

    question = "Command that starts the other half (without a shell)"
    app.push_screen(AskScreen(question, shlex.join(app.operations.destination(pid))), answered)


def offer_generation(app: "WorkbenchApp", process: Process | None) -> None:
    """Plan a checkpoint in memory; the process runs on."""
    if process is not None:
        pid = process.pid
        app.guide.offer(lambda: app.operations.prepare_save(pid))


def offer_rollback(app: "WorkbenchApp", process: Process | None) -> None:
    """Ask for the generation, and plan the way back to it."""
    from workbench.tui.screens.ask import AskScreen

    if process is None:
        return
    pid = process.pid
    known = app.operations.generations(pid)
    if not known:
        app.problem(WorkbenchError(f"there is no generation of process {pid}", "K saves one"))
        return

    def answered(number: str | None) -> None:
        if number is None:
            return
        if not number.isdecimal() or int(number) not in known:
            app.problem(WorkbenchError(f"there is no generation {number}", f"there are {', '.join(map(str, known))}"))
            return
        app.guide.offer(lambda: app.operations.prepare_rollback(pid, int(number)))

    question = f"Roll {process.command} {pid} back to which generation: {', '.join(map(str, known))}"
    app.push_screen(AskScreen(question, str(known[-1])), answered)


def offer_scenario(app: "WorkbenchApp") -> None:
    """Choose a scenario of the lab, perform it beside the application, and show its report."""
    run_beside(app, app.operations.scenarios, lambda known: _choose_scenario(app, known), app.problem)


def _choose_scenario(app: "WorkbenchApp", known: Sequence[tuple[str, str]]) -> None:
    from workbench.tui.screens.queues import ConnectionScreen

    def chosen(number: int | None) -> None:
        if number is not None:
            name = known[number][0]
            app.notify(f"Performing {printable(name)}; its report comes by itself.", markup=False, timeout=4)
            run_beside(app, lambda: app.operations.perform(name), show, app.problem)

    def show(report: Sequence[str]) -> None:
        from workbench.tui.screens.help import TextScreen

        app.push_screen(TextScreen([line(printable(each)) for each in report]))

    width = max((len(name) for name, _ in known), default=0)
    listed = [f"{name:{width}}  {title}" for name, title in known]
    app.push_screen(ConnectionScreen(listed, "Which scenario? Enter performs it, with a report."), chosen)
