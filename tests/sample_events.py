"""A recorded reset, made up: the server's socket vanished, its lock was lifted, the client was reset."""

from collections.abc import Callable, Iterable

from tests.sample import APP, CLI, CONNECTION, LOCK_NAME
from workbench.evidence import Connection, Endpoint, TcpState
from workbench.evidence.attribution import attribute
from workbench.evidence.event import ACK, PSH, RST, Event, EventKind, Maker, Segment
from workbench.evidence.selection import Selection
from workbench.evidence.stretch import Stretch

BEGAN_NS = 5_000_000_000
OTHER = Connection(Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.9", 40112))
DATA = Segment(1000, 2000, PSH | ACK, 501, 64, 590)


def reset(text: str = "", began_ns: int = BEGAN_NS) -> tuple[Event, ...]:
    """Both ends of one reset, and a connection that has nothing to do with it; ``text`` stands in every text."""

    def at(ms: int) -> int:
        return began_ns + ms * 1_000_000

    way = CONNECTION
    segment = Segment(2000, 0, RST, 0, 64, 0)
    return (
        Event(at(0), EventKind.STATE, APP, OTHER, 7, 2001, f"client{text}", before=TcpState.CLOSE,
              state=TcpState.SYN_SENT),
        Event(at(10), EventKind.DROP, APP, way, 8, reason="NETFILTER_DROP", incoming=True, segment=DATA,
              details={"location": f"nft_do_chain{text}"}),
        Event(at(300), EventKind.RULES, APP, pid=1301, command=f"nft{text}",
              details={f"deleted table inet {LOCK_NAME}{text}": 1}),
        Event(at(400), EventKind.RESET_SENT, APP, way, reason="NO_SOCKET", has_socket=False, segment=DATA),
        Event(at(400), EventKind.RESET_PACKET, APP, way, incoming=False, maker=Maker.KERNEL, segment=segment),
        Event(at(401), EventKind.RESET_PACKET, CLI, way.reversed, incoming=True, segment=segment),
        Event(at(401), EventKind.RESET_RECEIVED, CLI, way.reversed, 9, owner_pid=4687,
              owner_command=f"client{text}", state=TcpState.ESTABLISHED),
        Event(at(402), EventKind.STATE, CLI, way.reversed, 9, owner_pid=4687, owner_command=f"client{text}",
              before=TcpState.ESTABLISHED, state=TcpState.CLOSE),
    )  # fmt: skip


def stretch(events: Iterable[Event] = (), **changes: object) -> Stretch:
    """What a recorder tells of them."""
    told = tuple(events) or reset()
    values: dict[str, object] = {"names": {APP: "app", CLI: "cli"}, **changes}
    return Stretch(told, attribute(told), told[-1].at_ns + 1, **values)  # type: ignore[arg-type]


class ScriptedRecorder:
    """Tells what a test gives it; remembers what it was asked."""

    def __init__(self, *stretches: Stretch) -> None:
        self._stretches = stretches
        self.focused: list[Selection | None] = []
        self.closed = False
        self.deliver: Callable[[Stretch], object] | None = None

    def record(self, deliver: Callable[[Stretch], object]) -> "ScriptedRecorder":
        self.deliver = deliver
        for each in self._stretches:
            deliver(each)
        return self

    def focus(self, selection: Selection | None) -> None:
        self.focused.append(selection)

    def close(self) -> None:
        self.closed = True
