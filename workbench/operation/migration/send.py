"""The source half: a dump whose images travel, and whose process ends only when it is restored at the destination.

Who owns the process is decided by one journaled transition, ``handed over``: before it, whatever breaks, it runs on
here; after it, it is the destination's. See docs/migration.md.
"""

import shutil
import threading
import time
from typing import Any

from workbench.errors import WorkbenchError
from workbench.operation import machine as m
from workbench.operation.dump import DumpOperation
from workbench.operation.journal import ENDED, Journal
from workbench.operation.migration.addresses import announce_all, give, take_away
from workbench.operation.migration.channel import PATIENCE, Channel, ChannelClosed
from workbench.operation.migration.image_sender import ImageSender
from workbench.operation.migration.plan_send import SendPlan
from workbench.operation.migration.recover_send import ADDRESS_GONE, HANDED_OVER
from workbench.operation.progress import Step, StepState, Transfer
from workbench.operation.request import Hold
from workbench.operation.task import REAPED_S, Tasks, await_reaped, is_alive
from workbench.operation.unlock import unlock_all
from workbench.present.text import printable

READY_S = 30.0
SILENCE_S = 20.0
"""Seconds without a word of the destination, which gives one every two while it restores; then the process runs on
here."""
OUTCOME_S = 60.0


