"""A dump and a restore of a container, done by its engine."""

from typing import Any

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Gap
from workbench.operation import machine as m
from workbench.operation.container import RuncContainer, container_record, runs, settings
from workbench.operation.conversation import Conversation
from workbench.operation.dump import DumpOperation
from workbench.operation.engine_conversation import EngineConversation
from workbench.operation.plan import Plan
from workbench.operation.proving import read_held
from workbench.operation.restore import RestoreOperation
from workbench.operation.runner import Operation
from workbench.operation.task import descendants
from workbench.repair.record import ReadSocket


def operation_of(plan: Plan) -> Operation:
    """What carries the plan out."""
    if plan.container is not None:
        return ContainerDump(plan) if plan.kind == "dump" else ContainerRestore(plan)
    return DumpOperation(plan) if plan.kind == "dump" else RestoreOperation(plan)


def _container(plan: Plan) -> RuncContainer:
    assert plan.container is not None
    return plan.container


class ContainerDump(DumpOperation):
    """As ``DumpOperation``, but that the engine runs CRIU."""

    def _facts(self) -> dict[str, Any]:
        return {**super()._facts(), "container": container_record(self.plan.container)}

    def _converse(self, images: int, log: str) -> Conversation:
        return EngineConversation(
            "dump",
            images,
            log,
            self._events.put,
            command=_container(self.plan).command("dump", self._image_path, self.plan.options),
            settings=settings(_container(self.plan), self.plan.options),
            links=_container(self.plan).links(self._image_path),
        )


class ContainerRestore(RestoreOperation):
    """As ``RestoreOperation``, but that the engine runs CRIU, and that the pids in the images are the container's."""

    def _facts(self) -> dict[str, Any]:
        return {**super()._facts(), "tasks": [], "container": container_record(self.plan.container)}

    def _transition_facts(self, transition: str) -> dict[str, Any]:
        if transition == m.Phase.RESTORED and self._criu.restored_pid:
            return {"tasks": descendants(self._criu.restored_pid)}
        return {}

    def _prepare(self, images: int) -> None:
        self._sampler.run_id = self.image.run_id or ""
        if runs(_container(self.plan)):
            raise WorkbenchError(f"Container {_container(self.plan).id} is there by now", "end and delete it first")

    def _read_held(self) -> dict[Connection, ReadSocket | Gap]:
        return read_held(self._sample, {})

    def _converse(self, images: int, log: str) -> Conversation:
        return EngineConversation(
            "restore",
            images,
            log,
            self._events.put,
            command=_container(self.plan).command("restore", self._image_path, self.plan.options),
            settings=settings(_container(self.plan), self.plan.options),
            links=_container(self.plan).links(self._image_path),
        )
