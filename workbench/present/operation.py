"""An operation while it runs: steps, locks, a connection before and now with its peer, the log, what waiting costs."""

from collections.abc import Callable, Mapping, Sequence
from math import inf

from workbench.evidence import LockScope, LogLine, SocketTimer
from workbench.evidence.outlook import Outlook, outlook, remote_outlook
from workbench.operation.progress import End, Progress, StepState, Watched
from workbench.operation.request import DumpRequest, Hold
from workbench.present.connections import timer_text, timer_tone
from workbench.present.line import Line, Piece, Tone, heading, line
from workbench.present.patience import end_text, explanation
from workbench.present.progress import keeping_line, step_text
from workbench.present.text import printable
from workbench.present.units import byte_size, count, milliseconds
from workbench.present.width import fit
from workbench.present.words import STATE_SHORT

_HELD = {
    Hold.FROZEN: "every process is stopped{locked}",
    Hold.IMAGES_COMPLETE: "images complete{locked}; {then}",
    Hold.RESTORED: "processes restored and waiting{locked}",
}
_LOCKED = {
    Hold.FROZEN: ", no connection is locked yet",
    Hold.IMAGES_COMPLETE: ", connections locked",
    Hold.RESTORED: ", connections still locked",
}
_BACK = {
    Hold.FROZEN: "the processes run on, nothing has changed",
    Hold.IMAGES_COMPLETE: "the processes run on{lifted}",
    Hold.RESTORED: "restored processes end, lock and images stay",
}

_NO_CAUSES: Mapping[int, str] = {}


def title_line(progress: Progress, width: int) -> Line:
    """What is done, since when."""
    took = milliseconds(progress.elapsed_ms)
    title = fit(printable(progress.plan.title), max(width - len(took) - 2, 10))
    return line((title, Tone.STRONG), "  ", (took, Tone.DIM))


def steps_line(progress: Progress) -> Line:
    """All steps in their order."""
    pieces: list[Piece | str] = []
    for step in progress.steps:
        pieces += [*step_text(step), "  "]
    return line(*pieces)


def lock_lines(progress: Progress) -> list[Line]:
    """Each lock that stands: whose, which directions, how many packets it has held back; and who keeps the peers."""
    kept = [] if progress.keeping is None else [heading("Peers"), keeping_line(progress.keeping)]
    if progress.unwatched:
        return [heading("Locks"), line(("not looked at: the peers wait", Tone.DIM)), *kept]
    if not progress.locks:
        return [heading("Locks"), line(("none stands now", Tone.DIM)), *kept]
    lines = [heading(f"Locks: {len(progress.locks)}")]
    packets = [lock.packets for lock in progress.locks if lock.packets is not None]
    if len(progress.locks) > 3 and packets:
        lines.append(line((f"{count(sum(packets), 'packet')} held back by all of them", Tone.LOCK)))
    for lock in progress.locks[:20]:
        held = "packets not counted" if lock.packets is None else f"{count(lock.packets, 'packet')} held back"
        way = "both ways" if len(lock.directions) == 2 else f"{''.join(lock.directions)} only"
        whole = lock.scope is LockScope.NAMESPACE
        holds = "whole namespace" if whole else count(len(lock.connections), "connection")
        lines.append(line((printable(lock.name), Tone.LOCK)))
        lines += [line(f"  {holds}, {way}"), line("  ", (held, Tone.LOCK))]
    return lines + kept


