"""Events of the live host, put in order: one thread reads every source and hands on what nothing earlier can follow."""

import os
import select
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from workbench.collect.bpf import BpfError
from workbench.collect.btf import VMLINUX, BtfError
from workbench.collect.events import witness as witnessing
from workbench.collect.events.formats import Format, parse_format
from workbench.collect.events.instance import BUFFER_KIB, Instance, remove_abandoned
from workbench.collect.events.owners import Owners
from workbench.collect.events.pages import Page, read_page, rows
from workbench.collect.events.records import Seen
from workbench.collect.events.rules import RuleChanges
from workbench.collect.events.tracefs import tracefs
from workbench.collect.events.translate import TRACEPOINTS, Translator
from workbench.collect.events.waiting import Waiting
from workbench.collect.events.witness import RING_BYTES, Witness
from workbench.collect.namespaces import collect_namespaces
from workbench.evidence import Gap, NetworkNamespace
from workbench.evidence.event import Event, EventKind

REST_S = 0.02
"""Between two readings of the buffers: events are read many at a time."""
SETTLED_NS = 5_000_000
"""An event is in its buffer so long after it happened, unless its processor was taken away."""
LOOK_AROUND_S = 1.0
"""How often new namespaces, losses and forgotten witnesses are looked for."""
MOST_WAITING = 200_000
"""Events that nobody took: more are counted as lost."""
_PAGE_BYTES = 1 << 16
_FULL = {
    "tracefs": "the trace buffer was full",
    "bpf": "the ring was full: drops and segments with RST are missing, other events lack details",
}
_INITIAL_PID_NAMESPACE = 0xEFFFFFFC
"""PROC_PID_INIT_INO (include/linux/proc_ns.h): the kernel tells its events' pids as this namespace numbers them."""


