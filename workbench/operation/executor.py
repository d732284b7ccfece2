"""Runs an operation: performs the machine's commands against CRIU and publishes what is seen meanwhile.

One thread owns the machine, looks at the host and publishes; CRIU is spoken to in others (``conversation``), and each
of its notifications waits for an answer from here.
"""

import contextlib
import os
import queue
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, LogLine, NetworkNamespace
from workbench.operation import machine as m
from workbench.operation.board import Board
from workbench.operation.conversation import Conversation
from workbench.operation.journal import ENDED, Journal, boot_id, own_identity, read_entry
from workbench.operation.keeper_beside import KeeperBeside
from workbench.operation.moments import Moments
from workbench.operation.place import make
from workbench.operation.plan import Plan
from workbench.operation.progress import End, Outcome, Progress, Watched
from workbench.operation.record import connection_record
from workbench.operation.sampling import Sample, Sampler
from workbench.operation.task import start_time_of

SAMPLE_S = 0.25
"""Seconds between two looks at the host."""
_LOCKED = frozenset({m.Phase.IMAGES_COMPLETE.value, m.Phase.RESTORED.value})
"""Arrivals at which the connections stand still and locked."""
FULL_BYTES = 64 << 10
"""With less free space than this a failure is put down to a full disk."""
REFUSED_BY_US = "RPC client reported script error"
"""What CRIU's log has where an answer to a notification was no (criu/cr-service.c): the reason is known here."""
RUN_ID = "CRIU run id = "
"""Stands twice in a log: ``swrk`` makes one when it starts, and another for the request; the last one counts."""


