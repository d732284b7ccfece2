"""The application on the live host: where its evidence and its operations really come from."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Evidence, Lock, Process
from workbench.evidence.queues import SocketQueues
from workbench.evidence.silence import Answer
from workbench.evidence.stretch import Stretch
from workbench.operation.diagnosis import diagnose
from workbench.operation.handoff.plan import HandoffPlan, HandoffRequest
from workbench.operation.plan import Plan
from workbench.operation.removal import RemovalPlan
from workbench.operation.request import DumpRequest, RestoreRequest
from workbench.operation.runner import Operation
from workbench.source import Source
from workbench.tui.operations import HOST, LabHandle, Operations, PacketCapture, Prepared, Recorder

if TYPE_CHECKING:
    from workbench.bundle.write import Made
    from workbench.lab.application import LabHandle as LabBeside
    from workbench.operation.queues import QueueReader
    from workbench.operation.request import RollbackRequest
    from workbench.operation.rollback.generation import Generation
    from workbench.tui.known_images import KnownImages

PEEKED = 4 << 20
"""Bytes of a receive queue that are shown as it changes."""
# Everything heavy is imported where it is used: the first frame is drawn before.


class LiveHost:
    """Evidence and operations of this host; remembers the lab, whose images belong into its own scratch directory."""

    def __init__(self) -> None:
        self._lab: LabBeside | None = None
        self._images: KnownImages | None = None
        self._queues: QueueReader | None = None
        self._peeking = threading.Lock()
        self._loaded = threading.Event()
        """Two threads that import numpy at once get half of it; operations wait until the source has loaded it."""

    def open_source(self) -> Source:
        """This host as a source of evidence."""
        try:
            from workbench.collect.live import LiveSource
            from workbench.operation.journal import unfinished
            from workbench.operation.planning import criu_tool
            from workbench.tui.known_images import KnownImages

            self._images = KnownImages()
            from workbench.tui.paced import PacedSource
        finally:
            self._loaded.set()
        return PacedSource(LiveSource(criu=criu_tool, images=self._images, unfinished=unfinished))

    def operations(self) -> Operations:
        """What can be done on this host."""
        return Operations(
            plan_dump=self.plan_dump,
            plan_restore=self.plan_restore,
            begin=self.begin,
            destination=self.destination,
            prepare_migration=self.prepare_migration,
            prepare_save=self.prepare_save,
            generations=self.generations,
            generations_beside=self.generations_beside,
            prepare_rollback=self.prepare_rollback,
            images_for=self.images_for,
            diagnose=diagnose,
            record=self.record,
            why_silent=self.why_silent,
            peek_queues=self.peek_queues,
            plan_queue_stop=self.plan_queue_stop,
            read_queues=self.read_queues,
            capture=self.capture,
            start_lab=self.start_lab,
            scenarios=self.scenarios,
            perform=self.perform,
            unfinished=lambda: self.recovery(dry_run=True),
            recover=lambda: self.recovery(dry_run=False),
            plan_removal=self.plan_removal,
            remove=self.remove,
            plan_handoff=self.plan_handoff,
            hand_off=self.hand_off,
            plan_bundle=self.plan_bundle,
            save_bundle=self.save_bundle,
            add_images=self.add_images,
        )

    def plan_dump(self, request: DumpRequest) -> Plan:
        self._loaded.wait()
        from workbench.operation.planning import prepare_dump

        return prepare_dump(request)

    def plan_restore(self, request: RestoreRequest) -> Plan:
        self._loaded.wait()
        from workbench.operation.planning import prepare_restore

        return prepare_restore(request)

    def begin(self, plan: Plan) -> Operation:
        self._loaded.wait()
        from workbench.operation.container_operations import operation_of

        return operation_of(plan)

    def destination(self, pid: int) -> Sequence[str]:
        """Of the lab's program another host of the lab."""
        within = self._lab.destination if self._lab is not None and self._lab.server_pid == pid else ()
        return within or HOST

    def prepare_migration(self, pid: int, command: Sequence[str], ahead: bool) -> Prepared:
        """Start the command that leads to the other half, and plan with that."""
        self._loaded.wait()
        from workbench.operation.migration.plan_send import SendRequest, prepare_send
        from workbench.operation.migration.send import SendOperation
        from workbench.operation.migration.transport import Transport

        way = Transport.through(command)
        try:
            prepared = prepare_send(SendRequest(pid, way.name, ahead=ahead), way)
        except BaseException:
            way.close()
            raise
        return Prepared(prepared.plan, lambda: SendOperation(prepared, way.channel), way.close)

    def prepare_save(self, pid: int) -> Prepared:
        self._loaded.wait()
        from workbench.operation.rollback.save import SaveOperation, SaveRequest, prepare_save

        prepared = prepare_save(SaveRequest(pid))
        return Prepared(prepared.plan, lambda: SaveOperation(prepared))

    def generations(self, pid: int) -> "Sequence[Generation]":
        self._loaded.wait()
        from workbench.operation.rollback.generations import Generations
        from workbench.operation.task import start_time_of

        return [each for each in Generations(pid, start_time_of(pid) or 0).all if each.images]

    def generations_beside(self, images: str) -> "Sequence[Generation]":
        self._loaded.wait()
        from workbench.operation.rollback.generations import every_process

        found = (each for each in every_process() if any(images in {one.memory, one.disk} for one in each))
        return [each for each in next(found, ()) if each.images]

    def prepare_rollback(self, request: "RollbackRequest") -> Prepared:
        self._loaded.wait()
        from workbench.operation.rollback.plan_rollback import prepare_rollback
        from workbench.operation.rollback.rollback import RollbackOperation

        prepared = prepare_rollback(request)
        return Prepared(
            prepared.plan, lambda: RollbackOperation(prepared), again=lambda: self.prepare_rollback(request)
        )

    def images_for(self, process: Process) -> str:
        """The first of NAME-PID, NAME-PID-2, ... that is not there yet."""
        from workbench.tui.known_images import images_directory

        base = images_directory()
        if self._lab is not None and self._lab.server_pid == process.pid:
            base = self._lab.lab.scratch
        name = "".join(letter if letter.isalnum() or letter in "._-" else "_" for letter in process.command)
        path, number = base / f"{name}-{process.pid}", 1
        while path.exists():
            number += 1
            path = base / f"{name}-{process.pid}-{number}"
        return str(path)

    def record(self, deliver: Callable[[Stretch], object]) -> Recorder:
        """Record in a process beside this one."""
        self._loaded.wait()
        from workbench.collect.events.beside import Recorder as RecorderBeside

        recorder = RecorderBeside(deliver)
        recorder.start()
        return recorder

    def why_silent(self, connection: Connection, netns: int) -> Answer:
        self._loaded.wait()
        from workbench.collect.silence import ask_why

        return ask_why(connection, netns)

    def peek_queues(self, pid: int, fd: int) -> SocketQueues:
        self._loaded.wait()
        from workbench.operation.queues import LiveSocket, QueueReader

        with self._peeking:
            self._queues = self._queues or QueueReader()
            return self._queues.peek(LiveSocket.at(pid, fd), PEEKED)

    def plan_queue_stop(self, pid: int, fd: int) -> Sequence[str]:
        self._loaded.wait()
        from workbench.operation.queues import LiveSocket, plan_stop
        from workbench.present.queue_stop import stop_sentences

        plan = plan_stop(LiveSocket.at(pid, fd))
        return stop_sentences(plan.connection, plan.holders, plan.expected_ms)

    def read_queues(self, pid: int, fd: int) -> SocketQueues:
        self._loaded.wait()
        from workbench.operation.queues import LiveSocket, read_with_stop

        return read_with_stop(LiveSocket.at(pid, fd))

    def capture(self, connection: Connection) -> PacketCapture:
        """At every end that is on this host."""
        self._loaded.wait()
        from workbench.collect.running_capture import capture_connection

        return capture_connection(connection)

    def start_lab(self, name: str) -> LabHandle:
        """Start a scenario and wait until it is up."""
        self._loaded.wait()
        from workbench.lab.application import start_for_application

        handle = start_for_application(name)
        if not handle.wait():
            raise WorkbenchError(handle.problem)
        self._lab = handle
        return handle

    def scenarios(self) -> Sequence[tuple[str, str]]:
        from workbench.lab.scenario import load, names

        return [(name, load(name).title) for name in names()]

    def perform(self, name: str, width: int) -> Sequence[str]:
        from workbench.lab.beside import perform

        return perform(name, width)

    def recovery(self, *, dry_run: bool) -> list[str]:
        """What recovery says of each interrupted operation; with ``dry_run`` nothing is done."""
        self._loaded.wait()
        from workbench.operation.recover import recover

        said = []
        for report in recover(dry_run=dry_run):
            operation = report.operation
            said.append(f"{operation.title}, interrupted at: {operation.last}")
            said += [f"  - {sentence}" for sentence in report.sentences]
            if not report.sound:
                said.append("  ! a person must choose")
        return said

    def plan_removal(self, locks: Sequence[Lock]) -> RemovalPlan:
        """Look at the host once more; images that are known here tell whose lock it is."""
        self._loaded.wait()
        from workbench.operation.record import lock_record
        from workbench.operation.remove_locks import among, look, plan_removal

        images = self._images() if self._images else ()
        return plan_removal(look([image.path for image in images]), only=among([lock_record(lock) for lock in locks]))

    def remove(self, plan: RemovalPlan) -> list[str]:
        from workbench.operation.remove_locks import look, plan_removal, remove
        from workbench.present.removal import removed_lines

        done = remove(plan)
        return list(removed_lines(done, plan_removal(look(plan.images)).kept))

    def plan_handoff(self, request: HandoffRequest) -> HandoffPlan:
        """Look at the host for it."""
        self._loaded.wait()
        from workbench.operation.handoff.planning import prepare_handoff

        return prepare_handoff(request)

    def hand_off(self, plan: HandoffPlan) -> list[str]:
        from workbench.operation.handoff.perform import hand_off
        from workbench.present.handoff import handed_lines

        return handed_lines(hand_off(plan))

    def plan_bundle(self, with_operation: bool, recorded: Evidence | None) -> "Made":
        """Look, redact and judge; nothing is written yet."""
        self._loaded.wait()
        from workbench.bundle.gather import Sought, gather
        from workbench.bundle.judged import LibraryJudge
        from workbench.bundle.key import host_key
        from workbench.bundle.redaction import Redaction
        from workbench.bundle.write import make
        from workbench.operation.journal import state_directory

        material = gather(Sought(operation="last" if with_operation else None, recorded=recorded))
        return make(material, Redaction(host_key(state_directory())), judge=LibraryJudge())

    def save_bundle(self, made: "Made") -> str:
        """Into the current directory, under a name that is not there yet."""
        from workbench.bundle.write import save

        path, number = Path.cwd() / "workbench-bundle.zip", 1
        while path.exists():
            number += 1
            path = path.with_name(f"workbench-bundle-{number}.zip")
        save(made, path)
        return str(path)

    def add_images(self, path: str) -> None:
        """List this directory too. Raises WorkbenchError if it holds no images."""
        self._loaded.wait()
        if self._images is not None:
            self._images.add(Path(path))
