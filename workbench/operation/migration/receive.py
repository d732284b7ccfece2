"""The destination half: keeps the images as they come, restores, and lets go when the process is handed over.

Until the transition ``taken over`` is journaled everything here can be thrown away; see docs/migration.md.
"""

import os
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench import __version__
from workbench.errors import WorkbenchError
from workbench.evidence import Address, Evidence, Gap, NetworkNamespace
from workbench.operation.in_memory import free_bytes, place_for
from workbench.operation.journal import Journal, boot_id, own_identity
from workbench.operation.migration import fitness
from workbench.operation.migration.addresses import MovingAddress, give
from workbench.operation.migration.channel import PATIENCE, VERSION, Channel, ChannelClosed
from workbench.operation.migration.image_cache import ImageCache, Refused
from workbench.operation.migration.lock import lock
from workbench.operation.migration.look import look
from workbench.operation.migration.offer import Offer, offer_from
from workbench.operation.migration.received import RESTORED_HERE, ReceivedRestore
from workbench.operation.note import read_note
from workbench.operation.place import make
from workbench.operation.plan import Plan
from workbench.operation.plan_restore import plan_restore
from workbench.operation.progress import Outcome, Progress
from workbench.operation.record import connection_record
from workbench.operation.request import Hold, RestoreRequest
from workbench.operation.sampling import Sampler
from workbench.present.text import printable
from workbench.read.criu_images import read_image_directory

OWN_NAMESPACE = "/proc/self/ns/net"
LOCKED = "lock and address come"
WORD_S = 60.0
"""Seconds in which a source that was told of the restore ends its own processes and says so."""
IMAGES = frozenset({"image", "data", "skip", "end"})


@dataclass(frozen=True, slots=True)
class ReceiveRequest:
    """Who may come, and where it goes."""

    images: str = ""
    """Directory for the images; empty: one in memory, which is removed at the end."""
    interface: str = ""
    """Which gets the addresses; empty: that of their network."""


@dataclass
class Received:
    """What came of it."""

    outcome: Outcome | None = None
    """None: nothing was sent after the answer."""
    title: str = ""
    error: str = ""
    times_ms: dict[str, float] = field(default_factory=dict)
    progress: Progress | None = None
    """Of the restore."""


class Receiver:
    """One migration, from the offer to the proof; runs in the thread of its caller."""

    def __init__(
        self, channel: Channel, request: ReceiveRequest, report: Callable[[Received], dict[str, object]]
    ) -> None:
        """``report``: makes of the result what the source shows of it."""
        self._channel, self._request, self._report = channel, request, report
        self._result = Received()
        inode = os.stat(OWN_NAMESPACE).st_ino  # noqa: PTH116 - a namespace file, not a path to walk
        self._namespace = NetworkNamespace(inode, OWN_NAMESPACE, is_host=True)

    def run(self) -> Received:
        """See it through. Raises ChannelClosed if the source is gone before anything was done."""
        offer, answer = self._answer()
        self._result.title = printable(f"{offer.command} {offer.root}")
        if self._channel.receive()["is"] != "begin" or answer.obstacles:
            return self._result
        with _Arrival(offer, answer, self._request, self._namespace) as arrival:
            try:
                self._channel.send("ready")
                total = self._take_images(arrival)
                self._restore(arrival, total)
            except Refused as refused:
                self._refuse(arrival, refused.message)
            except ChannelClosed as closed:
                self._give_up(arrival, f"The source is gone: {closed.message}")
        return self._result

    def _answer(self) -> tuple[Offer, fitness.Fitness]:
        head = self._channel.receive()
        if head["is"] != "offer" or head.get("version") != VERSION:
            self._channel.send("answer", {"version": VERSION, "workbench": __version__})
            raise WorkbenchError("the source speaks another version of the migration's language")
        try:
            offer = offer_from(head)
        except (KeyError, TypeError, ValueError) as error:
            raise WorkbenchError("what came is no offer of a process") from error
        place = self._place(offer)
        existing = next(each for each in (place, *place.parents) if each.exists())
        answer = fitness.judge(
            offer, _look(offer, (), self._namespace), self._namespace.inode,
            room_bytes=free_bytes(existing), interface=self._request.interface,
        )  # fmt: skip
        told = {"host": platform.node(), "obstacles": answer.obstacles, "warnings": answer.warnings}
        self._channel.send("answer", {"version": VERSION, "workbench": __version__, **told})
        return offer, answer

    def _place(self, offer: Offer) -> Path:
        if self._request.images:
            return Path(self._request.images).absolute()
        return place_for(f"receive-{offer.id}", offer.memory_bytes)

    def _take_images(self, arrival: "_Arrival") -> dict[str, Any]:
        began = time.monotonic()
        while (head := self._channel.receive())["is"] in IMAGES:
            arrival.cache.take(head, self._channel)
        if head["is"] != "complete":
            raise ChannelClosed("it was turned back there")
        try:
            arrival.cache.complete(int(head["images"]), int(head["total"]))
            arrival.run_id = str(head["run_id"])
        except (KeyError, TypeError, ValueError) as error:
            raise Refused("a frame of the migration is not as it should be") from error
        self._lap("images", began)
        return head

    def _restore(self, arrival: "_Arrival", _: dict[str, Any]) -> None:
        began = time.monotonic()
        arrival.have_address()
        self._lap("lock and address", began)
        began = time.monotonic()
        plan = arrival.plan()
        if plan.obstacles:
            raise Refused(plan.obstacles[0])
        operation = ReceivedRestore(plan, arrival.journal, arrival.sampler, arrival.addresses, self._namespace)
        arrival.sampler_given = True
        operation.start(lambda progress: None)
        if not operation.await_held(lambda: self._say(PATIENCE)):
            self._result.progress = progress = operation.wait()
            arrival.ended = True
            self._refuse(arrival, progress.error)
            return
        self._lap("restored", began)
        self._hand_over(arrival, operation)

    def _hand_over(self, arrival: "_Arrival", operation: ReceivedRestore) -> None:
        """The process is restored and blocked, its connections are locked: now the source may end it."""
        arrival.journal.write(RESTORED_HERE)
        try:
            self._channel.send("restored")
            word = self._channel.receive(WORD_S)["is"]
        except (ChannelClosed, TimeoutError):
            word = ""
        began = time.monotonic()
        arrival.ended = True
        if word != "yours":
            operation.give_back(told=word == "leave")
            self._end(operation.wait())
            return
        operation.take_over()
        released = operation.await_release()
        self._lap("released", began)
        if released:
            self._say("released")
        self._end(operation.wait())
        report = {"times_ms": self._result.times_ms, **self._report(self._result)}
        self._say("outcome", outcome=self._result.outcome, error=self._result.error, report=report)

    def _end(self, progress: Progress) -> None:
        self._result.progress, self._result.outcome, self._result.error = progress, progress.outcome, progress.error

    def _refuse(self, arrival: "_Arrival", reason: str) -> None:
        self._give_up(arrival, reason)
        self._say("refused", reason=reason)

    def _give_up(self, arrival: "_Arrival", reason: str) -> None:
        self._result.outcome, self._result.error = Outcome.FAILED, " ".join((reason, *arrival.clean_up()))

    def _say(self, kind: str, **fields: object) -> None:
        """To a source that may be gone by now."""
        try:
            self._channel.send(kind, fields)
        except ChannelClosed:
            return

    def _lap(self, name: str, began: float) -> None:
        self._result.times_ms[name] = round((time.monotonic() - began) * 1000, 1)


