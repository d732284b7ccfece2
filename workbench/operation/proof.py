"""Whether each connection goes on: what was dumped compared with what stands there after the restore."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.evidence import Connection, Gap, ImageSocket, Lock
from workbench.operation.progress import End, Proof
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
) -> tuple[Proof, ...]:
    """Judge every connection of an image directory; one proof each, in the order of the images.

    ``images``: the sockets of the directory that was restored; those without a stream (listening, unconnected,
    --tcp-close) are left out. ``restored``: read_stopped() of each at the hold before the unlock
    (``Hold.RESTORED``; for --leave-running and turned-back dumps at ``Hold.IMAGES_COMPLETE``), or the Gap that
    says why it could not be read: then contents count as not compared. ``after``: seen after the release; the
    two ends are not sampled at one instant, so sample and judge again until every verdict is ``continued`` or
    patience ends. ``options_before``: read_options() from before the dump, for what images do not carry.
    Pure: no clock, no host. Connections are the keys, seen from the dumped end.
    """
    raise NotImplementedError