class Executor(ABC):
    """One operation; see ``operation.runner.Operation``. What dump and restore do differently is abstract."""

    speaks: type[Conversation] = Conversation

    def __init__(self, plan: Plan) -> None:
        if plan.obstacles:
            raise WorkbenchError(plan.obstacles[0])
        self.plan = plan
        self._events: queue.Queue[m.Event | None] = queue.Queue()
        """None: the log has grown."""
        self._state = self._initial_state()
        self._board = Board(plan, locks=plan.lock_cost_ms is not None)
        self._died = False
        self._journal: Journal | None = None
        self._moments = Moments()
        self._run_id = ""
        self._over = threading.Event()
        self._keeper: KeeperBeside | None = None
        """Who answers the peers meanwhile."""
        self._before: dict[Connection, End] = {}
        self._sample = Sample({})

    # What a front end calls, from any thread

    def start(self, publish: Callable[[Progress], None]) -> None:
        """Begin in a thread of its own."""
        self._board.publish = publish
        threading.Thread(target=self._run, name=f"operation-{self.plan.kind}", daemon=True).start()

    def proceed(self) -> None:
        self._events.put(m.Proceed())

    def turn_back(self) -> None:
        self._events.put(m.TurnBack())

    def wait(self, timeout: float | None = None) -> Progress:
        """Block until the outcome is known; TimeoutError if it is not."""
        if not self._over.wait(timeout):
            raise TimeoutError
        return self._board.latest

    # What differs

    @abstractmethod
    def _initial_state(self) -> m.State: ...

    @abstractmethod
    def _facts(self) -> dict[str, Any]:
        """What ``recover`` will need, beside what both kinds have."""

    @abstractmethod
    def _prepare(self, images: int) -> None:
        """Before CRIU starts; ``images`` is the open image directory. Raises WorkbenchError or OSError."""

    @abstractmethod
    def _options(self) -> dict[str, object]:
        """Fields of ``criu_opts`` beside directory and log."""

    @abstractmethod
    def _perform(self, command: m.Command) -> m.Event | None:
        """A command that dump and restore perform differently."""

    def _converse(self, images: int, log: str) -> Conversation:
        """With whom it is done."""
        return self.speaks(self.plan.kind, images, log, self._events.put)

    def _begin_sampling(self) -> Sampler:
        """Who looks at the connections."""
        return Sampler(self.plan.connections, self.plan.netns)

    def _begin_journal(self, facts: dict[str, Any]) -> Journal:
        """The journal, begun: nothing is touched before."""
        return Journal(self.plan.kind, facts)

    # The loop

    def _run(self) -> None:
        try:
            with contextlib.ExitStack() as stack:
                if self._could_set_up(stack):
                    self._feed(m.Begin())
                    self._see_through()
        except Exception as error:  # whatever it is, nobody must stay frozen because of it
            self._abandon(error)
        finally:
            if self._journal is not None:
                self._moments.write(self._journal.path)
            self._over.set()

    def _abandon(self, error: Exception) -> None:
        """A fault of ours: CRIU was refused, and has undone what it did; the rest is put right here."""
        from workbench.operation.recover import put_right

        told = [f"The workbench itself failed ({type(error).__name__}: {error})."]
        with contextlib.suppress(Exception):
            entry = read_entry(self._journal.path) if self._journal is not None else None
            if entry is not None:
                report = put_right(entry, restoring=False)
                told += report.sentences
                entry.note(f"{ENDED}{Outcome.FAILED}" if report.sound and not report.pending else m.LEFT)
        self._state = replace(self._state, phase=m.Phase.OVER, held=None, outcome=Outcome.FAILED)
        self._board.finish(self._state, Outcome.FAILED, " ".join((*told, "See also: workbench recover.")))

    def _could_set_up(self, stack: contextlib.ExitStack) -> bool:
        try:
            self._set_up(stack)
        except (WorkbenchError, OSError) as error:
            reason = str(error) if isinstance(error, WorkbenchError) else f"{error.strerror}: {error.filename}"
            self._state = replace(self._state, phase=m.Phase.OVER, outcome=Outcome.FAILED)
            self._board.finish(self._state, Outcome.FAILED, f"Nothing was done: {reason}")
            return False
        return True

    def _see_through(self) -> None:
        due = time.monotonic() + SAMPLE_S
        while self._state.phase is not m.Phase.OVER:
            try:
                event = self._events.get(timeout=max(due - time.monotonic(), 0))
            except queue.Empty:
                self._look()
                if self._criu.has_died():
                    self._criu.answer(accept=False)
                due = time.monotonic() + SAMPLE_S
                continue
            if event is None:
                self._read_log()
                self._board.show(self._state, urgent=False)
            else:
                self._feed(event)

    def _set_up(self, stack: contextlib.ExitStack) -> None:
        """Everything that may fail before anything is touched."""
        from workbench.criu.find import find_criu

        tool = find_criu()
        self._criu_path = getattr(tool, "path", "") or "criu"
        self._namespace = self._open_namespace(stack)
        self._images = make(self.plan.request.images if self.plan.image is None else self.plan.image.path)
        stack.callback(os.close, self._images)
        log = f"{self.plan.kind}.log"
        self._criu = self._converse(self._images, f"{self._image_path}/{log}")
        stack.callback(self._criu.close)
        self._sampler = self._begin_sampling()
        stack.callback(self._sampler.close)
        self._look()
        self._before = self._seen_before()
        self._show_watched()
        self._prepare(self._images)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(log, dir_fd=self._images)
        self._journal = self._begin_journal({**self._common_facts(), **self._facts()})
        stack.callback(self._journal.close)

    @property
    def _image_path(self) -> str:
        return os.path.abspath(self.plan.image.path if self.plan.image else self.plan.request.images)  # noqa: PTH100

    def _open_namespace(self, stack: contextlib.ExitStack) -> str | None:
        """Hold the network namespace open, so that it outlives the processes; a path to it, None for our own."""
        if not self.plan.netns_path:
            return None
        try:
            descriptor = os.open(self.plan.netns_path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            of_process = self.plan.netns_path == f"/proc/{self.plan.root_pid}/ns/net"
            gone = f"Process {self.plan.root_pid} ended meanwhile" if of_process else f"{self.plan.netns_path} is gone"
            raise WorkbenchError(gone, "make a new plan") from None
        stack.callback(os.close, descriptor)
        if os.fstat(descriptor).st_ino != self.plan.netns:
            raise WorkbenchError(f"{self.plan.netns_path} is another namespace by now", "make a new plan")
        return f"/proc/{os.getpid()}/fd/{descriptor}"

    @property
    def _here(self) -> NetworkNamespace:
        """That of the processes; held open, so that it can be entered when they have ended."""
        return NetworkNamespace(self.plan.netns, self._namespace or "/proc/self/ns/net")

    def _common_facts(self) -> dict[str, Any]:
        return {
            "workbench": own_identity(),
            "boot_id": boot_id(),
            "images": self._image_path,
            "netns": self.plan.netns,
            "root": (self.plan.root_pid, self.plan.start_time),
            "command": self.plan.command_name,
            "connections": [connection_record(each) for each in self.plan.connections],
            "options": self.plan.options,
        }

    def _seen_before(self) -> dict[Connection, End]:
        return dict(self._sample.ours)

    def _feed(self, event: m.Event | None) -> None:
        """One event, and those that performing its commands brings."""
        while event is not None:
            self._died |= isinstance(event, m.CriuDied)
            if isinstance(event, m.Notified):
                self._read_log()
            self._state, commands = m.advance(self._state, event)
            event = None
            for command in commands:
                event = self._performed(command)
                if event is not None:
                    break
            if self._state.held:
                self._look()
            self._board.show(self._state)

    def _performed(self, command: m.Command) -> m.Event | None:
        match command:
            case m.Journal(transition):
                written = self._write(transition)
                if transition in _LOCKED and self._sampler.is_quick:
                    self._look(transition)
                return written
            case m.StartCriu():
                return self._start_criu()
            case m.Answer(accept):
                self._criu.answer(accept)
                return None
            case m.Check():
                return self._check()
            case m.Finish(outcome, error):
                self._look()
                self._board.finish(self._state, outcome, error)
                return None
        return self._perform(command)

    def _write(self, transition: str) -> m.Event | None:
        assert self._journal is not None
        try:
            self._journal.write(transition, **self._transition_facts(transition))
        except WorkbenchError as error:
            return m.JournalLost(str(error)) if self._criu.waiting else None
        return None

    def _transition_facts(self, transition: str) -> dict[str, Any]:
        """What is journaled with a transition."""
        del transition
        return {}

    # CRIU

    def _start_criu(self) -> m.Event | None:
        assert self._journal is not None
        try:
            pid = self._criu.start(self._criu_path, self._namespace)
            self._journal.write("criu started", criu=(pid, start_time_of(pid)))
        except WorkbenchError as error:
            self._criu.end()
            return m.CriuDied(str(error))
        self._criu.request(self._options())
        return None

    def _read_log(self, lines: Sequence[LogLine] = ()) -> None:
        for name, seconds in self._criu.waited.items():
            self._board.waited(name, seconds)
        for line in (*lines, *self._criu.new_lines()):
            self._board.add(line)
            if self.plan.kind == "dump" and line.message.startswith(RUN_ID):
                self._run_id = line.message.removeprefix(RUN_ID).strip()
                self._sampler.run_id = self._run_id

    # The host

    def _look(self, phase: str = "") -> None:
        self._sample = sample = self._sampler.look()
        self._moments.keep(phase or self._state.phase.value, self._sampler.evidence, sample)
        self._board.locks = sample.locks
        self._board.restored_pid = self._criu.restored_pid
        self._board.keeping = self._keeper.look() if self._keeper is not None and self._keeper.exists else None
        self._show_watched()

    def _show_watched(self) -> None:
        sample = self._sample
        self._board.watched = tuple(
            Watched(each, self._before.get(each, End(None)), sample.ours.get(each, End(None)), sample.peers.get(each))
            for each in self.plan.connections
        )
        self._board.show(self._state)

    def _check(self) -> m.Event:
        """Have what stands on the host looked at and put right; the same that ``workbench recover`` does."""
        from workbench.operation.recover import put_right

        assert self._journal is not None
        self._read_log(self._criu.end())
        entry = read_entry(self._journal.path)
        assert entry is not None
        report = put_right(entry, restoring=False)
        # After a failure that CRIU told, whether to try again is a person's choice; after its death, recover's duty.
        settled = report.sound and not (report.pending and self._died)
        return m.Checked(settled, " ".join((*self._last_words(), *report.sentences)))

    def _last_words(self) -> tuple[str, ...]:
        """CRIU's own reason: the first error of its log that says something."""
        if self._died or self._state.back:
            return ()
        room = os.statvfs(self._images)
        if room.f_bavail * room.f_frsize < FULL_BYTES:  # the log, which is there too, is cut short then
            return (f"No space is left at {self._image_path}: make room, or name another directory.",)
        errors = [line for line in self._board.log if line.level == "error" and not line.harmless]
        if not errors or any(line.message == REFUSED_BY_US for line in errors):
            return ()
        return (f"Its log says: {errors[0].message}.",)
