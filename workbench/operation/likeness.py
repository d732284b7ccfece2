"""A restored socket compared field by field with its image."""

from collections.abc import Iterator, Mapping

from workbench.evidence import ImageSocket, Sequences, TcpState, distance
from workbench.evidence.sequences import SEQUENCE_MODULUS
from workbench.operation.progress import End
from workbench.repair.record import ReadSocket, SocketOptions

_PLAY_ACTED = {TcpState.FIN_WAIT2, TcpState.CLOSE_WAIT, TcpState.CLOSING, TcpState.LAST_ACK}
"""States that CRIU restores by a segment of its own making; the kernel believes its window field (soccr.c:send_fin)."""
_USED_OPTIONS = 1 | 2 | 4  # timestamps, SACK, window scaling: the only ones that TCP_REPAIR_OPTIONS takes
_CHANGED_BY_CRIU = {"SO_REUSEPORT", "IPV6_V6ONLY", "TCP_WINDOW_CLAMP"}
"""Different on every restored connected socket, whatever they were."""


def differences(image: ImageSocket, held: ReadSocket, *, stayed: bool = False) -> tuple[str, ...]:
    """What is not as dumped, one clause each; empty if the restored socket is the dumped one.

    ``held`` was read before the network was unlocked, so equality is exact, but for three things that the restore
    itself moves: unsent bytes may have been sent into the lock; a retransmission into the lock may have announced
    more receive window; and windows of a half-closed connection come from CRIU's play-acted segment. ``stayed``: it is
    the dumped socket itself, which may have announced more window too, when CRIU peeked at its receive queue.
    """
    return tuple(_differences(image, held, stayed))


def _differences(image: ImageSocket, held: ReadSocket, stayed: bool) -> Iterator[str]:
    was, queue = image.sequences, image.queue
    assert was is not None
    now = held.sequences
    if held.state is not image.state:
        yield f"its state is {held.state.name}, in the images {image.state.name}"
    for name in ("rcv_nxt", "write_seq", "snd_una", "copied_seq"):
        if getattr(now, name) != getattr(was, name):
            gap = distance(getattr(was, name), getattr(now, name))
            yield f"{name} is {getattr(now, name)}, {gap:+} from the {getattr(was, name)} of the images"
    if not 0 <= distance(was.snd_nxt, now.snd_nxt) <= was.unsent:
        yield f"snd_nxt is {now.snd_nxt}, in the images {was.snd_nxt}"
    if queue is not None:
        for end, old, new in (("receive", queue.received, held.queue.received), ("send", queue.sent, held.queue.sent)):
            if old != new:
                yield f"its {end} queue {_where(old, new)}"
        if held.queue.unsent > queue.unsent:
            yield f"{held.queue.unsent} bytes of its send queue count as never sent, in the images {queue.unsent}"
    yield from _windows(image.state, was, now, stayed)
    for name in ("mss_clamp", "snd_wscale", "rcv_wscale"):
        old, new = getattr(image, name), getattr(held, name)
        scaled = name == "mss_clamp" or (image.options or 0) & 4
        if old is not None and scaled and old != new:
            yield f"{name} is {new}, in the images {old}"
    if image.options is not None and (image.options ^ held.options) & _USED_OPTIONS:
        yield f"its TCP options are {held.options & _USED_OPTIONS:#x}, in the images {image.options & _USED_OPTIONS:#x}"


def _where(old: bytes, new: bytes) -> str:
    if len(old) != len(new):
        return f"has {len(new)} bytes, in the images {len(old)}"
    place = next(place for place, (a, b) in enumerate(zip(old, new, strict=True)) if a != b)
    return f"differs from the images at byte {place} of {len(old)}"


def _windows(state: TcpState, was: Sequences, now: Sequences, stayed: bool) -> Iterator[str]:
    if state is TcpState.CLOSE or was.rcv_wnd is None or was.rcv_wup is None:
        return
    if now.rcv_wnd is None or now.rcv_wup is None:
        return
    grown = distance(was.rcv_wup + was.rcv_wnd, now.rcv_wup + now.rcv_wnd)
    may_grow = stayed or state in _PLAY_ACTED or was.snd_una != was.write_seq
    if grown < 0 or (grown > 0 and not may_grow):
        edge = (was.rcv_wup + was.rcv_wnd) % SEQUENCE_MODULUS
        yield f"the window that it offers ends {grown:+} bytes from the {edge} of the images"
    if not may_grow and now.rcv_wup != was.rcv_wup:
        yield f"rcv_wup is {now.rcv_wup}, in the images {was.rcv_wup}"
    if state not in _PLAY_ACTED:
        for name in ("snd_wnd", "max_window", "snd_wl1"):
            if getattr(now, name) != getattr(was, name):
                yield f"{name} is {getattr(now, name)}, in the images {getattr(was, name)}"


def changed_options(
    image: ImageSocket, before: SocketOptions, held: ReadSocket | None
) -> Mapping[str, Mapping[str, object]]:
    """Socket options that differ: name -> before, after, and whether it matters to the program."""
    if held is None:
        return {}
    # The image's come later: buffers tune themselves, and what it carries is what the restore was to put back.
    old = {**before, **image.socket_options}
    new = held.socket_options
    return {
        name: {"before": old[name], "after": new[name], "matters": not _is_immaterial(name, old[name], new[name])}
        for name in sorted(old.keys() & new.keys())
        if old[name] != new[name]
    }


def _is_immaterial(name: str, old: int | str, new: int | str) -> bool:
    """CRIU sets half a buffer, which the kernel doubles (socket(7)): of an odd number a byte is lost."""
    halved = name in {"SO_RCVBUF", "SO_SNDBUF"} and isinstance(old, int) and isinstance(new, int)
    return name in _CHANGED_BY_CRIU or (halved and int(old) // 2 == int(new) // 2)


def facts(
    image: ImageSocket,
    held: ReadSocket | None,
    now: End | None,
    options: Mapping[str, Mapping[str, object]],
) -> dict[str, object]:
    """The figures behind a verdict: ``before`` (images), ``restored`` (still locked), ``after`` (released)."""
    later = now.sequences if now else None
    state = now.socket.state.name if now and now.socket else None
    found: dict[str, object] = {
        "state": {"before": image.state.name, "restored": held.state.name if held else None, "after": state}
    }
    for name in (*_NUMBERS, "snd_wnd", "rcv_wnd"):
        found[name] = {
            "before": getattr(image.sequences, name),
            "restored": getattr(held.sequences, name) if held else None,
            "after": getattr(later, name) if later else None,
        }
    for name, end in (("receive_queue_bytes", "received"), ("send_queue_bytes", "sent")):
        found[name] = {
            "before": len(getattr(image.queue, end)) if image.queue else None,
            "restored": len(getattr(held.queue, end)) if held else None,
            "after": (later.unread if end == "received" else later.in_flight + later.unsent) if later else None,
        }
    found["options"] = options
    return found


_NUMBERS = ("snd_una", "snd_nxt", "write_seq", "rcv_nxt", "copied_seq")