def connection_lines(progress: Progress, number: int, width: int) -> list[Line]:
    """One connection: before, now, and its peer when it is on this host."""
    if progress.plan.closings:
        lines = [heading("Connections that will be closed")]
        for each in progress.plan.closings:
            sees = f"its peer is to see {each.peer_sees}"
            lines += [line(printable(str(each.connection))), line("  ", (sees, Tone.WARNING))]
        return lines
    if not progress.watched:
        return [heading("Connections"), line(("none is concerned", Tone.DIM))]
    watched = progress.watched[number % len(progress.watched)]
    which = f" {number % len(progress.watched) + 1} of {len(progress.watched)} (n)" if len(progress.watched) > 1 else ""
    size = max((width - 11) // 3, 8)
    now = "last seen" if progress.unwatched else "now"
    heads = "".join(fit(text, size) for text in ("before", now, "peer" if watched.peer else ""))
    lines = [
        line((printable(str(watched.connection)), Tone.STRONG), (which, Tone.DIM)),
        line((f"{'':11}{heads}", Tone.HEADING)),
    ]
    lines += [_compared(name, value, watched, size) for name, value in _FIELDS.items()]
    if watched.peer is None:
        lines.append(line(("its peer is not on this host", Tone.DIM)))
    return lines


def log_lines(log: Sequence[LogLine], limit: int | None = None, causes: Mapping[int, str] = _NO_CAUSES) -> list[Line]:
    """The log with errors marked and harmless ones dimmed; only the last ``limit`` lines.

    ``causes`` by number of a line: what it is evidence of, said below it.
    """
    lines = []
    for each in log if limit is None else log[-limit:]:
        lines.append(_log_line(each))
        if each.number in causes:
            lines.append(line("        ", ("^ ", Tone.BAD), (causes[each.number], Tone.STRONG)))
    return lines


def log_title(log: Sequence[LogLine]) -> str:
    """How many errors, harmless messages and lines there are; numbers only."""
    errors = sum(each.level == "error" and not each.harmless for each in log)
    harmless = sum(each.level != "info" and each.harmless for each in log)
    return f"Log: {count(errors, 'error')}, {count(harmless, 'harmless message')}, {count(len(log), 'line')}"


def hold_lines(progress: Progress) -> list[Line]:
    """What waiting here means and what can be done; empty where nothing waits."""
    if progress.held is None:
        if progress.outcome is None and not progress.can_turn_back:
            return [line(("It can no longer be turned back: it goes on to its end.", Tone.DIM))]
        return []
    then = "run on" if isinstance(progress.plan.request, DumpRequest) and progress.plan.request.leave_running else "end"
    has_lock = progress.plan.lock_cost_ms is not None
    locked = _LOCKED[progress.held] if has_lock else ""
    said = _HELD[progress.held].format(then=f"the processes have yet to {then}", locked=locked)
    back = _BACK[progress.held].format(lifted=", the lock is lifted" if has_lock else "")
    lines = [line(("HELD: ", Tone.WARNING), said), cost_line(progress)]
    lines.append(line(("c ", Tone.STRONG), "continue   ", ("b ", Tone.STRONG), f"turn back: {back}"))
    first = _most_impatient(progress)
    reasons = explanation(first) if first and first.ends else ()
    return lines + [line((f"Why then: {reason}.", Tone.DIM)) for reason in reasons]


def under_way_lines(progress: Progress) -> list[Line]:
    """The step that runs, whether it can be turned back, and what has left for another host."""
    step = running_step(progress)
    back: tuple[Piece | str, ...] = (("b", Tone.STRONG), " turns back") if progress.can_turn_back else ()
    lines = [line((f"{step} ..." if step else "...", Tone.MOVING), "   ", *back)]
    if progress.transfer is not None and progress.transfer.bytes_so_far:
        sent = byte_size(progress.transfer.bytes_so_far)
        lines.append(line(f"{sent} of images sent to {progress.transfer.to}"))
    return lines


def cost_line(progress: Progress) -> Line:
    """What holding costs: the peer that gives up first."""
    on_host = [each.peer for each in progress.watched if each.peer is not None]
    if progress.plan.closings:
        return line("Its connections are open until it ends; what comes meanwhile stays unread.")
    if not progress.watched:
        return line("Holding costs no connection anything.")
    if progress.keeping is not None and progress.keeping.pid:
        return line("The peers are answered, and wait for as long as that goes on.")
    if not on_host:
        return line(f"The peers are not on this host: each {end_text(remote_outlook())} once nobody answers it.")
    first = _most_impatient(progress)
    if first is None or first.ends is None:
        return line("Holding costs the peers nothing yet: none of them waits for an answer.")
    left_ms = first.ends.least
    tone = Tone.BAD if left_ms < 10_000 else Tone.WARNING if left_ms < 60_000 else Tone.NORMAL
    nearest = "The peer" if len(on_host) == 1 else "The most impatient peer"
    due = f"; {first.runs} in {milliseconds(max(first.due.least, 0))}" if first.due else ""
    return line((f"{nearest} {end_text(first)}{due}.", tone))


def _most_impatient(progress: Progress) -> Outlook | None:
    """Of the peers that wait for an answer; what is assumed of peers elsewhere if there is none on this host."""
    peers = [each.peer for each in progress.watched if each.peer is not None]
    if progress.watched and not peers:
        return remote_outlook()
    ahead = [outlook(each.socket, each.sequences, each.limits) for each in peers if each.socket]
    return min(ahead, key=lambda each: each.ends.least if each.ends else inf, default=None)


def running_step(progress: Progress) -> str:
    """Name of the step that runs or is held; empty at the end."""
    return next((step.name for step in progress.steps if step.state in {StepState.RUNNING, StepState.HELD}), "")


def _state(end: End) -> Piece:
    if end.socket is None:
        return "in images" if end.sequences else "gone", Tone.DIM
    if end.sequences and end.sequences.repair:
        return "in repair", Tone.LOCK
    return STATE_SHORT[end.socket.state], Tone.NORMAL


def _timer(end: End) -> Piece:
    if end.socket is None or end.socket.timer is SocketTimer.NONE:
        return "-", Tone.DIM
    return timer_text(end.socket), timer_tone(end.socket)


def _number(name: str) -> Callable[[End], Piece]:
    def read(end: End) -> Piece:
        value = getattr(end.sequences, name) if end.sequences else None
        return ("-", Tone.DIM) if value is None else (str(value), Tone.NORMAL)

    return read


_FIELDS: Mapping[str, Callable[[End], Piece]] = {
    "state": _state,
    "snd_una": _number("snd_una"),
    "snd_nxt": _number("snd_nxt"),
    "in flight": _number("in_flight"),
    "unsent": _number("unsent"),
    "rcv_nxt": _number("rcv_nxt"),
    "unread": _number("unread"),
    "timer": _timer,
}


def _compared(name: str, read: Callable[[End], Piece], watched: Watched, size: int) -> Line:
    before, now = read(watched.before), read(watched.now)
    changed = before[0] != now[0] and now[1] is Tone.NORMAL
    pieces = [before, (now[0], Tone.MOVING if changed else now[1])]
    if watched.peer:
        pieces.append(read(watched.peer))
    return line((f"{name:<11}", Tone.DIM), *((fit(printable(text), size - 1) + " ", tone) for text, tone in pieces))


def _log_line(entry: LogLine) -> Line:
    stamp = "       " if entry.seconds is None else f"{entry.seconds:7.3f}"
    mark, tone = "  ", Tone.NORMAL
    if entry.harmless:
        mark, tone = "~ ", Tone.DIM
    elif entry.level == "error":
        mark, tone = "! ", Tone.BAD
    elif entry.level == "warning":
        mark, tone = "? ", Tone.WARNING
    elif entry.stage:
        tone = Tone.STRONG
    message = printable(entry.message or entry.text)
    return line((f"{stamp} ", Tone.DIM), (mark, tone), (message, tone))
