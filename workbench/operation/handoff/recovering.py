"""An interrupted hand-off, put right: the connection goes on at one side or the other, or waits in its file.

What stands on the host decides, not how far the journal came: the connection is in the old owner's descriptor, in a
socket that the recipient has (silent until its repair mode is switched off), or nowhere but in the file.
"""

import fcntl
import os
import signal
import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path

from workbench.collect.live import LiveSource
from workbench.collect.namespaces import inside
from workbench.collect.netfilter.libnftables import run_nft
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Gap, NetworkNamespace, Socket
from workbench.evidence.state import MOVABLE, State
from workbench.operation.handoff.earlier import others, settle_others
from workbench.operation.handoff.giving_back import bring_back, give_back, is_empty
from workbench.operation.handoff.planning import IN_FILE, known_namespaces
from workbench.operation.journal import Entry, read_entry
from workbench.operation.machine import LEFT
from workbench.operation.migration.addresses import announce_all, moving_address
from workbench.operation.recover import Report
from workbench.operation.standstill import stop
from workbench.operation.task import Tasks
from workbench.read.state_file import read_state
from workbench.repair import constants as c
from workbench.repair.borrow import borrow
from workbench.repair.export import detach, hang_up, resume

ARRIVES_S = 5.0
"""Seconds in which a recipient picks up a socket that was sent to it."""
_POLL_S = 0.05


def recover_handoff(entry: Entry, report: Report) -> None:
    """Bring the connection where it belongs, lift the lock, let everybody run on."""
    if entry.transitions[-1] in {IN_FILE, LEFT} and not _are_over(others(entry.begun["lock"], entry.path), report):
        return
    with _alone(entry.path):
        again = read_entry(entry.path)  # the watchdog, or another recover, may have been at it
        if again is None or again.ended:
            report.say("It has been put right meanwhile.")
            return
        with ExitStack() as stack:
            _Scene(again, report, stack).put_right()


