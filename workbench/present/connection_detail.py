"""All that is known of one connection, in lines: both sequence spaces, timer, lock, peer, path, memory."""

from collections.abc import Iterator

from workbench.evidence import Gap, Sequences, Socket, TcpState
from workbench.evidence.outlook import if_it_sends, remote_outlook
from workbench.evidence.sequences import distance
from workbench.present.connections import (
    owner,
    process_text,
    stalled_receive,
    stalled_send,
    timer_tone,
    unheld_text,
)
from workbench.present.line import Line, Piece, Tone, line
from workbench.present.locks import lock_sentence
from workbench.present.patience import end_text, explanation
from workbench.present.sequence_picture import sequence_picture
from workbench.present.situation import HANDSHAKE, UNCONNECTED, Situation
from workbench.present.text import printable
from workbench.present.units import byte_size, milliseconds
from workbench.present.windows import window_lines
from workbench.present.words import HURTING, LOCK_SHORT

_OPTIONS = {1: "timestamps", 2: "SACK", 4: "window scaling", 8: "ECN", 32: "SYN data"}
_SHUTDOWN = {1: "receiving shut down", 2: "sending shut down", 3: "both directions shut down"}


def connection_detail(socket: Socket, situation: Situation, width: int) -> list[Line]:
    """The most telling lines first: a small pane shows only those."""
    sequences = situation.sequences_of(socket)
    lines = [_title(socket)]
    if socket.state in UNCONNECTED:
        lines += [*_listening(socket)]
    elif sequences:
        lines += sequence_picture(sequences, width)
    else:
        lines += [*_without_sequences(socket, situation)]
    lines += _timer(socket, situation, sequences)
    lines += _lock(socket, situation)
    lines += _peer(socket, situation, sequences)
    lines += _waiting(socket, situation)
    lines += [*_standstill(socket), *_path(socket)]
    if sequences and socket.state not in UNCONNECTED | HANDSHAKE:
        lines += window_lines(sequences, socket.info)
    lines += [*_holders(socket), *_numbers(socket, situation)]
    return lines


def agreement(ours: Sequences, theirs: Sequences) -> tuple[str, Tone]:
    """Whether what one end has sent is what the other has received, both ways; the two are not read at one instant."""
    there = distance(theirs.rcv_nxt, ours.snd_nxt)
    back = distance(ours.rcv_nxt, theirs.snd_nxt)
    for missing, flying, way in ((there, ours.in_flight, "to"), (back, theirs.in_flight, "from")):
        if missing < 0 or missing > max(flying, 0):
            return f"sequence numbers {way} it do not fit: they differ by {missing}", Tone.BAD
    if there or back:
        return f"{there} bytes to it and {back} from it on their way", Tone.MOVING
    return "agrees byte for byte", Tone.GOOD


def _labelled(label: str, *pieces: str | Piece) -> Line:
    return line((f"{label:<7}", Tone.DIM), *pieces)


def _title(socket: Socket) -> Line:
    ends = f"{socket.local}" if socket.state in UNCONNECTED else str(socket.connection)
    holder = owner(socket)
    held = f"{process_text(socket)} fd {holder.fd}" if holder else unheld_text(socket)
    return line(
        (printable(ends), Tone.STRONG),
        f"  {socket.state.name}",
        f"  {held}",
    )


def _listening(socket: Socket) -> Iterator[Line]:
    if socket.state is TcpState.LISTEN:
        waiting = f"{socket.recv_q} of at most {socket.send_q} wait to be accepted"
        yield _labelled("queue", (waiting, Tone.WARNING if socket.recv_q else Tone.NORMAL))
        if socket.recv_q:
            yield _labelled("", ("CRIU dumps no process with connections that wait to be accepted", Tone.WARNING))


def _without_sequences(socket: Socket, situation: Situation) -> Iterator[Line]:
    yield _labelled("queues", f"{socket.send_q} bytes not acknowledged, {socket.recv_q} not read")
    gap = situation.evidence.sequences
    if isinstance(gap, Gap):
        remedy = f": {gap.remedy}" if gap.remedy else ""
        yield _labelled("", (printable(f"no sequence numbers: {gap.reason}{remedy}"), Tone.DIM))
    elif not socket.holders and not socket.inode:
        yield _labelled("", ("no process has it open: CRIU does not dump it, the kernel finishes it", Tone.DIM))


def _lock(socket: Socket, situation: Situation) -> Iterator[Line]:
    use = situation.lock_of(socket)
    if use:
        tone = Tone.BAD if use.status in HURTING else Tone.LOCK
        advice = f": {use.advice}" if use.advice else ""
        yield _labelled("lock", (printable(f"{LOCK_SHORT[use.status]}: {use.sentence}{advice}"), tone))
        yield _labelled("", lock_sentence(use))
    sequences = situation.sequences_of(socket)
    if sequences and sequences.repair:
        yield _labelled("repair", ("the socket is in TCP_REPAIR mode: it neither sends nor receives", Tone.LOCK))


