"""Ways to hold traffic back, side by side on live connections: what leaks, who survives, what it costs."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from workbench.errors import WorkbenchError
from workbench.evidence import NetworkNamespace
from workbench.lab.lab import Lab
from workbench.lab.lock_methods import METHODS, Method, ends_of, sockets_on
from workbench.lab.programs.arguments import endpoint
from workbench.lab.wire import wire

SETTLE_S = 0.05
"""What was on its way when the lock was set has arrived by then."""
PATIENCE_S = 20.0
FLOWS = 512
"""Bytes in each direction that prove that a connection goes on."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one way came to."""

    method: str
    title: str
    connections: int
    set_ms: float
    lift_ms: float
    held_ms: float
    out_segments: int
    """That got out of the host while it was held, seen at the other end of the cable. Likewise the following."""
    out_bytes: int
    """Payload of them."""
    out_resets: int
    in_segments: int
    """That the socket took in meanwhile (``tcp_info.tcpi_segs_in``)."""
    in_bytes: int
    """New bytes among them (``tcpi_bytes_received``)."""
    retransmissions: int
    """Of the peer, until data flowed again."""
    lived: int
    """Connections that carry bytes both ways afterwards, every one right."""
    resumed_ms: float
    """From the lifting to the moment when all of them had."""


def compare_locks(lab: Lab, *, methods: Sequence[str] = (), hold_ms: int = 1000) -> Mapping[str, object]:
    """Hold the connections of the lab back in one way after the other; raise WorkbenchError if one does not behave."""
    known = {method.name: method for method in METHODS}
    if unknown := [name for name in methods if name not in known]:
        raise WorkbenchError(f"there is no lock method {unknown[0]}", f"there are {', '.join(known)}")
    rows = []
    amiss: list[str] = []
    for method in (known[name] for name in methods or known):
        measured = _measure(lab, method, hold_ms / 1000)
        rows.append(measured)
        amiss.extend(_amiss(method, measured))
    if amiss:
        raise WorkbenchError("; ".join(amiss))
    return {"ways": [asdict(row) for row in rows]}


def _measure(lab: Lab, method: Method, hold_s: float) -> Measured:
    peer, ends = _peer(lab), ends_of(lab)
    begun = time.monotonic()
    retransmissions = _retransmissions(lab)
    with method.hold(lab, ends):
        held = time.monotonic()
        time.sleep(SETTLE_S)
        counts = _taken_in(lab)
        with wire(peer, endpoint(lab.scenario.server.listen)) as count:
            time.sleep(hold_s)
            out = count()
        taken = _taken_in(lab)
        lifting = time.monotonic()
    lifted = time.monotonic()
    before = lab.talked()
    after = lab.await_verified(FLOWS, PATIENCE_S)
    lived = sum(
        not now.problem and not now.ended and min(now.to_server - was.to_server, now.to_client - was.to_client) >= FLOWS
        for was, now in zip(before, after, strict=True)
    )
    return Measured(
        method.name, method.title, len(after),
        set_ms=_ms(held - begun), lift_ms=_ms(lifted - lifting), held_ms=_ms(lifting - held),
        out_segments=out.segments, out_bytes=out.payload, out_resets=out.resets,
        in_segments=taken[0] - counts[0], in_bytes=taken[1] - counts[1],
        retransmissions=_retransmissions(lab) - retransmissions,
        lived=lived, resumed_ms=_ms(time.monotonic() - lifted),
    )  # fmt: skip


def _amiss(method: Method, seen: Measured) -> Iterator[str]:
    """What is otherwise than it is known to be."""
    if seen.lived < seen.connections:
        yield f"{method.name}: {seen.connections - seen.lived} of {seen.connections} connections did not go on"
    if seen.out_resets:
        yield f"{method.name}: {seen.out_resets} resets got out"
    for what, count, known in (("out", seen.out_segments, method.leaks), ("in", seen.in_bytes, method.reaches)):
        if known is not None and bool(count) is not known:
            yield f"{method.name}: {count} {'segments got out' if what == 'out' else 'bytes came in'}, which is new"


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _taken_in(lab: Lab) -> tuple[int, int]:
    """Segments and new bytes that the server's sockets have received so far."""
    infos = [each.info for each in sockets_on(lab.host.namespace) if each.info]
    return sum(info.segs_in or 0 for info in infos), sum(info.bytes_received or 0 for info in infos)


def _retransmissions(lab: Lab) -> int:
    """Of the clients' sockets so far."""
    return sum(each.info.total_retrans for each in sockets_on(_peer(lab)) if each.info)


def _peer(lab: Lab) -> NetworkNamespace:
    """The host of the clients."""
    return next(each for each in lab.namespaces if each.inode != lab.host.inode)
