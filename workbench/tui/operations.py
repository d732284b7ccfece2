"""What the application can have done: given to it from outside, so that it can be scripted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from workbench.errors import WorkbenchError
from workbench.evidence import Capture, Connection, Evidence, Lock, Process
from workbench.evidence.packet_notes import Followed
from workbench.evidence.queues import SocketQueues
from workbench.evidence.selection import Selection
from workbench.evidence.silence import Answer
from workbench.evidence.stretch import Stretch
from workbench.operation.diagnosis import Diagnosis
from workbench.operation.handoff.plan import HandoffPlan, HandoffRequest
from workbench.operation.plan import Plan
from workbench.operation.progress import Progress
from workbench.operation.removal import RemovalPlan
from workbench.operation.request import DumpRequest, RestoreRequest
from workbench.operation.runner import Operation

if TYPE_CHECKING:
    from workbench.bundle.write import Made
    from workbench.operation.request import RollbackRequest
    from workbench.operation.rollback.generation import Generation


HOST = ("ssh", "HOST", "workbench", "migrate", "receive")


class LabHandle(Protocol):
    """A lab connection that lives until it is closed."""

    @property
    def server_pid(self) -> int | None:
        """The program to dump."""

    def close(self) -> object:
        """End its programs and namespaces."""


@dataclass(frozen=True, slots=True)
class Prepared:
    """A plan with what carries it out, or lets go of what it holds."""

    plan: Plan
    begin: Callable[[], Operation]
    """The operation, not started yet."""
    leave: Callable[[], object] = lambda: None
    """It is not wanted."""
    again: "Callable[[], Prepared] | None" = None
    """The same anew, for what is more than a restore of its images."""


def _not_prepared(*_: object) -> Prepared:
    raise WorkbenchError("this cannot be done here", "open the live host as root")


class Recorder(Protocol):
    """Records events until it is closed."""

    def focus(self, selection: Selection | None) -> None:
        """Of this nothing may be left out, however much happens beside it."""

    def close(self) -> object:
        """End it without waiting for it."""


class PacketCapture(Protocol):
    """Captures the segments of a connection until it is closed."""

    @property
    def count(self) -> int:
        """Segments so far."""

    def snapshot(self) -> tuple[Capture, Followed]:
        """Everything so far."""

    def save(self, path: Path) -> str:
        """Write it; what was done, one sentence. Raises WorkbenchError."""

    def close(self) -> object:
        """End it."""


def _no_queues(*_: object) -> SocketQueues:
    raise WorkbenchError("queues of live sockets cannot be read here", "open the live host as root")


def _no_sentences(*_: object) -> Sequence[str]:
    raise WorkbenchError("this cannot be done here", "open the live host as root")


def _no_capture(*_: object) -> PacketCapture:
    raise WorkbenchError("nothing is captured here", "open the live host as root")


def _no_plan(*_: object) -> Plan:
    raise WorkbenchError("this cannot be done here", "open the live host as root")


def _no_operation(*_: object) -> Operation:
    raise WorkbenchError("this cannot be done here", "open the live host as root")


def _no_answer(*_: object) -> Answer:
    raise WorkbenchError("the connection cannot be watched here", "open the live host as root")


def _no_recorder(_: Callable[[Stretch], object]) -> Recorder:
    raise WorkbenchError("nothing is recorded here", "open the live host as root")


def _no_lab(*_: object) -> LabHandle:
    raise WorkbenchError("there is no lab here")


def _no_removal(_: Sequence[Lock]) -> RemovalPlan:
    raise WorkbenchError("this cannot be done here", "open the live host as root")


def _no_handoff(_: HandoffRequest) -> HandoffPlan:
    raise WorkbenchError("this cannot be done here", "open the live host as root")


def _no_bundle(*_: object) -> "Made":
    raise WorkbenchError("this cannot be done here", "open the live host")


def _no_images(_: str) -> object:
    raise WorkbenchError("this cannot be done here", "`workbench image DIR` shows a directory")


def _nothing_to_recover() -> Sequence[str]:
    return ()


@dataclass(frozen=True, slots=True)
class Operations:
    """Functions that may take long: each is called in a thread of its own, and raises WorkbenchError."""

    plan_dump: Callable[[DumpRequest], Plan] = _no_plan
    plan_restore: Callable[[RestoreRequest], Plan] = _no_plan
    begin: Callable[[Plan], Operation] = _no_operation
    """The operation of a plan, not started yet."""
    destination: Callable[[int], Sequence[str]] = lambda _: HOST
    """Command that leads to where a process could move, for a person to change."""
    prepare_migration: Callable[[int, Sequence[str], bool], Prepared] = _not_prepared
    """Of a process, to where a command leads; True: images travel ahead. Both halves have planned it."""
    prepare_save: Callable[[int], Prepared] = _not_prepared
    """A new generation of a process."""
    generations: Callable[[int], "Sequence[Generation]"] = lambda _: ()
    """Those that a process has and that can be gone back to, oldest first."""
    generations_beside: Callable[[str], "Sequence[Generation]"] = lambda _: ()
    """Those of the process whose generation has its images in this directory; empty if it is none."""
    prepare_rollback: "Callable[[RollbackRequest], Prepared]" = _not_prepared
    """Of a process, to one of its generations."""
    images_for: Callable[[Process], str] = lambda process: f"{process.command}-{process.pid}"
    """A directory that does not exist yet, proposed for the images of a process."""
    diagnose: Callable[[Progress], Diagnosis] = lambda _: Diagnosis()
    """Why it failed, by its log."""
    record: Callable[[Callable[[Stretch], object]], Recorder] = _no_recorder
    """Begin to record; each stretch of the timeline is handed over in a thread of the recorder."""
    why_silent: Callable[[Connection, int], Answer] = _no_answer
    """Watches a connection of a network namespace for a moment."""
    peek_queues: Callable[[int, int], SocketQueues] = _no_queues
    """The receive queue behind a process's descriptor, without a stop."""
    plan_queue_stop: Callable[[int, int], Sequence[str]] = _no_sentences
    """What reading both queues would take, one sentence each."""
    read_queues: Callable[[int, int], SocketQueues] = _no_queues
    """Both, while every process that holds the socket stands still."""
    capture: Callable[[Connection], PacketCapture] = _no_capture
    """Begin to capture a connection, at every end that is on this host."""
    start_lab: Callable[[str], LabHandle] = _no_lab
    """Blocks until the scenario is up."""
    scenarios: Callable[[], Sequence[tuple[str, str]]] = tuple
    """Those of the lab: name and title."""
    perform: Callable[[str, int], Sequence[str]] = _no_sentences
    """One of them from beginning to end; its report, one line each, tables no wider than so many cells."""
    unfinished: Callable[[], Sequence[str]] = _nothing_to_recover
    """What is left behind and what would be done about it, one sentence each."""
    recover: Callable[[], Sequence[str]] = _nothing_to_recover
    """Put it right; what was done, one sentence each."""
    plan_removal: Callable[[Sequence[Lock]], RemovalPlan] = _no_removal
    """What removing these locks would take, or why they stay."""
    remove: Callable[[RemovalPlan], Sequence[str]] = lambda _: ()
    """Do it; what was done, one sentence each."""
    plan_handoff: Callable[[HandoffRequest], HandoffPlan] = _no_handoff
    """What giving a connection to another process would take."""
    hand_off: Callable[[HandoffPlan], Sequence[str]] = lambda _: ()
    """Do it; what came of it, one line each."""
    plan_bundle: Callable[[bool, Evidence | None], "Made"] = _no_bundle
    """A bundle of this host with what was recorded before, not written yet; True: with the last operation."""
    save_bundle: Callable[["Made"], str] = lambda _: ""
    """Write it; the path of the file."""
    add_images: Callable[[str], object] = _no_images
    """Look at this image directory too, from now on."""


NO_OPERATIONS = Operations()
"""For recorded evidence: nothing can be done with it."""