def _are_over(later: Sequence[Entry], report: Report) -> bool:
    """What hands a connection on from its file comes first: it tells where the connection is."""
    from workbench.operation.recover import put_right

    for each in later:
        if each.workbench_alive:
            report.ask(f"It is being handed on by {each.id}: left alone")
        elif report.dry_run:
            report.ask(f"It was being handed on by {each.id}: that is put right first")
        else:
            first = put_right(each, restoring=True)
            report.sentences += first.sentences
            report.sound &= first.sound
    return report.sound


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """One at a time."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


class _Scene:
    """What the hand-off left."""

    def __init__(self, entry: Entry, report: Report, stack: ExitStack) -> None:
        self._entry = entry
        self._report = report
        self._stack = stack
        self._connection: Connection = entry.connections[0]
        spaces = {each.inode: each for each in known_namespaces()}
        self._netns: NetworkNamespace | None = spaces.get(int(entry.begun["netns"]))
        self._target: NetworkNamespace | None = spaces.get(int(entry.begun["target"]))
        holders = [(int(pid), int(start)) for pid, start, _ in entry.begun["holders"]]
        self._tasks = stack.enter_context(Tasks(holders))
        self._running = [task for task in self._tasks.alive if task.pid in entry.begun["running"]]

    def put_right(self) -> None:
        report = self._report
        if "locking" not in self._entry.transitions:
            report.say("Nothing had been done yet.")
            return
        old = self._old()
        new = self._new()
        if old is not None and not is_empty(old):
            self._still_there(old)
        elif new is not None and "given" in self._entry.transitions:
            self._goes_on(new, old)
        elif IN_FILE in self._entry.transitions:
            self._was_left(new, old)
        elif self._from_file:
            self._stays_in_file(new)
        elif old is not None:
            self._comes_back(old, new)
        else:
            self._waits(None)

    def _was_left(self, new: Socket | None, old: socket.socket | None) -> None:
        """Taken out into a file on purpose."""
        if new is None:
            self._waits(old)
        else:
            self._say(f"Process {new.pid} has {self._connection} since.")
            self._let_go()

    def _stays_in_file(self, new: Socket | None) -> None:
        """It was about to be handed on from a file."""
        if new is not None and not self._report.dry_run:
            taken = self._borrowed(new)
            if taken is None:
                return
            detach(taken)
            hang_up(taken, self._state())
        if self._entry.begun["locked_before"]:
            self._say(f"{self._connection} is still in {self._entry.begun['images']}.")
        else:
            self._waits(None)

    def _still_there(self, old: socket.socket) -> None:
        self._say(f"{self._connection} is in the descriptor of its old owner: runs on there.")
        if self._report.dry_run:
            return
        in_repair = bool(old.getsockopt(socket.IPPROTO_TCP, c.TCP_REPAIR))
        self._lift()
        if in_repair:
            old.setsockopt(socket.IPPROTO_TCP, c.TCP_REPAIR, c.REPAIR_OFF)
            old.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, int(self._entry.facts.get("reuse", 0)))
        self._let_go()
        self._forget_file()

    def _goes_on(self, new: Socket, old: socket.socket | None) -> None:
        """The recipient has said that it has it."""
        taken = self._borrowed(new)
        if taken is None:
            return
        self._say(f"Process {new.pid} had been given {self._connection}: it goes on there.")
        if self._report.dry_run:
            return
        state = self._state()
        self._announce()
        self._lift()
        if taken.getsockopt(socket.IPPROTO_TCP, c.TCP_REPAIR):
            resume(taken, state)
        if old is not None:
            hang_up(old, state)
        self._let_go()
        self._forget_file()
        settle_others(self._entry.begun["lock"], self._entry.path)

    def _comes_back(self, old: socket.socket, new: Socket | None) -> None:
        """Nobody has said that he has it, and its old owner has kept its descriptor."""
        self._say(f"{self._connection} had been taken out: put back into the descriptor of its old owner.")
        if self._report.dry_run:
            return
        state = self._state()
        if self._netns is None:
            raise WorkbenchError("Its network namespace is gone", f"the state is in {self._entry.begun['images']}")
        if not self._running or any(task.state not in "tTZX" for task in self._running):
            stop(self._tasks.alive)
        if new is not None:
            taken = self._borrowed(new)
            if taken is None:
                return
            detach(taken)
            hang_up(taken, state)
        self._bring_address_back()
        give_back(old, state, self._netns.path)
        self._lift()
        resume(old, state)
        self._let_go()
        self._forget_file()

    def _waits(self, old: socket.socket | None) -> None:
        """It is in the file and nowhere else."""
        path = self._entry.begun["images"]
        try:
            state = read_state(path)
        except WorkbenchError as error:
            self._lift()
            self._let_go()
            self._report.lose((self._connection,), f"no descriptor holds it, and its state cannot be read ({error})")
            return
        if old is not None and not self._report.dry_run:
            hang_up(old, state)
        self._let_go()
        self._report.pending = True
        self._report.ask(
            f"{self._connection} is in {path} and locked, and its peer waits: hand it on with workbench handoff"
            f" --from {path} --to PATH (or --command CMD), or give it up with workbench locks --remove"
            f" {self._entry.begun['lock']} --even-if-needed"
        )

    # What is looked for

    def _old(self) -> socket.socket | None:
        """The old owner's socket, if one of its holders still has the descriptor."""
        inode = int(self._entry.begun["inode"])
        alive = {task.pid for task in self._tasks.alive}
        for pid, _, fd in self._entry.begun["holders"]:
            if pid in alive:
                try:
                    return self._stack.enter_context(borrow(int(pid), int(fd), inode))
                except WorkbenchError:
                    continue
        return None

    def _new(self) -> Socket | None:
        """Another socket with this connection, in the namespace that it was to go to."""
        if self._target is None or not (self._from_file or "taking away" in self._entry.transitions):
            return None
        source = LiveSource(("sockets",))
        try:
            sockets = source.evidence().sockets
        finally:
            source.close()
        if isinstance(sockets, Gap):
            raise WorkbenchError(f"Sockets cannot be seen: {sockets.reason}", sockets.remedy)
        wire, inode = self._connection.unmapped, int(self._entry.begun["inode"])
        return next(
            (
                each
                for each in sockets
                if each.netns == self._target.inode
                and each.connection.unmapped == wire
                and each.state in MOVABLE
                and each.inode != inode
            ),
            None,
        )

    @property
    def _from_file(self) -> bool:
        return not self._entry.begun["holders"]

    def _borrowed(self, new: Socket) -> socket.socket | None:
        """The new socket; one that is still under way in a unix socket is waited for."""
        deadline = time.monotonic() + ARRIVES_S
        found: Socket | None = new
        while found is not None and not found.holders and time.monotonic() < deadline:
            time.sleep(_POLL_S)
            found = self._new()
        if found is None or not found.holders:
            self._report.ask(f"{self._connection} is under way to a process that does not pick it up: end that one")
            return None
        holder = found.holders[0]
        return self._stack.enter_context(borrow(holder.pid, holder.fd, found.inode))

    def _state(self) -> State:
        return read_state(self._entry.begun["images"])

    # What is done

    def _say(self, sentence: str) -> None:
        self._report.say(sentence)

    def _bring_address_back(self) -> None:
        if "moving the address" in self._entry.transitions and self._netns is not None and self._target is not None:
            leaves, arrives = map(moving_address, self._entry.begun["addresses"])
            bring_back(leaves, self._netns, arrives, self._target)
            self._say(f"Its address {leaves.address} had moved along: back on {leaves.interface}.")

    def _announce(self) -> None:
        """Its address went along, and the neighbours may not have been told."""
        if "moving the address" in self._entry.transitions and self._target is not None:
            _, arrives = map(moving_address, self._entry.begun["addresses"])
            with suppress(WorkbenchError):  # they find it out later by themselves
                announce_all((arrives,), self._target)

    def _lift(self) -> None:
        name = self._entry.begun["lock"]
        for space in {each.inode: each for each in (self._netns, self._target) if each is not None}.values():
            try:
                standing = inside(space.path, partial(run_nft, "list tables inet"))
                if name in standing.split():
                    delete = partial(run_nft, f"delete table inet {name}")
                    self._report.act(f"The lock {name} stands: lifted.", partial(inside, space.path, delete))
            except OSError:  # the namespace has ended, and the lock with it
                continue

    def _let_go(self) -> None:
        stopped = [task for task in self._running if task.state == "T"]
        if stopped and not self._report.dry_run:
            for task in stopped:
                task.signal(signal.SIGCONT)
        if stopped:
            pids = ", ".join(str(task.pid) for task in stopped)
            self._say(f"Process {pids} stood still: runs on.")

    def _forget_file(self) -> None:
        if not self._entry.begun["keep"]:
            Path(self._entry.begun["images"]).unlink(missing_ok=True)
