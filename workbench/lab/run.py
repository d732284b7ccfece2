"""A scenario from beginning to end: set up, dump, restore, proof, clean up, and what is left behind."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from workbench.checking import Finding, Severity
from workbench.errors import WorkbenchError
from workbench.evidence import Gap
from workbench.evidence.attribution import Attribution
from workbench.lab.acts import perform
from workbench.lab.findings import find, look
from workbench.lab.lab import Lab
from workbench.lab.resets import ResetWatch
from workbench.lab.scenario import Act, OperationDescription, Scenario
from workbench.lab.verdicts import Judged, judge_all
from workbench.operation.container_operations import operation_of
from workbench.operation.planning import prepare_dump, prepare_restore
from workbench.operation.progress import Outcome, Progress
from workbench.operation.request import DumpRequest, LockMethod, RestoreRequest
from workbench.operation.runner import Operation

TURN_BACK_S = 30.0
PATIENCE_S = 20.0
"""How long the programs may take to verify what the scenario promises: several retransmissions of the peer."""
FAILED_PATIENCE_S = 1.0
"""The same after an operation that failed: most likely nothing comes."""
_DONE = frozenset({Outcome.SUCCEEDED, Outcome.DOUBTFUL})


@dataclass(frozen=True, slots=True)
class Lap:
    """One part of a run."""

    name: str
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Run:
    """What a scenario came to."""

    scenario: Scenario
    laps: tuple[Lap, ...] = ()
    dump: Progress | None = None
    restore: Progress | None = None
    """None if the dump failed, or left the programs running."""
    refused: str = ""
    """Why the restore was not even tried, one sentence; empty if it was, or was not wanted."""
    astray: str = ""
    """Why the course could not be followed to its end, one sentence; empty if it was."""
    judged: tuple[Judged, ...] = ()
    findings: tuple[Finding, ...] = ()
    resets: tuple[Attribution, ...] = ()
    """Who reset its connections, where the scenario promises something of it."""
    measured: tuple[tuple[str, Mapping[str, object]], ...] = field(default=(), hash=False)
    """What acts of its course measured, in their order: name of the act, and what it found."""
    left_behind: tuple[str, ...] = ()
    """Processes, locks and directories that are still there at the end."""

    @property
    def amiss(self) -> tuple[str, ...]:
        """Why what the scenario promises did not come true, one sentence each; empty if it did."""
        return tuple(_amiss(self))

    @property
    def passed(self) -> bool:
        return not self.amiss


def _nothing(*_: object) -> None:
    return


@dataclass(frozen=True, slots=True)
class Hooks:
    """What somebody wants to do on the way."""

    progress: Callable[[Progress], None] = _nothing
    """A new snapshot of the dump or the restore; called in the operation's thread."""
    after_dump: Callable[[Lab], None] = _nothing
    """The program is gone, its images are in ``lab.images`` and its connections are locked."""
    at_the_end: Callable[[Lab, Run], None] = _nothing
    """All is judged, and everything still lives."""


def run(
    scenario: Scenario,
    *,
    lock: LockMethod | None = None,
    leave_running: bool = False,
    hooks: Hooks | None = None,
) -> Run:
    """Run a scenario; ``lock`` instead of its own lock method.

    ``leave_running``: the dump lets the programs run on, and nothing is restored. Raises WorkbenchError if it cannot
    be set up. Interrupted, it turns the operation back before anything is ended.
    """
    clock, hooks = _Clock(), hooks or Hooks()
    lab = Lab(scenario)
    with lab:
        clock.lap("set up")
        running = _Running(lab, clock, hooks)
        if scenario.operation:
            ran = running.perform(scenario.operation, lock, leave_running=leave_running)
        else:
            ran = running.follow(scenario.course)
        hooks.at_the_end(lab, ran)
    left = (*ran.left_behind, *lab.close())
    clock.lap("clean up")
    return replace(ran, laps=clock.laps, left_behind=left)


class _Clock:
    def __init__(self) -> None:
        self._since = time.monotonic()
        self.laps: tuple[Lap, ...] = ()

    def lap(self, name: str) -> None:
        now = time.monotonic()
        self.laps += (Lap(name, (now - self._since) * 1000),)
        self._since = now


