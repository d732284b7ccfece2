"""Made-up queues and packets of one connection."""

from dataclasses import replace
from pathlib import Path

from workbench.evidence import Capture, CaptureInterface, Connection, Endpoint, Gap, Packet, TcpState
from workbench.evidence.event import ACK, PSH, RST
from workbench.evidence.packet_notes import Followed, follow
from workbench.evidence.queues import QueueName, QueuePart, SocketQueues, StopReport

ENDS = Connection(Endpoint("10.0.0.2", 80), Endpoint("10.0.0.1", 40000))
REQUEST = b"GET / HTTP/1.1\r\nHost: example.org\r\n\r\n" * 40
ANSWER = b"HTTP/1.1 200 OK\r\n\r\n\x1b[31m" + bytes(range(256)) * 4


def queues(*, stopped: bool = False) -> SocketQueues:
    """Queues of a live socket, with the send queue if its holders were ``stopped``."""
    received = QueuePart(QueueName.RECEIVED, REQUEST, len(REQUEST), 4_294_967_290)
    where = "server 4645 fd 7"
    if not stopped:
        gap = Gap("queues", "the send queue is read only while everybody stands still")
        return SocketQueues(ENDS, TcpState.ESTABLISHED, where, 0.0, received, gap, gap)
    in_flight = QueuePart(QueueName.IN_FLIGHT, ANSWER, len(ANSWER), 1000)
    unsent = QueuePart(QueueName.UNSENT, b"the rest", 8, 1000 + len(ANSWER))
    return SocketQueues(
        ENDS, TcpState.ESTABLISHED, where, 0.0, received, in_flight, unsent, stop=StopReport(1, 1, 2.5, 0.2)
    )


def packets() -> tuple[Packet, ...]:
    """A question, its retransmission into silence, and a reset; each seen at both ends of a cable."""

    def seen(at_ms: int, way: Connection, seq: int, ack: int, flags: int) -> tuple[Packet, Packet]:
        length = 10 if flags & PSH else 0
        one = Packet(at_ms * 1_000_000, 0, way, seq, ack, flags, 500, length, 64, False, at_ms)
        return one, replace(one, at_ns=one.at_ns + 900, interface=1, incoming=True)

    return (
        *seen(0, ENDS, 100, 900, PSH | ACK),
        *seen(1, ENDS.reversed, 900, 110, ACK),
        *seen(5, ENDS, 110, 900, PSH | ACK),
        *seen(205, ENDS, 110, 900, PSH | ACK),
        *seen(206, ENDS.reversed, 900, 0, RST),
    )


class ScriptedCapture:
    """A capture that has seen all that it will see."""

    def __init__(self) -> None:
        self._capture = Capture("live", (CaptureInterface("app:eth0"), CaptureInterface("peer:eth0")), packets())
        self.closed = False
        self.saved: Path | None = None

    @property
    def count(self) -> int:
        return len(self._capture.packets)

    def snapshot(self) -> tuple[Capture, Followed]:
        return self._capture, follow(self._capture.packets)

    def save(self, path: Path) -> str:
        self.saved = path
        return f"10 packets written to {path}"

    def close(self) -> None:
        self.closed = True