def _timer(socket: Socket, situation: Situation, sequences: Sequences | None) -> Iterator[Line]:
    """What runs, as of the moment at which the sequence numbers were read."""
    ahead = situation.outlook_of(socket)
    if ahead.due is None:
        return
    text = f"{ahead.runs} in {milliseconds(max(ahead.due.least, 0))}"
    if socket.retransmits:
        text += f", {socket.retransmits} unanswered"
    timeout = sequences.user_timeout_ms if sequences else None
    if ahead.ends != ahead.due and (socket.retransmits or timeout or socket.state is not TcpState.ESTABLISHED):
        text += f"; {end_text(ahead)}"
    if timeout:
        text += f"; TCP_USER_TIMEOUT {milliseconds(timeout)}"
    yield _labelled("timer", (text, timer_tone(socket)))


def _waiting(socket: Socket, situation: Situation) -> Iterator[Line]:
    """How long this end waits, and why."""
    if socket.state in UNCONNECTED:
        return
    ahead = situation.outlook_of(socket)
    label = "waits"
    for sentence in explanation(ahead):
        yield _labelled(label, (sentence, Tone.DIM))
        label = ""
    if ahead.ends is None and situation.lock_of(socket):
        sends = if_it_sends(socket, situation.sequences_of(socket), situation.limits(socket.netns))
        yield _labelled(label, (f"if it sends while it is locked, it {end_text(sends)}", Tone.DIM))


def _peer(socket: Socket, situation: Situation, sequences: Sequences | None) -> Iterator[Line]:
    if socket.state in UNCONNECTED:
        return
    peer = situation.peer_of(socket)
    if peer is None:
        yield _labelled("peer", ("not on this host, or not to be told which", Tone.DIM))
        if situation.lock_of(socket):
            far = remote_outlook()
            yield _labelled("", (f"if it sends, it {end_text(far)}, assumed {', '.join(far.assumed)}", Tone.DIM))
        return
    pieces: list[str | Piece] = [f"on this host: {process_text(peer)}, {peer.state.name}"]
    theirs = situation.sequences_of(peer)
    if sequences and theirs and not HANDSHAKE & {socket.state, peer.state}:
        pieces += ["; ", agreement(sequences, theirs)]
    ahead = situation.outlook_of(peer)
    locked = situation.lock_of(socket) or situation.lock_of(peer)
    if ahead.ends and (peer.retransmits or locked):
        pieces.append((f"; {ahead.runs} in {milliseconds(peer.timer_ms)}, {end_text(ahead)}", timer_tone(peer)))
    elif locked:
        sends = if_it_sends(peer, theirs, situation.limits(peer.netns))
        pieces.append((f"; it waits for ever, but if it sends it {end_text(sends)}", Tone.DIM))
    yield _labelled("peer", *pieces)


def _standstill(socket: Socket) -> Iterator[Line]:
    info = socket.info
    if info and stalled_send(socket) and socket.state not in HANDSHAKE:
        yield _labelled("!", (f"nothing acknowledged for {milliseconds(info.last_ack_recv_ms)}", Tone.WARNING))
    if info and stalled_receive(socket):
        text = f"the program has left {socket.recv_q} bytes unread for {milliseconds(info.last_data_recv_ms)}"
        yield _labelled("!", (text, Tone.WARNING))
    if socket.shutdown:
        yield _labelled("!", (_SHUTDOWN.get(socket.shutdown, ""), Tone.WARNING))


def _path(socket: Socket) -> Iterator[Line]:
    info = socket.info
    if info is None or socket.state in UNCONNECTED:
        return
    control = f"{socket.congestion}, " if socket.congestion else ""
    yield _labelled(
        "path",
        f"rtt {info.rtt_us / 1000:.1f} ms (+-{info.rttvar_us / 1000:.1f}), rto {milliseconds(info.rto_us / 1000)}, "
        f"{printable(control)}cwnd {info.snd_cwnd}, mss {info.snd_mss}, {info.total_retrans} retransmitted in all",
    )
    options = [name for bit, name in _OPTIONS.items() if info.options & bit]
    if info.options & 4:
        options.append(f"scale send {info.snd_wscale} receive {info.rcv_wscale}")
    yield _labelled("opts", ", ".join(options) or "none negotiated")


def _holders(socket: Socket) -> Iterator[Line]:
    if len(socket.holders) > 1:
        held = ", ".join(f"{holder.command} {holder.pid} fd {holder.fd}" for holder in socket.holders[:8])
        yield _labelled("held by", printable(f" {held}"))


def _numbers(socket: Socket, situation: Situation) -> Iterator[Line]:
    info, memory = socket.info, socket.memory
    if info and info.bytes_acked is not None and info.bytes_received is not None:
        sent, received = byte_size(info.bytes_acked), byte_size(info.bytes_received)
        yield _labelled("data", f"{sent} acknowledged, {received} received")
    if memory:
        used = f"receive {byte_size(memory.rmem_alloc)} of {byte_size(memory.rcvbuf)}"
        used += f", send {byte_size(memory.wmem_queued)} of {byte_size(memory.sndbuf)}"
        yield _labelled("memory", used + (f", {memory.drops} dropped" if memory.drops else ""))
    extras = [
        f"netns {situation.namespace_name(socket.netns)}",
        f"inode {socket.inode}",
        f"cookie {socket.cookie}",
        f"uid {socket.uid}",
    ]
    if socket.mark:
        extras.append(f"mark {socket.mark:#x}")
    if socket.mptcp:
        extras.append("MPTCP: CRIU cannot dump it")
    if socket.ulp:
        extras.append(f"upper layer {printable(socket.ulp)}")
    yield _labelled("ids", (", ".join(extras), Tone.DIM))