class _Running:
    """A run while its lab lives."""

    def __init__(self, lab: Lab, clock: _Clock, hooks: Hooks) -> None:
        self._lab = lab
        self._clock = clock
        self._hooks = hooks
        self._measured: list[tuple[str, Mapping[str, object]]] = []

    def follow(self, course: Sequence[Act]) -> Run:
        """Others act; then the checks are asked. What is left in the lab's namespaces is what they are to find."""
        promised = self._lab.scenario.expectation.resets
        resets: tuple[Attribution, ...] = ()
        with ResetWatch(self._lab) if promised else contextlib.nullcontext() as watch:
            astray = self._act(course)
            if watch and not astray:
                resets = watch.attributions(promised)
        self._clock.lap("course")
        findings = find(self._lab)
        self._clock.lap("look around")
        return Run(
            self._lab.scenario, self._clock.laps, astray=astray, findings=findings, resets=resets,
            measured=tuple(self._measured),
        )  # fmt: skip

    def _act(self, course: Sequence[Act]) -> str:
        """Do it all; why that could not be, empty if it could."""
        try:
            for act in course:
                measured = perform(self._lab, act)
                if measured is not None:
                    self._measured.append((act.act, measured))
        except WorkbenchError as error:
            return str(error)
        return ""

    def perform(self, operation: OperationDescription, lock: LockMethod | None, *, leave_running: bool) -> Run:
        """The workbench dumps and restores, and what became of it is judged."""
        lab, scenario = self._lab, self._lab.scenario
        before = lab.forget_gap()
        method, policy = lock or operation.lock, operation.policy
        request = DumpRequest(lab.server_pid, str(lab.images), lock=method, policy=policy, leave_running=leave_running)
        dump = self._see_through("dump", operation_of(prepare_dump(request)))
        restore, refused = None, ""
        if dump.outcome in _DONE and not leave_running:
            self._hooks.after_dump(lab)
            back = RestoreRequest(str(lab.images), netns=lab.host.path)
            try:
                restore = self._see_through("restore", operation_of(prepare_restore(back)))
            except WorkbenchError as error:
                refused = str(error)
        lab.connect("after")
        promised = scenario.expectation.verified
        last = restore or dump
        patience = PATIENCE_S if last.outcome in _DONE and not refused else FAILED_PATIENCE_S
        after = lab.await_verified(promised, patience)
        self._clock.lap("verify")
        judged = judge_all(lab.clients, before, after, last.proofs, promised=promised, patience_s=patience)
        findings = find(lab)
        left = self._locks_left()
        self._clock.lap("look around")
        return Run(scenario, self._clock.laps, dump, restore, refused, "", judged, findings, left_behind=left)

    def _see_through(self, name: str, operation: Operation) -> Progress:
        operation.start(self._hooks.progress)
        try:
            done = operation.wait()
        except KeyboardInterrupt:
            operation.turn_back()
            with contextlib.suppress(TimeoutError):
                operation.wait(TURN_BACK_S)
            raise
        self._clock.lap(name)
        return done

    def _locks_left(self) -> tuple[str, ...]:
        """Locks that still stand in the lab's namespaces, which nobody is going to lift."""
        locks = look(self._lab.namespaces).locks
        if isinstance(locks, Gap):
            return (f"unknown: {locks.reason}",)
        return tuple(f"{lock.backend} lock {lock.name}" for lock in locks)


def _amiss(ran: Run) -> Iterator[str]:
    for progress in (ran.dump, ran.restore):
        if progress is not None and progress.outcome is not Outcome.SUCCEEDED:
            yield f"the {progress.plan.kind} {progress.outcome or 'broke off'}: {progress.error or 'see the proof'}"
    if ran.refused:
        yield f"the restore was not tried: {ran.refused}"
    for judged in ran.judged:
        if not judged.as_expected:
            yield f"{judged.connection or 'a connection'} is {judged.verdict}, not {judged.expected}: {judged.sentence}"
    if ran.astray:
        yield f"the course was not followed to its end: {ran.astray}"
    yield from _amiss_of_resets(ran)
    fired = {finding.code for finding in ran.findings}
    for code in ran.scenario.expectation.checks:
        if code not in fired:
            yield f"check {code} found nothing"
    for finding in ran.findings:
        if finding.code not in ran.scenario.expectation.checks and finding.severity is not Severity.NOTE:
            yield f"check {finding.code} found what nobody expected: {finding.problem.message}"
    for one in ran.left_behind:
        yield f"left behind: {one}"


def _amiss_of_resets(ran: Run) -> Iterator[str]:
    promised = ran.scenario.expectation.resets
    found = {one.cause for one in ran.resets}
    for cause in promised:
        if cause not in found and not ran.astray:
            yield f"no reset was attributed to {cause}"
    for one in ran.resets:
        if one.cause not in promised:
            yield f"a reset was attributed to {one.cause}, which nobody expected: {one.sentence}"
