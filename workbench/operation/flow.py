"""Whether data flows both ways after a release, or why not yet."""

from dataclasses import dataclass
from enum import Enum, auto

from workbench.evidence import ImageSocket, Sequences, Socket, SocketTimer, TcpState, distance
from workbench.operation.progress import End
from workbench.repair.record import ReadSocket


class Flow(Enum):
    MOVES = auto()
    """Data moved since, or there was none to move."""
    WAITS = auto()
    """Data is there and has not moved yet."""
    BROKEN = auto()
    """Data can never move: the two ends disagree, or one of them is gone."""


@dataclass(frozen=True, slots=True)
class Seen:
    flow: Flow
    sentence: str
    """Clauses without a full stop."""


_PEER_IS_DONE = {TcpState.CLOSE_WAIT, TcpState.LAST_ACK, TcpState.CLOSING, TcpState.TIME_WAIT}
"""States in which the peer's FIN was received: nothing more can come."""


def flow(image: ImageSocket, held: ReadSocket | None, now: End, peer: End | None) -> Seen:
    """Compare the image's numbers with those of now; ``peer`` is None if the other end is not on this host."""
    answers = peer is not None or _answers(held, now.socket)
    directions = (_sending(image, now, peer, answers), _receiving(image, now, peer, answers))
    worst = max((seen.flow for seen in directions), key=lambda flow: flow.value)
    told = [seen.sentence for seen in directions if seen.flow is worst or seen.flow is Flow.MOVES]
    return Seen(worst, ", ".join(told))


def _answers(held: ReadSocket | None, socket: Socket | None) -> bool:
    """A segment came in since the release: at the least the answer to the probe that ends repair mode."""
    heard = socket.info.segs_in if socket and socket.info else None
    before = held.segments_in if held else 0
    return heard is not None and before is not None and heard > before


def _sending(image: ImageSocket, now: End, peer: End | None, answers: bool) -> Seen:
    was, present = image.sequences, now.sequences
    assert was is not None
    if present is None:
        return _sending_by_diag(now.socket)
    acknowledged = distance(was.snd_una, present.snd_una)
    left = distance(present.snd_una, present.write_seq)
    if acknowledged < 0:
        return Seen(Flow.BROKEN, f"snd_una went back by {_bytes(-acknowledged)}")
    if acknowledged > 0:
        return Seen(Flow.MOVES, f"{_bytes(acknowledged)} acknowledged since")
    if peer and peer.sequences and not _expects(peer.sequences, present):
        return Seen(
            Flow.BROKEN,
            f"the peer expects byte {peer.sequences.rcv_nxt}, which is not between our {present.snd_una}"
            f" and {present.snd_nxt}",
        )
    if left == 0:
        return Seen(Flow.MOVES, "there was nothing to send")
    if answers and _is_closed(present, image.mss_clamp):
        return Seen(Flow.MOVES, f"{_bytes(left)} to go when the peer's program reads (its window is closed)")
    return Seen(Flow.WAITS, f"{_bytes(left)} not acknowledged yet, {_due(now.socket, 'our')}")


def _sending_by_diag(socket: Socket | None) -> Seen:
    """Without sequence numbers: the counters of a restored socket began at 0."""
    if socket is None or socket.send_q == 0 or socket.state is TcpState.TIME_WAIT:
        return Seen(Flow.MOVES, "nothing is left to send")
    if socket.info and socket.info.bytes_acked:
        return Seen(Flow.MOVES, f"{_bytes(socket.info.bytes_acked)} acknowledged since")
    return Seen(Flow.WAITS, f"{_bytes(socket.send_q)} not acknowledged yet, {_due(socket, 'our')}")


def _receiving(image: ImageSocket, now: End, peer: End | None, answers: bool) -> Seen:
    was, present, socket = image.sequences, now.sequences, now.socket
    assert was is not None
    if present:
        came = distance(was.rcv_nxt, present.rcv_nxt)
    else:
        came = (socket.info.bytes_received or 0) if socket and socket.info else 0
    if came < 0:
        return Seen(Flow.BROKEN, f"rcv_nxt went back by {_bytes(-came)}")
    if came:
        return Seen(Flow.MOVES, f"{_bytes(came)} received since")
    if socket and socket.state in _PEER_IS_DONE:
        return Seen(Flow.MOVES, "the peer has nothing more to send")
    if peer is not None:
        return _from_local_peer(present, peer, image.mss_clamp)
    if answers:
        return Seen(Flow.MOVES, "the peer answers and had nothing to send")
    return Seen(Flow.WAITS, "nothing has come from the peer yet; when it will retransmit is known on its host only")


def _from_local_peer(present: Sequences | None, peer: End, mss: int | None) -> Seen:
    if peer.socket is None and peer.sequences is None:
        return Seen(Flow.BROKEN, "the peer's socket on this host is gone")
    if present is None or peer.sequences is None:
        pending = peer.socket.send_q if peer.socket else 0
    else:
        pending = distance(present.rcv_nxt, peer.sequences.write_seq)
        if not _expects(present, peer.sequences):
            return Seen(
                Flow.BROKEN,
                f"we expect byte {present.rcv_nxt}, which is not between the peer's {peer.sequences.snd_una}"
                f" and {peer.sequences.snd_nxt}",
            )
    if pending == 0:
        return Seen(Flow.MOVES, "the peer had nothing to send")
    if peer.sequences and _is_closed(peer.sequences, mss):
        return Seen(Flow.MOVES, f"{_bytes(pending)} of the peer to come when the program reads (its window is closed)")
    return Seen(Flow.WAITS, f"the peer has {_bytes(pending)} for us, {_due(peer.socket, 'its')}")


def _expects(receiver: Sequences, sender: Sequences) -> bool:
    """The byte that the receiver expects is one that the sender can send next or again."""
    return distance(sender.snd_una, receiver.rcv_nxt) >= 0 and distance(receiver.rcv_nxt, sender.snd_nxt) >= 0


def _is_closed(sender: Sequences, mss: int | None) -> bool:
    """Nothing is in flight and the window is too small for a segment: the sender waits for the reader, not the network.

    A sender holds data back while less than a segment and less than half of the largest window fits (RFC 9293 3.8.6.2).
    """
    left = sender.send_window_left
    worth_sending = min(mss or 1, (sender.max_window or 2) // 2)
    return sender.in_flight == 0 and left is not None and left < max(worth_sending, 1)


def _bytes(count: int) -> str:
    return "1 byte" if count == 1 else f"{count} bytes"


def _due(socket: Socket | None, whose: str) -> str:
    if socket is None or socket.timer not in {SocketTimer.RTO, SocketTimer.PROBE}:
        return f"{whose} next retransmission is not scheduled yet"
    what = "retransmission" if socket.timer is SocketTimer.RTO else "window probe"
    return f"{whose} next {what} is due in {socket.timer_ms} ms"
