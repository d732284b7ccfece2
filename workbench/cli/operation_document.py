"""Plans and operations as JSON; every text in them is printable."""

from collections.abc import Mapping
from dataclasses import asdict

from workbench.evidence import Lock
from workbench.operation.plan import Plan
from workbench.operation.progress import Progress, Proof, Transfer
from workbench.present.text import printable

Document = dict[str, object]


def plan_document(plan: Plan) -> Document:
    """A plan; ``command`` argument by argument."""
    return {
        "schema": 1,
        "kind": plan.kind,
        "title": printable(plan.title),
        "possible": not plan.obstacles,
        "obstacles": _texts(plan.obstacles),
        "warnings": _texts(plan.warnings),
        "notes": _texts(plan.notes),
        "processes": _texts(plan.processes),
        "sockets": [
            {"title": printable(each.title), "fate": printable(each.fate), "blocks": each.blocks}
            for each in plan.sockets
        ],
        "connections": [str(each) for each in plan.connections],
        "advice": [
            {
                "connection": str(each.connection),
                "place": each.place.value,
                "policy": each.policy.value,
                "why": printable(each.why),
            }
            for each in plan.advice
        ],
        "closings": [
            {
                "connection": str(each.connection),
                "lost_here": {"unread": each.unread, "unacknowledged": each.unacknowledged},
                "lost_at_peer": each.peer_unacknowledged,
                "unread_at_peer": each.peer_unread,
                "peer_sees": each.peer_sees,
                "program_sees": each.program_sees,
                "why": printable(each.why),
            }
            for each in plan.closings
        ],
        "command": _texts(plan.command),
        "undo": printable(plan.undo),
        "space_bytes": plan.space_bytes,
        "space_free_bytes": plan.space_free_bytes,
        "lock_cost_ms": plan.lock_cost_ms,
    }


def operation_document(progress: Progress) -> Document:
    """An operation that is over."""
    return {
        "schema": 1,
        "kind": progress.plan.kind,
        "title": printable(progress.plan.title),
        "outcome": progress.outcome.value if progress.outcome else None,
        "error": printable(progress.error),
        "elapsed_ms": round(progress.elapsed_ms, 1),
        "steps": [{"name": step.name, "state": step.state.value, "ms": step.milliseconds} for step in progress.steps],
        "proof": [_proof(each) for each in progress.proofs],
        "closed": [
            {"connection": str(each.connection), "foretold": each.foretold, "seen": each.seen or None}
            for each in progress.closed
        ],
        "locks": [_lock(each) for each in progress.locks],
        "lock_ms": progress.lock_ms,
        "dump_stats": asdict(progress.dump_stats) if progress.dump_stats else None,
        "restore_stats": asdict(progress.restore_stats) if progress.restore_stats else None,
        "restored_pid": progress.restored_pid,
        "images": printable(progress.images),
        "transfer": _transfer(progress.transfer) if progress.transfer else None,
        "keeping": asdict(progress.keeping) if progress.keeping else None,
    }


def _transfer(transfer: Transfer) -> Document:
    return {
        "to": printable(transfer.to),
        "images": transfer.images,
        "bytes_sent": transfer.bytes_sent,
        "bytes_ahead": transfer.bytes_ahead,
        "times_ms": dict(transfer.times_ms),
        "there": _plain(transfer.there),
    }


def _proof(proof: Proof) -> Document:
    return {
        "connection": str(proof.connection),
        "verdict": proof.verdict.value,
        "sentence": printable(proof.sentence),
        "bytes_checked": proof.bytes_checked,
        "facts": _plain(proof.facts),
    }


def _lock(lock: Lock) -> Document:
    return {"backend": lock.backend.value, "name": printable(lock.name), "packets": lock.packets}


def _texts(texts: tuple[str, ...]) -> list[str]:
    return [printable(text) for text in texts]


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return {printable(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return printable(str(value))
