"""Some of very many sockets, without a record for each of the others."""

from abc import abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from workbench.evidence.socket import Connection, Socket, TcpState


@dataclass(frozen=True, slots=True)
class Choice:
    """What a socket must have; None: anything."""

    states: Collection[TcpState] | None = None
    netns: Collection[int] | None = None
    cookies: Collection[int] | None = None
    retransmits: int = 0
    """At least so many."""
    local_ports: Collection[int] | None = None
    peer_ports: Collection[int] | None = None
    pids: Collection[int] | None = None
    """One of these processes has it open."""

    def takes(self, socket: Socket) -> bool:
        return (
            (self.states is None or socket.state in self.states)
            and (self.netns is None or socket.netns in self.netns)
            and (self.cookies is None or socket.cookie in self.cookies)
            and socket.retransmits >= self.retransmits
            and (self.local_ports is None or socket.local.port in self.local_ports)
            and (self.peer_ports is None or socket.peer.port in self.peer_ports)
            and (self.pids is None or any(holder.pid in self.pids for holder in socket.holders))
        )


class SocketColumns(Sequence[Socket]):
    """Sockets that are kept as columns."""

    @abstractmethod
    def choose(self, choice: Choice) -> Iterator[Socket]:
        """Those that have it, in the order of the table."""

    @abstractmethod
    def count_by_netns(self, state: TcpState) -> Mapping[int, int]:
        """How many are in this state, by network namespace."""


def other_ends(sockets: Sequence[Socket], connections: Collection[Connection]) -> Iterator[Socket]:
    """Sockets that are the other end of one of these connections, as far as they are on this host."""
    wanted = {each.unmapped.reversed for each in connections}
    ports = [(each.local.port, each.peer.port) for each in wanted]
    near, far = {local for local, _ in ports}, {peer for _, peer in ports}
    likely = choose(sockets, Choice(local_ports=near, peer_ports=far)) if wanted else ()
    return (each for each in likely if each.connection.unmapped in wanted)


def choose(sockets: Sequence[Socket], choice: Choice) -> Iterator[Socket]:
    """Those that have it, in their order."""
    if isinstance(sockets, SocketColumns):
        return sockets.choose(choice)
    return filter(choice.takes, sockets)


def count_by_netns(sockets: Sequence[Socket], state: TcpState) -> Mapping[int, int]:
    """How many are in this state, by network namespace."""
    if isinstance(sockets, SocketColumns):
        return sockets.count_by_netns(state)
    return Counter(each.netns for each in sockets if each.state is state)
