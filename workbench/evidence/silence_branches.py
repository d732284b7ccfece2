"""Why nothing flows through a connection: the first of some branches that the evidence supports.

What stops segments is asked first, then what makes them useless, then who does not send them. Sources: RFC 9293 3.8.6
(zero window), RFC 5961, net/ipv4/tcp_input.c (tcp_validate_incoming, tcp_ack), tcp_timer.c.
"""

import re
from collections import Counter
from collections.abc import Callable, Iterable

from workbench.evidence.event import EventKind
from workbench.evidence.lock_status import LockStatus
from workbench.evidence.sequences import apart
from workbench.evidence.silence import (
    SILENT_STATES,
    Answer,
    End,
    Proof,
    Silent,
    Watch,
    drops,
    moved,
    numbers,
    waits_in_vain,
)
from workbench.evidence.socket import SocketTimer
from workbench.evidence.verdict_rule import culprits

_INVALID = re.compile(r"(?:--(?:ct)?state (?:\w+,)*INVALID\b|ct state (?:\{ ?)?(?:\w+, ?)*invalid\b)", re.IGNORECASE)
_WRONG_ACKS = ("TCP_ACK_UNSENT_DATA", "TCP_TOO_OLD_ACK")
_WRONG_NUMBERS = ("TCP_OLD_SEQUENCE", "TCP_INVALID_SEQUENCE", "TCP_INVALID_END_SEQUENCE", *_WRONG_ACKS)
_STOPPED = {"T": "stopped (SIGSTOP, or left stopped by a dump)", "t": "stopped by a tracer"}
_AGAIN_AND_AGAIN = 2


def _flows(watch: Watch) -> Answer | None:
    count = max(map(moved, watch.ends))
    if not count:
        return None
    sentence = f"it is not silent: {count} bytes went through in {watch.seconds:.1f} s"
    return _answer(watch, Silent.FLOWS, sentence, (), "")


def _locked(watch: Watch) -> Answer | None:
    held = next((end for end in watch.ends if end.lock is not None), None)
    if held is None or held.lock is None:
        return None
    use = held.lock
    stopped = drops(watch, "NETFILTER_DROP")
    proof = [Proof("locks", f"{use.lock.backend.value} lock {use.lock.name}: {use.sentence}")]
    if stopped:
        proof.append(Proof("events", f"{len(stopped)} segments dropped by it in {watch.seconds:.1f} s"))
    if held.sequences and held.sequences.repair:
        proof.append(Proof("sequences", f"the socket of {held.who} is in repair mode, too"))
    advice = use.advice or {
        LockStatus.NEEDED: "restore the dumped end: the restore lifts the lock",
        LockStatus.HELD: "wait for the operation at work, or turn it back",
    }.get(use.status, "`workbench locks --remove --plan` says whether the lock can go")
    return _answer(
        watch, Silent.LOCKED, f"a network lock of CRIU still holds {_which(watch, held)} back", proof, advice
    )


def _in_repair(watch: Watch) -> Answer | None:
    held = next((end for end in watch.ends if end.sequences and end.sequences.repair), None)
    if held is None:
        return None
    return _answer(
        watch,
        Silent.IN_REPAIR,
        f"the socket of {held.who} is in TCP_REPAIR mode still: it sends nothing, and reading fails",
        [Proof("sequences", f"repair flag of {held.socket.connection} in the kernel's tcp_sock")],
        "`workbench recover`, or `workbench locks --remove`, turns it off while the process stands still",
    )