class SendOperation(DumpOperation):
    """Move what ``prepare_send`` planned; see ``operation.runner.Operation``. The channel is closed at the end."""

    def __init__(self, prepared: SendPlan, channel: Channel) -> None:
        super().__init__(prepared.plan)
        assert prepared.offer is not None
        self._offer, self._channel, self._ahead = prepared.offer, channel, prepared.request.ahead
        self._own_images = not prepared.request.images
        self._sender: ImageSender | None = None
        self._giving = threading.Lock()
        self._address_gone = self._undone = self._unconfirmed = False
        self._laps: dict[str, float] = {}
        self._board.own_hold = Hold.IMAGES_COMPLETE
        self._board.arrange = self._with_transfer
        self._board.transfer = Transfer(prepared.there or printable(prepared.request.to))
        self._frozen_at = 0.0

    def _initial_state(self) -> m.State:
        return m.State("dump", frozenset({Hold.IMAGES_COMPLETE}))

    def _run(self) -> None:
        try:
            super()._run()
        finally:
            if self._sender is not None:
                self._sender.close()
            if self._own_images and is_alive(self.plan.root_pid, self.plan.start_time):
                shutil.rmtree(self._image_path, ignore_errors=True)
            self._channel.close()

    def _facts(self) -> dict[str, Any]:
        addresses = [each.record() for each in self._offer.addresses]
        to = self._board.transfer.to if self._board.transfer else ""
        moving = {"id": self._offer.id, "to": to, "addresses": addresses, "own_images": self._own_images}
        return {**super()._facts(), "migration": moving}

    def _begin_journal(self, facts: dict[str, Any]) -> Journal:
        """The destination is asked to make ready first: nothing is done without it."""
        journal = super()._begin_journal(facts)
        try:
            self._channel.send("begin")
            answer = self._channel.receive(READY_S)
            refusal = "" if answer["is"] == "ready" else f"the destination refuses: {answer.get('reason')}"
        except (ChannelClosed, TimeoutError) as error:
            refusal = f"the destination is lost: {str(error) or 'it is silent'}"
        if refusal:
            journal.write("ended: failed")
            journal.close()
            raise WorkbenchError(printable(refusal))
        return journal

    def _start_criu(self) -> m.Event | None:
        self._sender = ImageSender(self._channel, self._images, self._offer.id, ahead=self._ahead)
        self._sender.start(lambda error: self._events.put(m.Refused(f"The destination was lost: {error}.")))
        return super()._start_criu()

    def _perform(self, command: m.Command) -> m.Event | None:
        if isinstance(command, m.ReadSockets):
            threading.Thread(target=self._move, name="migration", daemon=True).start()
        return super()._perform(command)

    def _performed(self, command: m.Command) -> m.Event | None:
        if isinstance(command, m.Answer) and not command.accept:
            self._take_back()
        return super()._performed(command)

    def _look(self, phase: str = "") -> None:
        """Not while the peers wait: a look at a busy host takes its time."""
        self._board.unwatched = self._state.phase in {m.Phase.FROZEN, m.Phase.IMAGES_COMPLETE, m.Phase.LETTING_GO}
        if self._board.unwatched:
            self._show_transfer(bytes_so_far=self._channel.sent)
            self._board.show(self._state)
        else:
            super()._look(phase)

    def _feed(self, event: m.Event | None) -> None:
        if isinstance(event, m.Notified) and event.name == m.FROZEN:
            self._frozen_at = time.monotonic()
        super()._feed(event)

    # While CRIU waits with complete images, in a thread of its own

    def _move(self) -> None:
        """Send the rest, free the address, wait until it is restored there: then CRIU may end it here."""
        assert self._sender is not None
        try:
            images, total = self._sender.finish()
            self._lap("sent", self._sender.finish_ms)
            self._show_transfer(images=images, bytes_sent=total, bytes_ahead=min(self._sender.bytes_ahead, total))
            began = time.monotonic()
            self._free_address()
            self._lap("address", (time.monotonic() - began) * 1000)
            began = time.monotonic()
            self._channel.send("complete", {"images": images, "total": total, "run_id": self._run_id})
            while (answer := self._channel.receive(SILENCE_S))["is"] == PATIENCE:
                pass
            if answer["is"] != "restored":
                self._events.put(m.Refused(f"The destination refused it: {printable(str(answer.get('reason')))}."))
                return
            self._lap("restored there", (time.monotonic() - began) * 1000)
            self._events.put(m.Proceed())
        except (WorkbenchError, TimeoutError, OSError) as error:
            self._events.put(m.Refused(f"The destination was lost before it had it: {str(error) or 'it is silent'}."))

    def _free_address(self) -> None:
        assert self._journal is not None
        with self._giving:
            if self._undone:
                raise WorkbenchError("it was turned back")
            self._journal.write(ADDRESS_GONE)
            self._address_gone = True
            take_away(self._offer.addresses, self._here)

    def _take_back(self) -> None:
        """It stays here: so does its address, before CRIU unlocks and lets it go."""
        with self._giving:
            self._undone = True
            if not self._address_gone:
                return
            give(self._offer.addresses, self._here)
            announce_all(self._offer.addresses, self._here)
            self._address_gone = False

    # When CRIU has ended the processes

    def _settle(self) -> m.Event:
        began = time.monotonic()
        with Tasks(self._tree) as tasks:
            lives = [task.pid for task in tasks.all if not task.gone(REAPED_S)]
        if lives:
            return m.Settled(f"Process {lives[0]} does not end, so that it was not handed over: run workbench recover.")
        assert self._journal is not None
        self._journal.write(HANDED_OVER)
        try:
            self._channel.send("yours")
            self._lap("ended", (time.monotonic() - began) * 1000)
            doubt = self._await_release(time.monotonic())
        except (ChannelClosed, TimeoutError):
            self._unconfirmed = True
            doubt = (
                "It was handed over, and the destination has not said that it lives: run `workbench recover` there, and"
                f" `workbench migrate take {self._offer.id}` if that asks."
            )
        self._lift_lock()
        if not doubt and self._own_images:
            shutil.rmtree(self._image_path, ignore_errors=True)
        await_reaped([pid for pid, _ in self._tree], REAPED_S)
        return m.Settled(doubt)

    def _await_release(self, since: float) -> str:
        """What is not as it should be at the destination; empty if every connection goes on there."""
        while True:
            answer = self._channel.receive(OUTCOME_S)
            if answer["is"] == "released":
                self._lap("released there", (time.monotonic() - since) * 1000)
                self._lap("stopped in all", (time.monotonic() - self._frozen_at) * 1000)
            elif answer["is"] == "outcome":
                there = answer.get("report")
                self._show_transfer(there=there if isinstance(there, dict) else {})
                if answer.get("outcome") == "succeeded":
                    return ""
                return f"At the destination: {printable(str(answer.get('error') or answer.get('outcome')))}"

    def _write(self, transition: str) -> m.Event | None:
        """What nobody has confirmed is left for ``recover`` to tell of."""
        unconfirmed = self._unconfirmed and transition.startswith(ENDED)
        return super()._write(m.LEFT if unconfirmed else transition)

    def _lift_lock(self) -> None:
        """The address is gone: nothing can be reset any more, and the table would only be left behind."""
        self._look()
        locks = self._sample.locks
        if locks:
            unlock_all(locks, self._here.path)

    # What is shown

    def _lap(self, name: str, milliseconds: float) -> None:
        self._laps[name] = round(milliseconds, 1)
        self._show_transfer(times_ms=dict(self._laps))

    def _show_transfer(self, **changes: Any) -> None:
        from dataclasses import replace

        if self._board.transfer is not None:
            self._board.transfer = replace(self._board.transfer, **changes)

    def _with_transfer(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        """The steps of a dump with those between its images and its end."""
        *before, ended = steps
        written = before[-1].state is StepState.DONE
        made: list[Step] = []
        for name in ("sent", "restored there"):
            due = written and (not made or made[-1].state is StepState.DONE)
            made.append(self._step(name, due=due, over=ended.state is StepState.SKIPPED))
        if ended.state is StepState.RUNNING and made[-1].state is not StepState.DONE:
            ended = Step(ended.name, StepState.TODO)
        elif "ended" in self._laps:
            ended = Step(ended.name, StepState.DONE, self._laps["ended"])
        released = self._step(
            "released there", due=ended.state is StepState.DONE, over=ended.state is StepState.SKIPPED
        )
        return (*before, *made, ended, released)

    def _step(self, name: str, *, due: bool, over: bool) -> Step:
        if name in self._laps:
            return Step(name, StepState.DONE, self._laps[name])
        return Step(name, StepState.SKIPPED if over else StepState.RUNNING if due else StepState.TODO)
