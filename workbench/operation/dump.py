"""A dump, run."""

import os
import signal
import time
from typing import Any

from workbench.collect.descriptors import Ends, collect_descriptors
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, DescriptorKind, Gap, ImageDirectory
from workbench.operation import machine as m
from workbench.operation.closed import NOTHING, ClosedPeers
from workbench.operation.executor import Executor
from workbench.operation.journal import boot_id
from workbench.operation.keeper_beside import KeeperBeside
from workbench.operation.note import Note
from workbench.operation.plan import Plan
from workbench.operation.progress import Outcome
from workbench.operation.proving import Patience, read_held, watch
from workbench.operation.record import connection_record
from workbench.operation.request import DumpRequest
from workbench.operation.task import REAPED_S, Tasks, await_reaped, descendants, is_alive, stat_of
from workbench.read.criu_images import read_image_directory
from workbench.repair.borrow import borrow
from workbench.repair.options import read_options
from workbench.repair.record import ReadSocket, SocketOptions

CLOSED_S = 2.0
"""Seconds in which what a closed socket sends has arrived on this host."""
_LOOK_S = 0.05


class DumpOperation(Executor):
    """Dump what ``plan_dump`` planned; see ``operation.runner.Operation``."""

    def __init__(self, plan: Plan) -> None:
        assert isinstance(plan.request, DumpRequest)
        self.request: DumpRequest = plan.request
        super().__init__(plan)
        self._options_before: dict[Connection, SocketOptions] = {}
        self._held: dict[Connection, ReadSocket | Gap] = {}
        self._tree: tuple[tuple[int, int], ...] = ()
        self._stopped_before: frozenset[int] = frozenset()
        self._closed: ClosedPeers | None = None

    def _initial_state(self) -> m.State:
        return m.State("dump", self.request.holds, runs_on=self.request.leave_running)

    def _facts(self) -> dict[str, Any]:
        return {
            "runs_on": self.request.leave_running,
            "tasks": self._tree,
            "stopped": sorted(self._stopped_before),
            "sockets": [
                {
                    "connection": connection_record(connection),
                    "inode": end.socket.inode,
                    "holders": [(holder.pid, holder.fd) for holder in end.socket.holders],
                    "reuse": self._options_before.get(connection, {}).get("SO_REUSEADDR", 0),
                }
                for connection, end in self._sample.ours.items()
                if end.socket is not None
            ],
        }

    def _prepare(self, images: int) -> None:
        root = (self.plan.root_pid, self.plan.start_time)
        if not is_alive(*root):
            raise WorkbenchError(f"Process {root[0]} ended, or its pid was given to another one", "make a new plan")
        if os.listdir(images):
            raise WorkbenchError(f"{self._image_path} is not empty any more", "choose another image directory (-D)")
        self._tree = descendants(root[0])
        self._stopped_before = frozenset(
            pid for pid, _ in self._tree if (found := stat_of(pid)) is not None and found.state == "T"
        )
        self._options_before = self._read_options()
        if self.plan.closings and self._sampler.evidence is not None:
            self._closed = ClosedPeers(self.plan.closings, self.plan.netns, self._sampler.evidence)
        Note(
            boot_id=boot_id(),
            netns=self.plan.netns,
            netns_path=self.plan.netns_path,
            root=root,
            command=self.plan.command_name,
            connections=self.plan.connections,
            options=self.plan.options,
            terminal=self._has_terminal(),
            socket_options=self._options_before,
            container=self.plan.container,
        ).write(images)

    def _has_terminal(self) -> bool:
        found, _ = collect_descriptors((pid for pid, _ in self._tree), Ends())
        return not isinstance(found, Gap) and any(each.kind is DescriptorKind.TERMINAL for each in found)

    def _read_options(self) -> dict[Connection, SocketOptions]:
        """Reading them disturbs nobody; a socket that cannot be borrowed has none."""
        found: dict[Connection, SocketOptions] = {}
        for connection, end in self._sample.ours.items():
            if end.socket is None or end.socket.pid is None or end.socket.fd is None:
                continue
            try:
                with borrow(end.socket.pid, end.socket.fd, end.socket.inode) as sock:
                    found[connection] = read_options(sock)
            except WorkbenchError:
                continue
        return found

    def _options(self) -> dict[str, object]:
        return {"pid": self.plan.root_pid, **self.plan.options}

    def _transition_facts(self, transition: str) -> dict[str, Any]:
        if transition == m.Phase.FROZEN:
            self._tree = descendants(self.plan.root_pid)
            return {"run_id": self._run_id, "tasks": self._tree}
        return {}

    def _performed(self, command: m.Command) -> m.Event | None:
        """The peers are kept from the moment the images tell what to answer, unless it comes to nothing."""
        wanted = self.request.keep_peer and self.plan.connections and not self.request.leave_running
        if wanted and command == m.Journal(m.Phase.IMAGES_COMPLETE):
            self._keeper = KeeperBeside(self._image_path)
            self._keeper.begin()
        if isinstance(command, m.Finish) and self._keeper is not None:
            if command.outcome in {Outcome.SUCCEEDED, Outcome.DOUBTFUL}:
                self._keeper.await_begun()
            else:
                self._keeper.stop()
        return super()._performed(command)

    def _perform(self, command: m.Command) -> m.Event | None:
        match command:
            case m.Guard():
                self._signal(signal.SIGSTOP)
            case m.Unguard():
                self._signal(signal.SIGCONT)
            case m.ReadSockets() if self.request.leave_running:
                self._look()
                self._held = read_held(self._sample, self._owners())
            case m.Settle():
                return self._settle()
            case m.Prove():
                return self._prove()
        return None

    def _owners(self) -> dict[Connection, list[tuple[int, int]]]:
        """Who holds each connection, but for CRIU: it has a copy of every descriptor (criu/pie/parasite.c)."""
        return {
            connection: [(each.pid, each.fd) for each in end.socket.holders if each.pid != self._criu.pid]
            for connection, end in self._sample.ours.items()
            if end.socket is not None
        }

    def _signal(self, number: signal.Signals) -> None:
        """To all tasks but those that were stopped before: CRIU holds them, so it takes effect if CRIU lets go."""
        with Tasks(each for each in self._tree if each[0] not in self._stopped_before) as tasks:
            tasks.signal(number)

    def _settle(self) -> m.Event:
        """CRIU has killed the tree: wait until nothing of it is left, then read the images."""
        with Tasks(self._tree) as tasks:
            for task in tasks.all:
                task.gone(REAPED_S)
        left = await_reaped([pid for pid, _ in self._tree], REAPED_S)
        doubts = []
        if left:
            parent = stat_of(left[0])
            waiting = f"its parent {parent.ppid} has not reaped it" if parent and parent.state == "Z" else "it lives"
            doubts.append(f"Process {left[0]} is not gone yet ({waiting}): a restore will fail until it is.")
        image = self._read_images()
        if isinstance(image, Gap):
            doubts.append(f"The images cannot be read: {image.reason}.")
        else:
            doubts.extend(f"In the images: {problem}." for problem in image.problems[:3])
            doubts.extend(self._missing(image))
        if self._closed is not None:
            self._await_closed(self._closed)
        return m.Settled(" ".join(doubts))

    def _await_closed(self, peers: ClosedPeers) -> None:
        """What has been sent arrives at once on one host, but not before the processes are gone altogether."""
        deadline = time.monotonic() + CLOSED_S
        while True:
            self._look()
            if self._sampler.evidence is not None:
                self._board.closed = peers.seen(self._sampler.evidence)
            undecided = any(each.seen == NOTHING for each in self._board.closed)
            if not undecided or time.monotonic() > deadline:
                return
            time.sleep(_LOOK_S)  # sock_diag tells of the end of a socket only to who asked before

    def _missing(self, image: ImageDirectory) -> list[str]:
        dumped = {each.connection.unmapped for each in image.sockets}
        lost = [each for each in self.plan.connections if each.unmapped not in dumped]
        return [f"{lost[0]} is not in the images: it ended before it was dumped."] if lost else []

    def _read_images(self) -> ImageDirectory | Gap:
        try:
            image = read_image_directory(self._image_path)
        except WorkbenchError as error:
            return Gap("images", error.message, error.hint)
        self._board.dump_stats = image.dump_stats
        return image

    def _prove(self) -> m.Event:
        """The processes run on: their connections must, too."""
        image = self._read_images()
        sockets = () if isinstance(image, Gap) else image.sockets
        patience = Patience()
        while True:
            self._look()
            proofs = watch(sockets, self._held, self._sample, self._options_before, stayed=True)
            self._board.proofs = proofs
            self._board.show(self._state)
            if patience.is_over(proofs, self._sample):
                return m.Proved(all(each.verdict == "continued" for each in proofs))
            time.sleep(patience.pause_s)
