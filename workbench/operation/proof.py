"""Whether each connection goes on: what was dumped compared with what stands there after the restore."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.evidence import Connection, Gap, ImageSocket, Lock, TcpState
from workbench.operation.flow import Flow, flow
from workbench.operation.likeness import changed_options, differences, facts
from workbench.operation.progress import End, Proof, Verdict
from workbench.repair.record import ReadSocket, SocketOptions


@dataclass(frozen=True, slots=True)
class After:
    """What is seen of one connection some time after its release."""

    now: End
    """Our end. ``socket`` None: no such socket in sock_diag; then ``sequences`` (BPF iterator) tell whether a
    descriptor is still open on it."""
    peer: End | None = None
    """The other end at the same moment; None: it is not on this host."""
    locks: tuple[Lock, ...] = ()
    """Locks that still hold this connection back."""
    reset: str = ""
    """Who reset it and why, as the kernel's events tell; empty if no reset was seen."""


def prove(
    images: Iterable[ImageSocket],
    restored: Mapping[Connection, ReadSocket | Gap],
    after: Mapping[Connection, After],
    options_before: Mapping[Connection, SocketOptions] | None = None,
    *,
    stayed: bool = False,
) -> tuple[Proof, ...]:
    """Judge every connection of an image directory; one proof each, in the order of the images.

    ``images``: the sockets of the directory that was restored; those without a stream (listening, unconnected,
    --tcp-close) are left out. ``restored``: read_stopped() of each at the hold before the unlock
    (``Hold.RESTORED``; for --leave-running and turned-back dumps at ``Hold.IMAGES_COMPLETE``), or the Gap that
    says why it could not be read: then contents count as not compared. ``after``: seen after the release; the
    two ends are not sampled at one instant, so sample and judge again until every verdict is ``continued`` or
    patience ends. ``options_before``: read_options() from before the dump, for what images do not carry.
    ``stayed``: nothing was restored, the dumped sockets themselves run on.
    Pure: no clock, no host. Connections are the keys, seen from the dumped end.
    """
    known = options_before or {}
    return tuple(
        _proof(
            image,
            restored.get(image.connection),
            after.get(image.connection),
            known.get(image.connection, {}),
            stayed=stayed,
        )
        for image in images
        if image.sequences is not None
    )


def _proof(
    image: ImageSocket, held: ReadSocket | Gap | None, after: After | None, before: SocketOptions, *, stayed: bool
) -> Proof:
    read = held if isinstance(held, ReadSocket) else None
    options = changed_options(image, before, read)
    wrong = differences(image, read, stayed=stayed) if read else ()
    verdict, sentence = _judge(image, held, after, options, wrong)
    queue = image.queue
    return Proof(
        connection=image.connection,
        verdict=verdict,
        sentence=sentence,
        facts=facts(image, read, after.now if after else None, options),
        bytes_checked=len(queue.received) + len(queue.sent) if queue and read else 0,
    )


def _judge(
    image: ImageSocket,
    held: ReadSocket | Gap | None,
    after: After | None,
    options: Mapping[str, Mapping[str, object]],
    wrong: tuple[str, ...],
) -> tuple[Verdict, str]:
    if wrong:
        return Verdict.LOST, f"It is not the connection that was dumped: {'; '.join(wrong)}."
    if after is None:
        return Verdict.SILENT, "It was not looked at after its release."
    if after.reset:
        return Verdict.RESET, f"It was reset: {after.reset}."
    if ended := _ended(image, after.now):
        return ended
    if after.locks:
        names = ", ".join(sorted({lock.name for lock in after.locks}))
        return Verdict.LOCKED, f"The lock {names} still holds it back: no packet passes."
    seen = flow(image, held if isinstance(held, ReadSocket) else None, after.now, after.peer)
    verdict = {Flow.MOVES: Verdict.CONTINUED, Flow.WAITS: Verdict.SILENT, Flow.BROKEN: Verdict.LOST}[seen.flow]
    return verdict, f"{_compared(image, held)}; {seen.sentence}{_lost(options)}."


def _ended(image: ImageSocket, now: End) -> tuple[Verdict, str] | None:
    """The verdict if there is no living socket any more; None if there is one."""
    if image.state is TcpState.CLOSE:
        return Verdict.CONTINUED, "It was closed already when it was dumped, and is closed again with what was unread."
    state = now.socket.state if now.socket else TcpState.CLOSE
    all_acknowledged = now.sequences is None or now.sequences.snd_una == now.sequences.write_seq
    if state is TcpState.CLOSE and image.state in _CLOSING and all_acknowledged:
        return Verdict.CONTINUED, "It was being closed when it was dumped, and has ended since."
    if now.socket is None and now.sequences is None:
        return Verdict.LOST, "There is no such socket any more: it was closed or reset after its release."
    if state is TcpState.CLOSE:
        return Verdict.RESET, "It was reset after its release: the descriptor is open, its socket is closed."
    if state not in _FOLLOWING[image.state]:
        return Verdict.LOST, f"It is in state {state.name}, which cannot follow {image.state.name}."
    return None


def _compared(image: ImageSocket, held: ReadSocket | Gap | None) -> str:
    if isinstance(held, ReadSocket):
        count = len(image.queue.received) + len(image.queue.sent) if image.queue else 0
        queues = f"both queues ({count} bytes)" if count else "empty queues"
        return f"State, sequence numbers, {queues} and windows are those of the images"
    reason = held.reason.rstrip(".") if held else "it was not read before its release"
    return f"Queues were not compared ({reason})"


def _lost(options: Mapping[str, Mapping[str, object]]) -> str:
    changed = [f"{name} {value['before']} -> {value['after']}" for name, value in options.items() if value["matters"]]
    return f"; options not kept: {', '.join(changed)}" if changed else ""


_S = TcpState
_CLOSING = {_S.FIN_WAIT1, _S.FIN_WAIT2, _S.CLOSING, _S.LAST_ACK}
"""States in which the program has closed its end: the next thing to come is the end."""
_AFTER_FIN = {_S.FIN_WAIT1, _S.FIN_WAIT2, _S.CLOSING, _S.TIME_WAIT}
_FOLLOWING = {
    _S.SYN_SENT: set(_S),
    _S.ESTABLISHED: {_S.ESTABLISHED, _S.CLOSE_WAIT, _S.LAST_ACK, *_AFTER_FIN},
    _S.FIN_WAIT1: _AFTER_FIN,
    _S.FIN_WAIT2: {_S.FIN_WAIT2, _S.TIME_WAIT},
    _S.CLOSING: {_S.CLOSING, _S.TIME_WAIT},
    _S.CLOSE_WAIT: {_S.CLOSE_WAIT, _S.LAST_ACK},
    _S.LAST_ACK: {_S.LAST_ACK},
}
"""States in which a connection may be found later (RFC 9293, figure 5)."""
