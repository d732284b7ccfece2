"""What the proof is judged from: sockets read while they are held, and looks at them after their release."""

import time
from collections.abc import Iterable, Mapping, Sequence

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Gap, ImageSocket, SocketTimer
from workbench.operation.progress import End, Proof, Verdict
from workbench.operation.proof import prove
from workbench.operation.sampling import Sample
from workbench.repair.read import read_stopped
from workbench.repair.record import ReadSocket, SocketOptions

PATIENCE_S = 3.0
"""Seconds to wait for data without a known reason why it does not come."""
LONGEST_S = 15.0
"""Seconds to wait for a retransmission that is due."""
_MARGIN_S = 0.5


def read_held(
    sample: Sample, holders: Mapping[Connection, Sequence[tuple[int, int]]]
) -> dict[Connection, ReadSocket | Gap]:
    """Every connection of ours, read while CRIU holds its owners; ``holders`` where they are known better."""
    found: dict[Connection, ReadSocket | Gap] = {}
    for connection, end in sample.ours.items():
        found[connection] = _read(end, holders.get(connection, ()))
    return found


def _read(end: End, holders: Sequence[tuple[int, int]]) -> ReadSocket | Gap:
    if end.socket is None:
        return Gap("sockets", "it was not there while it was held")
    known = holders or tuple((holder.pid, holder.fd) for holder in end.socket.holders)
    try:
        return read_stopped(known, end.socket.inode)
    except WorkbenchError as error:
        return Gap("sockets", error.message, error.hint)


def watch(
    images: Iterable[ImageSocket],
    held: Mapping[Connection, ReadSocket | Gap],
    sample: Sample,
    options: Mapping[Connection, SocketOptions],
    *,
    stayed: bool = False,
) -> tuple[Proof, ...]:
    """Judge by one look."""
    images = tuple(images)
    after = {each.connection: sample.after(each.connection) for each in images}
    return prove(images, held, after, options, stayed=stayed)


class Patience:
    """How long to go on looking: until all goes on, or until what is due has come or not."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._until = self._begun + PATIENCE_S

    @property
    def pause_s(self) -> float:
        """Until the next look."""
        return 0.1

    def is_over(self, proofs: Sequence[Proof], sample: Sample) -> bool:
        """Whether to stop looking; a retransmission that is due later extends it, up to a limit."""
        waiting = [proof for proof in proofs if proof.verdict is not Verdict.CONTINUED]
        if not waiting:
            return True
        now = time.monotonic()
        for proof in waiting:
            if proof.verdict is Verdict.SILENT:
                due = max(_due_s(sample.ours.get(proof.connection)), _due_s(sample.peers.get(proof.connection)))
                self._until = (
                    max(self._until, min(now + due + _MARGIN_S, self._begun + LONGEST_S)) if due else self._until
                )
        return now >= self._until


def _due_s(end: End | None) -> float:
    """Seconds until the next retransmission or probe; 0 if none is due."""
    socket = end.socket if end else None
    if socket is None or socket.timer not in {SocketTimer.RTO, SocketTimer.PROBE}:
        return 0.0
    return socket.timer_ms / 1000