def _dropped(watch: Watch) -> Answer | None:
    stopped = drops(watch, "NETFILTER_DROP")
    if not stopped:
        return None
    found = culprits(watch.rules, stopped[-1], resets=False)
    invalid = [rule for rule in found if _INVALID.search(rule.text)] or [
        rule for rule in watch.rules if rule.netns == stopped[-1].netns and _INVALID.search(rule.text)
    ]
    proof = [Proof("events", f"{len(stopped)} segments dropped in {watch.seconds:.1f} s, NETFILTER_DROP")]
    by_name = [rule for rule in found if rule not in invalid]
    if invalid and (not by_name or len(found) > len(by_name)):
        proof += [Proof("rules", f"{rule.chain}: {rule.text}") for rule in invalid[:3]]
        entry = watch.tracked
        known = f"{entry.connection} {entry.state}" if entry else "no entry for this connection"
        proof.append(Proof("conntrack", known))
        return _answer(
            watch,
            Silent.CONNTRACK_INVALID,
            "connection tracking did not see it begin and calls its segments invalid, and a rule drops what is invalid",
            proof,
            "set net.netfilter.nf_conntrack_tcp_loose to 1 in that namespace, or exempt the connection from the rule",
        )
    proof += [Proof("rules", f"{rule.chain}: {rule.text}") for rule in found[:3]]
    return _answer(
        watch, Silent.DROPPED, "a rule of netfilter drops its segments", proof, "look at the rule, and whose it is"
    )


def _out_of_step(watch: Watch) -> Answer | None:
    proof = []
    seen = watch.peer and watch.end.sequences and watch.peer.sequences
    if watch.peer and watch.end.sequences and watch.peer.sequences:
        ours, theirs = watch.end.sequences, watch.peer.sequences
        for sender, receiver, way in ((ours, theirs, "to"), (theirs, ours, "from")):
            gap = apart(sender, receiver)
            if gap is not None:
                lacks = "lacks bytes that its peer has forgotten" if gap > 0 else "has bytes that were never sent"
                proof.append(Proof("sequences", f"{way} the peer: the receiver {lacks}, {abs(gap)} of them"))
    # Probes of a window and of a silent peer carry no bytes and an old number on purpose.
    exchanged = [
        event for event in drops(watch, *_WRONG_NUMBERS)
        if event.reason in _WRONG_ACKS or (event.segment and event.segment.length > 1)
    ]  # fmt: skip
    if not proof and (seen or len(exchanged) < _AGAIN_AND_AGAIN):
        return None
    by_reason = Counter(event.reason for event in exchanged)
    if by_reason:
        said = ", ".join(f"{count} {reason}" for reason, count in by_reason.items())
        proof.append(Proof("events", f"segments thrown away in {watch.seconds:.1f} s: {said}"))
    return _answer(
        watch,
        Silent.OUT_OF_STEP,
        "the two ends do not agree on where they are: what one sends, the other throws away and acknowledges again",
        (*proof, *numbers(watch)),
        "it cannot be put right: end it. Dump both ends behind one lock, and restore the newest images only",
    )


def _peer_gone(watch: Watch) -> Answer | None:
    if watch.peer is not None or not watch.peer_is_here:
        return None
    end = watch.end
    if not (waits_in_vain(end) or end.queued):
        return None
    return _answer(
        watch,
        Silent.PEER_GONE,
        f"no socket has the other end any more, and nothing answers the {end.socket.retransmits} retransmissions",
        [Proof("sockets", f"nobody has {watch.connection.peer}, though that address is of this host"), *numbers(watch)],
        "nothing brings it back unless images of the other end wait to be restored; else close this end",
    )  # fmt: skip


def _timer_off(watch: Watch) -> Answer | None:
    end = watch.end
    if end.socket.timer is not SocketTimer.NONE or end.socket.state not in SILENT_STATES:
        return None
    proof = [Proof("sockets", f"{end.socket.connection}: no timer runs"), *numbers(watch)]
    if end.queued:
        sentence = f"{end.queued} bytes wait to be sent or acknowledged, and no timer runs that would send them"
        return _answer(watch, Silent.TIMER_OFF, sentence, proof, "a write by the program starts it again")
    if watch.peer is None and watch.peer_is_here:
        return _answer(
            watch,
            Silent.TIMER_OFF,
            "the other end is gone, nothing is on its way, and without keepalive no timer runs that would notice",
            proof,
            "let the program write, or turn on SO_KEEPALIVE: then it learns that its peer is gone",
        )
    return None


def _stopped(watch: Watch) -> Answer | None:
    for end in watch.ends:
        if end.owner is not None and end.owner.state in _STOPPED:
            return _answer(
                watch,
                Silent.STOPPED,
                f"{end.who}, which has {_which(watch, end)}, is {_STOPPED[end.owner.state]}",
                [Proof("processes", f"state of {end.owner.pid} is {end.owner.state}"), *numbers(watch)],
                "`kill -CONT` it, or end the tracer",
            )
    return None


