"""What stands in the queues of one socket, live or in images, byte by byte with its sequence numbers."""

from collections.abc import Collection
from dataclasses import dataclass, replace
from enum import StrEnum

from workbench.evidence.gap import Gap
from workbench.evidence.image import ImageSocket, Queue
from workbench.evidence.sequences import SEQUENCE_MODULUS, Sequences
from workbench.evidence.socket import Connection, TcpState
from workbench.evidence.state import OWN_FIN

NOT_ASKED = Gap("queues", "not asked for")


class QueueName(StrEnum):
    """The parts of the two queues of a TCP socket."""

    RECEIVED = "received"
    """In order and not yet read by the program."""
    IN_FLIGHT = "in-flight"
    """Sent and not acknowledged."""
    UNSENT = "unsent"
    """Written by the program and never sent."""


@dataclass(frozen=True, slots=True)
class QueuePart:
    """One part of a queue. Payload: never leaves the host unless asked for."""

    name: QueueName
    content: bytes
    """From its first byte on; shorter than ``length`` if not all of it was read."""
    length: int
    """Bytes that it holds, a FIN not counted."""
    start: int | None
    """Sequence number of the first byte, or of the one that will come first; None if it could not be told."""

    def sequence(self, offset: int) -> int | None:
        """Sequence number of the byte at an offset."""
        return None if self.start is None else (self.start + offset) % SEQUENCE_MODULUS


@dataclass(frozen=True, slots=True)
class StopReport:
    """The stop that a reading needed."""

    processes: int
    """That were stopped; those that stood still already are not counted."""
    threads: int
    milliseconds: float
    """From the first SIGSTOP to the last SIGCONT."""
    repair_ms: float
    """How long the socket was in repair mode, within that."""


@dataclass(frozen=True, slots=True)
class SocketQueues:
    """Both queues of one socket at one moment."""

    connection: Connection
    state: TcpState
    origin: str
    """Whose socket it is, one phrase; hostile."""
    taken: float
    """Seconds since the epoch."""
    received: QueuePart | Gap
    in_flight: QueuePart | Gap
    unsent: QueuePart | Gap
    sequences: Sequences | None = None
    stop: StopReport | None = None

    @property
    def parts(self) -> tuple[QueuePart, ...]:
        """Those that were read, in the order in which they are shown."""
        return tuple(part for part in (self.received, self.in_flight, self.unsent) if isinstance(part, QueuePart))

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be read; parts that nobody asked for are left out."""
        found = (part for part in (self.received, self.in_flight, self.unsent) if isinstance(part, Gap))
        return tuple(dict.fromkeys(gap for gap in found if gap != NOT_ASKED))

    def only(self, names: Collection[QueueName]) -> "SocketQueues":
        """These parts alone."""
        return replace(
            self,
            received=self.received if QueueName.RECEIVED in names else NOT_ASKED,
            in_flight=self.in_flight if QueueName.IN_FLIGHT in names else NOT_ASKED,
            unsent=self.unsent if QueueName.UNSENT in names else NOT_ASKED,
        )


def parts_of(queue: Queue, sequences: Sequences, state: TcpState) -> tuple[QueuePart, QueuePart, QueuePart]:
    """A socket's queues with their sequence numbers: received, in flight, unsent."""
    fin = state in OWN_FIN and state is not TcpState.FIN_WAIT2
    start = (sequences.write_seq - fin - len(queue.sent)) % SEQUENCE_MODULUS
    flown = len(queue.sent) - queue.unsent
    return (
        QueuePart(QueueName.RECEIVED, queue.received, len(queue.received), sequences.copied_seq),
        QueuePart(QueueName.IN_FLIGHT, queue.sent[:flown], flown, start),
        QueuePart(QueueName.UNSENT, queue.sent[flown:], queue.unsent, (start + flown) % SEQUENCE_MODULUS),
    )


def queues_of_image(socket: ImageSocket, origin: str, taken: float) -> SocketQueues:
    """The queues of a socket in an image directory."""
    if socket.queue is None or socket.sequences is None:
        gap = Gap("queues", socket.problem or "the images hold no stream of this socket: it listened, or was closed")
        return SocketQueues(socket.connection, socket.state, origin, taken, gap, gap, gap)
    parts = parts_of(socket.queue, socket.sequences, socket.state)
    return SocketQueues(socket.connection, socket.state, origin, taken, *parts, sequences=socket.sequences)
