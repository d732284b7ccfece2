"""Recording in a process of its own: whoever shows events keeps its interpreter, however many there are.

The child tells one ``Stretch`` after the other, and is told what matters most. It ends, and removes its traces, when
its standard input is closed: also when its parent is killed.
"""

import contextlib
import select
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from workbench.collect.events.frames import receive, send
from workbench.collect.events.reader import EventReader
from workbench.collect.events.recording import Recording
from workbench.evidence import Gap
from workbench.evidence.event import EventKind
from workbench.evidence.selection import Selection
from workbench.evidence.stretch import Stretch

FRAME_S = 0.2
"""So often a stretch is told."""
MOST = 400
"""Events in a stretch, beside those that matter most: more cannot be looked at one by one."""
Thing = TypeVar("Thing")
_RARE = frozenset({EventKind.RULES, EventKind.STAGE, EventKind.LOSS})


class Recorder:
    """Records from ``start`` to ``close``; ``deliver`` is called with each stretch, in a thread of the recorder."""

    def __init__(self, deliver: Callable[[Stretch], object]) -> None:
        self._deliver = deliver
        self._child: subprocess.Popen[bytes] | None = None
        self._thread = threading.Thread(target=self._run, name="timeline", daemon=True)

    def start(self) -> None:
        """Begin; that nothing can be recorded is told by the first stretch."""
        self._child = subprocess.Popen(
            [sys.executable, "-m", __name__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is the terminal's and concerns the parent
        )
        self._thread.start()

    def focus(self, selection: Selection | None) -> None:
        """From now on, whatever this wants is told, however many events there are; None: nothing in particular."""
        if self._child is not None and self._child.stdin is not None:
            try:
                send(self._child.stdin.fileno(), selection)
            except (OSError, ValueError):
                return  # the child has ended, which its reader tells

    @property
    def pid(self) -> int | None:
        """The child's; None before it has started."""
        return self._child.pid if self._child is not None else None

    def close(self) -> None:
        """End the child; what it recorded since its last stretch is not told."""
        if self._child is not None and self._child.stdin is not None:
            self._child.stdin.close()

    def wait(self) -> None:
        """Until nothing of it is left."""
        if self._child is not None:
            self._thread.join()
            self._child.wait()

    def _run(self) -> None:
        assert self._child is not None
        assert self._child.stdout is not None
        with self._child.stdout as pipe, contextlib.suppress(EOFError):
            while True:
                self._deliver(receive(pipe.fileno()))
        status = self._child.wait()
        if status:
            gap = Gap("events", f"the process that records has ended (status {status})", "start the workbench again")
            self._deliver(Stretch(refused=gap, gaps=(gap,)))


def thinned(stretch: Stretch, focus: Selection | None, most: int = MOST) -> Stretch:
    """Not many more than ``most`` events and attributions each: all that ``focus`` wants and what is rare, of the
    others the first; ``left_out`` says how many events are not among them.

    Segments with RST on devices are no rows of a timeline: what became of them is.
    """
    events = [event for event in stretch.events if event.kind is not EventKind.RESET_PACKET]
    wants = focus.wants if focus is not None else lambda _: False
    kept = _first(events, lambda event: event.kind in _RARE or wants(event), most)
    found = _first(
        stretch.attributions,
        lambda one: focus is not None and focus.wants_connection(one.connection, one.netns),
        most,
    )
    return replace(stretch, events=kept, attributions=found, left_out=len(events) - len(kept))


def _first(things: Sequence[Thing], always: Callable[[Thing], bool], most: int) -> Sequence[Thing]:
    """The first ``most`` of them, and of the others those that are always kept."""
    if len(things) <= most:
        return things
    kept: list[Thing] = []
    room = most
    for thing in things:
        if always(thing):
            kept.append(thing)
        elif room > 0:
            kept.append(thing)
            room -= 1
    return kept


def record() -> None:
    """What the child does: its standard input tells the focus, its standard output takes the stretches."""
    focus: Selection | None = None
    left_out = 0
    with EventReader() as reader:
        recording = Recording(reader)
        if reader.refused is None:
            recording.begin()
        send(1, recording.settle((), reader.complete_ns))
        while reader.refused is None:
            if select.select([0], [], [], FRAME_S)[0]:
                focus = receive(0)
            complete = reader.complete_ns
            told = thinned(recording.settle(reader.take(0), complete), focus)
            left_out += told.left_out
            send(1, replace(told, left_out=left_out))


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError, EOFError):
        record()