class _Arrival:
    """What stands here of a process that is to come: images, then lock and addresses. A context manager."""

    def __init__(
        self, offer: Offer, answer: fitness.Fitness, request: ReceiveRequest, namespace: NetworkNamespace
    ) -> None:
        self.addresses = answer.addresses
        self._offer, self._namespace = offer, namespace
        self.path = (
            Path(request.images).absolute() if request.images else place_for(f"receive-{offer.id}", offer.memory_bytes)
        )
        self.run_id = ""
        self.ended = False
        """The restore has ended the journal."""
        self._directory = make(str(self.path))
        if any(self.path.iterdir()):
            os.close(self._directory)
            raise WorkbenchError(f"{self.path} is not empty", "name another directory with -D")
        self.cache = ImageCache(self._directory, offer.id)
        # All that takes time and does not need the images is done before anything is frozen at the source.
        self._evidence = _look(offer, answer.addresses, namespace)
        self.sampler = Sampler(offer.connections, namespace.inode)
        self.sampler.look()
        self.sampler_given = False
        """The restore closes it."""
        self.journal = Journal("receive", self._facts(own_images=not request.images))

    def _facts(self, *, own_images: bool) -> dict[str, Any]:
        offer = self._offer
        return {
            "workbench": own_identity(),
            "boot_id": boot_id(),
            "images": str(self.path),
            "netns": self._namespace.inode,
            "root": (offer.root, 0),
            "command": offer.command,
            "connections": [connection_record(each) for each in offer.connections],
            "options": {},
            "tasks": [(pid, None) for pid in offer.pids],
            "commands": offer.commands,
            "uptime_ticks": int(time.clock_gettime(time.CLOCK_BOOTTIME) * os.sysconf("SC_CLK_TCK")),
            "migration": {"id": offer.id, "addresses": [each.record() for each in self.addresses]},
            "own_images": own_images,
        }

    def have_address(self) -> None:
        """The lock first: nobody answers the peers in the name of connections that are not there yet."""
        self.cache.close()
        self.journal.write(LOCKED, run_id=self.run_id)
        lock(self._offer.connections, self.run_id, self._namespace)
        give(self.addresses, self._namespace)

    def plan(self) -> Plan:
        """Of the restore: from the images, and from what was seen here before they came."""
        request = RestoreRequest(str(self.path), holds=frozenset({Hold.RESTORED}))
        image = read_image_directory(str(self.path))
        return plan_restore(self._evidence, image, request, read_note(self.path), self._namespace)

    def clean_up(self) -> tuple[str, ...]:
        """Leave nothing of it; what could not be removed."""
        from workbench.operation.journal import ENDED, read_entry
        from workbench.operation.recover import put_right

        if self.ended:
            return ()
        self.ended = True
        entry = read_entry(self.journal.path)
        assert entry is not None
        report = put_right(entry, restoring=False)
        if report.sound:
            self.journal.write(f"{ENDED}{Outcome.FAILED}")
        return tuple(report.sentences)

    def __enter__(self) -> "_Arrival":
        return self

    def __exit__(self, *_: object) -> None:
        if not self.sampler_given:
            self.sampler.close()
        self.cache.close()
        os.close(self._directory)
        self.journal.close()


def _look(offer: Offer, coming: Sequence[MovingAddress], namespace: NetworkNamespace) -> Evidence:
    """This host, as it will be when these addresses have come and the connections are locked."""
    evidence = look(fitness.SECTIONS, namespace.inode)
    if coming and not isinstance(evidence.network, Gap):
        added = (Address(namespace.inode, each.interface, each.address, each.prefix, "global") for each in coming)
        network = replace(evidence.network, addresses=(*evidence.network.addresses, *added))
        locks = Gap("locks", f"those of migration {offer.id} are yet to come")
        return replace(evidence, network=network, locks=locks)
    return evidence