class EventReader:
    """Use it as a context manager: it records from entering to leaving. ``take`` may be called from any one thread."""

    def __init__(
        self,
        *,
        buffer_kib: int = BUFFER_KIB,
        ring_bytes: int = RING_BYTES,
        most_waiting: int = MOST_WAITING,
        btf: Path = VMLINUX,
    ) -> None:
        """``buffer_kib`` for each processor; ``btf``: where the kernel describes its structures."""
        self._btf = btf
        self._buffer_kib = buffer_kib
        self._ring_bytes = ring_bytes
        self._gaps: tuple[Gap, ...] = ()
        self.namespaces: tuple[NetworkNamespace, ...] = ()
        """As they were seen last."""
        self.complete_ns = 0
        """All that happened until then can be taken, or is lost. Look at it first, then ``take``."""
        self._waiting = Waiting(most_waiting)
        self._arrived = threading.Condition()
        self._thread: threading.Thread | None = None
        self._stop = -1
        self.refused: Gap | None = None
        """Why nothing is recorded; None if something is. Known once it has started."""

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What is not seen, and what would show it; complete once it has started."""
        return self._gaps

    @property
    def lost(self) -> int:
        """Events that are known to be missing so far; each of them is part of a LOSS event too."""
        return self._waiting.lost

    def start(self) -> Gap | None:
        """Begin to record; a Gap if that cannot be done at all."""
        ready = threading.Event()
        reading, self._stop = os.pipe()
        self._thread = threading.Thread(target=self._run, args=(reading, ready), name="events", daemon=True)
        self._thread.start()
        ready.wait()
        return self.refused

    def take(self, timeout: float | None = None) -> list[Event]:
        """Events in their order, waiting for the first at most ``timeout`` seconds; empty if none came."""
        with self._arrived:
            self._arrived.wait_for(lambda: self._waiting or self._stop < 0, timeout)
            return self._waiting.take()

    def close(self) -> None:
        """Stop and remove all traces; what was recorded can still be taken."""
        with self._arrived:
            stop, self._stop = self._stop, -1
            self._arrived.notify_all()
        if stop >= 0:
            os.close(stop)
        if self._thread:
            self._thread.join()

    def __enter__(self) -> "EventReader":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _run(self, stop: int, ready: threading.Event) -> None:
        remove_abandoned()
        try:
            with tracefs() as top:
                session = _Session(top, self._buffer_kib, self._ring_bytes, self._btf)
                try:
                    self._gaps = session.gaps
                    self.namespaces = session.namespaces
                    ready.set()
                    self._read(session, stop)
                finally:
                    session.close()
        except (OSError, ValueError) as error:
            self.refused = _gap(error)
            self._gaps = (self.refused,)
        finally:
            ready.set()
            os.close(stop)

    def _read(self, session: "_Session", stop: int) -> None:
        quick, slow = select.poll(), select.poll()
        for poll in (quick, slow):
            poll.register(stop, select.POLLIN)
        for descriptor in session.buffers:
            slow.register(descriptor, select.POLLIN)
        watched: tuple[int, ...] = ()
        due = look = time.monotonic()
        while True:
            if session.rules.descriptors != watched:
                for descriptor in {*watched, *session.rules.descriptors}:
                    for poll in (quick, slow):
                        if descriptor in session.rules.descriptors:
                            poll.register(descriptor, select.POLLIN)
                        elif descriptor in watched:
                            poll.unregister(descriptor)
                watched = session.rules.descriptors
            now = time.monotonic()
            resting = now < due
            limit = due - now if resting else max(min(look - now, REST_S if session.holds_back else LOOK_AROUND_S), 0)
            ready = {descriptor for descriptor, _ in (quick if resting else slow).poll(limit * 1000)}
            if ready & {*watched}:
                session.read_rules()
            if stop in ready:
                break
            if time.monotonic() >= due:
                self._hand_on(session.read())
                self.complete_ns = session.complete_ns
                due = time.monotonic() + REST_S
            if time.monotonic() >= look:
                session.look_around()
                self.namespaces = session.namespaces
                look = time.monotonic() + LOOK_AROUND_S
        session.read_rules()
        self._hand_on(session.read(everything=True))
        self.complete_ns = session.complete_ns

    def _hand_on(self, events: list[Event]) -> None:
        if not events:
            return
        with self._arrived:
            self._waiting.put(events)
            self._arrived.notify_all()


class _Session:
    """All sources while they are open."""

    def __init__(self, top: Path, buffer_kib: int, ring_bytes: int, btf: Path) -> None:
        pids_are_ours = Path("/proc/self/ns/pid").stat().st_ino == _INITIAL_PID_NAMESPACE
        gaps: list[Gap] = []
        if not pids_are_ours:
            gaps.append(Gap("events", "processes are not named, since this is a pid namespace of its own",
                            "run in the initial pid namespace"))  # fmt: skip
        self._instance = Instance(top, buffer_kib)
        self.rules = RuleChanges(pids_are_ours=pids_are_ours)
        self._owners = Owners()
        self._witness: Witness | None = None
        try:
            formats = {seen: parse_format(self._instance.format_of(event)) for seen, event in TRACEPOINTS.items()}
            least = _least_reason(formats[Seen.DROP])
            # The programs come first: whatever tracefs has recorded has its witness by then.
            try:
                self._witness = Witness(least, btf, ring_bytes)
            except (BtfError, BpfError, OSError) as error:
                gaps.append(witnessing.gap_of(error))
            self._translator = Translator(formats, self._owners, pids_are_ours=pids_are_ours)
            self._by_number = {form.number: seen for seen, form in formats.items()}
            self._records = {form.number: form.record for form in formats.values()}
            self.namespaces: tuple[NetworkNamespace, ...] = ()
            self._follow()
            self._enable(least)
        except BaseException:
            self.close()
            raise
        self.buffers = (*self._instance.pipes, *((self._witness.ring.descriptor,) if self._witness else ()))
        self.gaps = (*gaps, *self.rules.gaps)
        self.complete_ns = 0
        """Nothing that happened before then is still to be read."""
        self._pages: list[bytes] = []
        self._held: list[Event] = []
        self._lost = {"tracefs": 0, "bpf": 0}
        """Told so far."""
        self._missed = 0
        """Overwritten before pages that were read; the kernel's total has them, too, maybe sooner."""

    def _enable(self, least: int) -> None:
        self._instance.enable(TRACEPOINTS[Seen.STATE], "protocol == 6")
        for seen in (Seen.RESET_SENT, Seen.RESET_RECEIVED, Seen.RETRANSMISSION):
            self._instance.enable(TRACEPOINTS[seen])
        if self._witness is None:
            ip = "(protocol == 0x0800 || protocol == 0x86dd)"
            self._instance.enable(TRACEPOINTS[Seen.DROP], f"reason >= {least} && {ip}")

    @property
    def holds_back(self) -> bool:
        """Whether events were read that something earlier might still follow."""
        return bool(self._held)

    def read_rules(self) -> None:
        self._held.extend(self.rules.read())

    def read(self, *, everything: bool = False) -> list[Event]:
        """Events that are old enough that nothing earlier can follow, in their order."""
        self.read_rules()  # that there is nothing tells that nothing was committed
        settled = time.monotonic_ns() - SETTLED_NS
        self._pages += [page for pipe in self._instance.pipes for page in _pages(pipe)]
        if self._witness is not None:
            self._held += self._translator.take(self._witness.read())
            if not (self._witness.ring.is_read or everything):
                return []  # the witness of an event may still be missing: the next round has it
        found = [(page, read_page(page)) for page in self._pages]
        self._held += [loss for _, events in found if events.times for loss in self._gap_in(events)]
        self._held += self._translator.events(
            (self._by_number[number], times, records)
            for page, events in found
            for number, (times, records) in rows(page, events, self._records).items()
        )
        self._pages = []
        self._held.sort(key=lambda event: event.at_ns)
        if everything:
            self._held += self._losses()
            settled = time.monotonic_ns()
        count = sum(event.at_ns <= settled for event in self._held)
        ready, self._held = self._held[:count], self._held[count:]
        self.complete_ns = settled
        return ready

    def look_around(self) -> None:
        """What need not be done often."""
        self._held += self._losses()
        self._translator.forget(self.complete_ns - 1_000_000_000)  # however late this thread is
        self._follow()

    def close(self) -> None:
        if self._witness is not None:
            self._witness.close()
        self.rules.close()
        self._owners.close()
        self._instance.close()

    def _follow(self) -> None:
        found, _ = collect_namespaces()
        if not isinstance(found, Gap):
            self.namespaces = found
            self.rules.follow(found)

    def _losses(self) -> list[Event]:
        lost = {"tracefs": self._instance.lost(), "bpf": self._witness.lost() if self._witness else 0}
        events = [
            Event(time.monotonic_ns(), EventKind.LOSS, lost=count - self._lost[source], reason=_FULL[source])
            for source, count in lost.items()
            if count > self._lost[source]
        ]
        self._lost = {source: max(count, self._lost[source]) for source, count in lost.items()}
        return events

    def _gap_in(self, page: Page) -> Iterator[Event]:
        """Events were overwritten before the first one of a page, which the kernel's total may have told already."""
        self._missed += max(page.missed, 0)
        untold = self._missed - self._lost["tracefs"]
        if untold > 0:
            self._lost["tracefs"] = self._missed
            yield Event(page.times[0], EventKind.LOSS, lost=untold, reason=_FULL["tracefs"])


def _least_reason(drops: Format) -> int:
    """The first reason that says something: smaller ones are no drops, or nobody said why."""
    names = drops.names.get("reason", {})
    return next((number for number, name in names.items() if name == "NOT_SPECIFIED"), 0) + 1


def _pages(pipe: int) -> list[bytes]:
    pages: list[bytes] = []
    while True:
        try:
            page = os.read(pipe, _PAGE_BYTES)
        except BlockingIOError:
            return pages
        if not page:
            return pages
        pages.append(page)


def _gap(error: Exception) -> Gap:
    if isinstance(error, PermissionError):
        return Gap("events", "the kernel's trace files may be used by root only", "run as root")
    return Gap("events", f"the kernel's trace files cannot be used: {error}", "boot a kernel with CONFIG_FTRACE=y")
