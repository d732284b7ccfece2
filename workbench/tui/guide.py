"""The way from a row to an operation: options, plan, confirmation, start; and back from what was interrupted."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from workbench.errors import WorkbenchError
from workbench.evidence import Lock, Process, Socket
from workbench.evidence.comparison import compare
from workbench.operation.diagnosis import Diagnosis
from workbench.operation.handoff.plan import HandoffPlan, HandoffRequest
from workbench.operation.plan import Plan
from workbench.operation.progress import Outcome, Progress
from workbench.operation.removal import RemovalPlan
from workbench.operation.runner import Operation
from workbench.present.comparison import comparison_lines
from workbench.present.line import Line, Tone, line
from workbench.present.options import DUMP_CHOICES, RESTORE_CHOICES, dump_request, images_field, restore_request
from workbench.present.text import printable
from workbench.tui.beside import run_beside
from workbench.tui.operations import Prepared
from workbench.tui.session import Session

if TYPE_CHECKING:
    from workbench.bundle.write import Made
    from workbench.tui.app import WorkbenchApp
    from workbench.tui.collector import Moment
    from workbench.tui.screens.form import FormScreen

Answer = TypeVar("Answer")
Looked = TypeVar("Looked")


class Guide:
    """Leads through the screens in their order; whatever may take long is done beside."""

    def __init__(self, app: "WorkbenchApp") -> None:
        self._app = app

    def offer_dump(self, process: Process | None) -> None:
        """Ask for the options of a dump of this process."""
        from workbench.tui.screens.options import OptionsScreen

        if process is None:
            self._app.problem(
                WorkbenchError("no process holds this socket", "CRIU dumps processes: choose another row")
            )
        else:
            pid, operations = process.pid, self._app.operations
            form = OptionsScreen(
                f"Dump {process.command} {pid}",
                DUMP_CHOICES,
                images_field(operations.images_for(process)),
                lambda images, answers: dump_request(pid, images, answers),
            )
            self.ask(form, lambda request: self._prepared(operations.plan_dump(request)))

    def offer_restore(self, images: str) -> None:
        """Ask for the options of a restore from this directory."""
        from workbench.tui.screens.options import OptionsScreen

        operations = self._app.operations
        form = OptionsScreen(
            f"Restore from {images}", RESTORE_CHOICES, None, lambda _, answers: restore_request(images, answers)
        )
        self.ask(form, lambda request: self._prepared(operations.plan_restore(request)))

    def _prepared(self, plan: Plan) -> Prepared:
        return Prepared(plan, lambda: self._app.operations.begin(plan))

    def _free(self) -> bool:
        if self._app.session is not None and self._app.session.is_open:
            self._app.problem(WorkbenchError("an operation is under way", "o shows it; end it first"))
            return False
        return True

    def ask(self, form: "FormScreen[Answer]", prepare: Callable[[Answer], Prepared]) -> None:
        """Ask, and show the plan of each answer; the form stays below it, where the answer can be changed."""
        if not self._free():
            return

        def given(answer: Answer) -> None:
            self._make_plan(lambda: prepare(answer), form)

        form.given = given
        self._app.push_screen(form)

    def offer(self, prepare: Callable[[], Prepared]) -> None:
        """Show a plan that nothing is asked for."""
        if self._free():
            self._make_plan(prepare, None)

    def _make_plan(self, prepare: Callable[[], Prepared], form: "FormScreen[Any] | None") -> None:
        def show(prepared: Prepared) -> None:
            from workbench.tui.screens.confirm import plan_screen

            def answered(confirmed: bool | None) -> None:
                if not confirmed:
                    run_beside(self._app, prepared.leave, lambda _: None, self._app.problem)
                    return
                self._close(form)
                begin = prepared.begin
                run_beside(self._app, begin, lambda operation: self._begin(operation, prepared), self._app.problem)

            if self._is_wanted(form):
                self._app.push_screen(plan_screen(prepared.plan), answered)
            else:
                answered(False)

        self._look_closely(prepare, show, form)

    def _look_closely(
        self, prepare: Callable[[], Looked], show: Callable[[Looked], None], form: "FormScreen[Any] | None"
    ) -> None:
        """Make a plan beside; a form that led to it can be answered again if there is none."""

        def failed(error: WorkbenchError) -> None:
            self._app.problem(error)
            if form is not None:
                form.again()

        if form is None:  # it says so itself
            self._app.notify("Looking closely, to make the plan ...", markup=False, timeout=1)
        run_beside(self._app, prepare, show, failed)

    def _is_wanted(self, form: "FormScreen[Any] | None") -> bool:
        """Whether nobody has left the form meanwhile."""
        return form is None or form in self._app.screen_stack

    def _close(self, form: "FormScreen[Any] | None") -> None:
        if form is not None and self._app.screen is form:
            self._app.pop_screen()

    def _begin(self, operation: Operation, prepared: Prepared) -> None:
        self._app.session = Session(prepared.plan, operation, prepared.again)
        self._app.timeline.operation_began()
        operation.start(self._app.publish)
        self._app.go_to("operation")

    def diagnose(self, progress: Progress) -> None:
        """Have the log of a failed operation judged; its report then names the cause."""
        from workbench.tui.screens.operation import OperationScreen

        session = self._app.session
        if session is None or progress.outcome is not Outcome.FAILED or session.diagnosis is not None:
            return

        def show(diagnosis: Diagnosis) -> None:
            session.diagnosis = diagnosis
            front = self._app.front
            if isinstance(front, OperationScreen):
                front.draw()

        run_beside(self._app, lambda: self._app.operations.diagnose(progress), show, self._app.problem)

    def ask_before_quitting(self) -> None:
        """An operation is open: say what quitting would mean."""
        self._app.go_to("operation")
        self._app.problem(
            WorkbenchError("an operation is under way", "c continues it, b turns it back; then q leaves the workbench")
        )

    def offer_removal(self, locks: Sequence[Lock]) -> None:
        """Say what removing these locks would take, and do it if that is confirmed."""
        operations = self._app.operations

        def show(plan: RemovalPlan) -> None:
            from workbench.tui.screens.confirm import removal_screen

            def answered(confirmed: bool | None) -> None:
                if confirmed:
                    run_beside(self._app, lambda: operations.remove(plan), self._tell, self._app.problem)

            self._app.push_screen(removal_screen(plan), answered)

        run_beside(self._app, lambda: operations.plan_removal(locks), show, self._app.problem)

    def offer_handoff(self, socket: Socket) -> None:
        """Ask where this connection goes, say what that would take, and do it if that is confirmed."""
        holder = socket.holders[0] if socket.holders else None
        if holder is None:
            self._app.problem(WorkbenchError("no process holds this socket", "choose another row"))
            return
        title = f"Hand off {socket.connection} of {holder.command} {holder.pid}"
        self._ask_for_handoff(title, HandoffRequest(pid=holder.pid, fd=holder.fd))

    def offer_handing_on(self, state_file: str) -> None:
        """The same for a connection that an earlier hand-off left in a file."""
        self._ask_for_handoff(f"Hand on from {state_file}", HandoffRequest(state_file=state_file))

    def _ask_for_handoff(self, title: str, request: HandoffRequest) -> None:
        from workbench.tui.screens.handoff import HandoffScreen

        operations, form = self._app.operations, HandoffScreen(title, request)

        def given(request: HandoffRequest) -> None:
            self._look_closely(lambda: operations.plan_handoff(request), show, form)

        def show(made: HandoffPlan) -> None:
            from workbench.tui.screens.confirm import handoff_screen

            def answered(confirmed: bool | None) -> None:
                if confirmed:
                    run_beside(self._app, lambda: operations.hand_off(made), handed, self._app.problem)

            def handed(sentences: Sequence[str]) -> None:
                self._close(form)  # not before: what could not be done may be answered anew
                self._tell(sentences)

            if self._is_wanted(form):
                self._app.push_screen(handoff_screen(made), answered)

        form.given = given
        self._app.push_screen(form)

    def ask_for_images(self) -> None:
        """Ask for an image directory that is to be listed too."""
        from workbench.tui.screens.ask import AskScreen

        def answered(path: str | None) -> None:
            if path is not None:
                add = self._app.operations.add_images
                run_beside(self._app, lambda: add(path), lambda _: self._app.look_now(), self._app.problem)

        self._app.push_screen(AskScreen("Image directory, or file of a connection"), answered)

    def compare_moments(self, before: "Moment | None", now: "Moment | None") -> None:
        """What changed from one moment of a recording to another, whichever was shown first."""
        if before is None or now is None or len(now.place) < 2:
            self._app.notify("Step to another moment first, with [ or ]; then the two are compared.", markup=False)
            return
        first, second = sorted((before, now), key=lambda each: each.situation.evidence.taken)

        def compared() -> list[Line]:
            found = compare(first.situation.evidence, second.situation.evidence)
            return [*comparison_lines(found, first.place[1], second.place[1])]

        run_beside(self._app, compared, self._show_lines, self._app.problem)

    def _show_lines(self, lines: list[Line]) -> None:
        from workbench.tui.screens.help import TextScreen

        self._app.push_screen(TextScreen(lines))

    def offer_bundle(self) -> None:
        """Say what would be in a bundle of this host, and write it if that is confirmed."""
        operations = self._app.operations
        session = self._app.session
        with_operation = session is not None and not session.is_open
        recorded = self._app.timeline.recorded()

        def show(made: "Made") -> None:
            from workbench.tui.screens.confirm import bundle_screen

            def answered(confirmed: bool | None) -> None:
                if confirmed:
                    run_beside(self._app, lambda: operations.save_bundle(made), self._tell_path, self._app.problem)

            self._app.push_screen(bundle_screen(made), answered)

        self._app.notify("Looking at everything, for the bundle ...", markup=False, timeout=2)
        run_beside(self._app, lambda: operations.plan_bundle(with_operation, recorded), show, self._app.problem)

    def _tell_path(self, path: str) -> None:
        self._app.notify(f"Written: {printable(path)}\nLook at it before you give it away.", markup=False, timeout=10)

    def _tell(self, sentences: Sequence[str]) -> None:
        """What was done, until it is read."""
        from workbench.tui.screens.help import TextScreen

        lines = [line(("What was done", Tone.STRONG)), line(), *(line(printable(each)) for each in sentences)]
        self._app.push_screen(TextScreen(lines))
        self._app.look_now()

    def offer_recovery(self) -> None:
        """Say what interrupted operations have left, and put it right if that is confirmed."""
        operations = self._app.operations

        def show(found: Sequence[str]) -> None:
            from workbench.tui.screens.confirm import recovery_screen

            self._app.push_screen(recovery_screen(found), answered)

        def answered(confirmed: bool | None) -> None:
            if confirmed:
                run_beside(self._app, operations.recover, self._tell, self._app.problem)

        run_beside(self._app, operations.unfinished, show, self._app.problem)
