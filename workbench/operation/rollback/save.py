"""A new generation: the process stands still only until its images are in memory, and runs on while they are written
out."""

import time
from dataclasses import dataclass, replace

from workbench.errors import WorkbenchError
from workbench.operation import machine as m
from workbench.operation.dump import DumpOperation
from workbench.operation.in_memory import elsewhere
from workbench.operation.journal import boot_id
from workbench.operation.plan import Plan
from workbench.operation.planning import prepare_dump
from workbench.operation.progress import Step, StepState
from workbench.operation.request import DumpRequest
from workbench.operation.rollback.generation import Generation
from workbench.operation.rollback.generations import AT_MOST_BYTES, KEPT, Generations
from workbench.operation.task import start_time_of


@dataclass(frozen=True, slots=True)
class SaveRequest:
    """Which process, and how much is kept."""

    pid: int
    keep: int = KEPT
    at_most_bytes: int = AT_MOST_BYTES


@dataclass(frozen=True, slots=True)
class SavePlan:
    plan: Plan
    request: SaveRequest
    number: int


def prepare_save(request: SaveRequest) -> SavePlan:
    """Plan a new generation. Never raises for what stands in the way: see ``plan.obstacles``."""
    known = Generations(request.pid, start_time_of(request.pid) or 0)
    number = known.next_number()
    guess = max((each.bytes for each in known.all), default=0)  # the size of the last one tells that of the next
    images = known.memory_for(number, max(2 * guess, 64 << 20))
    plan = prepare_dump(DumpRequest(request.pid, str(images), leave_running=True))
    plan = replace(plan, obstacles=tuple(map(elsewhere, plan.obstacles)))
    if plan.space_bytes > request.at_most_bytes:
        need, most = plan.space_bytes >> 20, request.at_most_bytes >> 20
        more = (
            f"It needs about {need} MiB, and its generations may take {most} MiB of memory: allow more with --at-most"
        )
        plan = replace(plan, obstacles=(*plan.obstacles, more))
    gone = [each.number for each in known.all][: max(len(known.all) + 1 - request.keep, 0)]
    forgotten = f"Generation {', '.join(map(str, gone))} will be forgotten" if gone else ""
    notes = ("Its images are written out while the process runs", *([forgotten] if forgotten else []))
    title = plan.title.replace("Dump ", f"Save generation {number} of ", 1)
    kept = ("--keep", str(request.keep)) if request.keep != KEPT else ()
    command = ("workbench", "rollback", "save", str(request.pid), *kept)
    return SavePlan(replace(plan, title=title, notes=(*plan.notes, *notes), command=command), request, number)


class SaveOperation(DumpOperation):
    """Take what ``prepare_save`` planned; see ``operation.runner.Operation``."""

    def __init__(self, prepared: SavePlan) -> None:
        super().__init__(prepared.plan)
        self._prepared = prepared
        self._written_ms: float | None = None
        self._writing = False
        self._board.arrange = self._with_disk

    def _prove(self) -> m.Event:
        """First know of it, then prove the connections, then write it out: all of it while the process runs."""
        image = self._read_images()
        stats = self._board.dump_stats
        known = Generations(self.plan.root_pid, self.plan.start_time)
        generation = Generation(
            number=self._prepared.number,
            pid=self.plan.root_pid,
            command=self.plan.command_name,
            taken=time.time(),
            boot_id=boot_id(),
            bytes=getattr(image, "size_bytes", 0),
            connections=len(self.plan.connections),
            memory=self._image_path,
            disk="",
            checksums={},
            stopped_ms=None if stats is None else round((stats.freezing_us + stats.frozen_us) / 1000, 1),
        )
        known.add(generation)
        proved = super()._prove()
        self._writing = True
        self._board.show(self._state)
        try:
            self._written_ms = known.write_out(generation).written_ms
        except WorkbenchError:
            self._written_ms = None  # in memory it stays as good as it was
        self._writing = False
        known.prune(self._prepared.request.keep, self._prepared.request.at_most_bytes)
        return proved

    def _with_disk(self, steps: tuple[Step, ...]) -> tuple[Step, ...]:
        if self._written_ms is not None:
            return (*steps, Step("on disk", StepState.DONE, self._written_ms))
        over = self._state.outcome is not None
        state = StepState.RUNNING if self._writing else StepState.SKIPPED if over else StepState.TODO
        return (*steps, Step("on disk", state))