def _unread(watch: Watch) -> Answer | None:
    """This end's program; the peer's shows as a window of zero."""
    end = watch.end
    if not _left_unread(end):
        return None
    window = end.sequences.receive_window_left if end.sequences else None
    room = "" if window is None else f"; {max(window, 0)} more may come"
    return _answer(
        watch,
        Silent.NOT_READING,
        f"{end.who} does not read: {end.socket.recv_q} bytes have arrived and wait{room}",
        numbers(watch),
        f"look what {end.who} waits for: its stack, or `cat /proc/PID/wchan`",
    )


def _zero_window(watch: Watch) -> Answer | None:
    end = watch.end
    window = end.sequences.snd_wnd if end.sequences else end.socket.info.snd_wnd if end.socket.info else None
    left = end.sequences.send_window_left if end.sequences else window
    if not end.queued or left is None or left > 0 or (window and end.socket.timer is not SocketTimer.PROBE):
        return None
    sentence = f"the peer allows no more bytes: its window is 0, and {end.queued} wait here"
    proof = [*numbers(watch)]
    advice = "on the peer's host, look whether its program reads"
    if watch.peer is not None and _left_unread(watch.peer):
        sentence += f", since {watch.peer.who} does not read the {watch.peer.socket.recv_q} bytes that it has"
        advice = f"look what {watch.peer.who} waits for: its stack, or `cat /proc/PID/wchan`"
    return _answer(watch, Silent.ZERO_WINDOW, sentence, proof, advice)


def _unanswered(watch: Watch) -> Answer | None:
    if not waits_in_vain(watch.end):
        return None
    again = sum(event.kind is EventKind.RETRANSMISSION for event in watch.events)
    proof = [*numbers(watch)]
    if again:
        proof.append(Proof("events", f"{again} retransmissions in {watch.seconds:.1f} s"))
    neighbour = drops(watch, "NEIGH_FAILED", "IP_OUTNOROUTES", "DEV_READY")
    if neighbour:
        proof.append(Proof("events", f"{len(neighbour)} segments could not be sent: {neighbour[-1].reason}"))
    return _answer(
        watch,
        Silent.UNANSWERED,
        f"nothing answers: {watch.end.socket.retransmits} retransmissions since the last acknowledgement",
        proof,
        "see whether the peer's host answers at all, and run `workbench why` there, with the ends swapped",
    )


def _nothing_to_send(watch: Watch) -> Answer | None:
    ends = watch.ends
    if any(end.queued or end.socket.recv_q for end in ends) or watch.end.socket.state not in SILENT_STATES:
        return None
    sentence = "it is silent rightly: everything that was written is acknowledged and read, and nobody writes more"
    if watch.peer is None:
        sentence += " here; of the other end nothing is known"
    return _answer(watch, Silent.NOTHING_TO_SEND, sentence, numbers(watch), "")


def _left_unread(end: End) -> bool:
    return end.socket.recv_q > 0 and end.first.recv_q > 0


def _which(watch: Watch, end: End) -> str:
    return "this end" if end is watch.end else "the other end"


def _answer(watch: Watch, why: Silent, sentence: str, proof: Iterable[Proof], advice: str) -> Answer:
    return Answer(why, watch.connection, watch.netns, sentence, tuple(proof), advice)


_BRANCHES: tuple[Callable[[Watch], Answer | None], ...] = (
    _flows, _locked, _in_repair, _dropped, _out_of_step, _peer_gone, _timer_off, _stopped, _unread, _zero_window,
    _unanswered, _nothing_to_send,
)  # fmt: skip


def why_silent(watch: Watch) -> Answer:
    """The nearest cause, with what shows it."""
    answers = (branch(watch) for branch in _BRANCHES)
    answer = next((each for each in answers if each is not None), None)
    if answer is not None:
        return answer
    unseen = f" ({'; '.join(watch.gaps)})" if watch.gaps else ""
    return _answer(
        watch,
        Silent.UNKNOWN,
        f"what was seen in {watch.seconds:.1f} s does not tell why nothing flows{unseen}",
        numbers(watch),
        "look again for longer (--seconds), or record its timeline",
    )
