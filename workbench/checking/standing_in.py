"""Who listens on the same port as a process that is to be dumped, and takes what it would have taken."""

import ipaddress
from collections.abc import Iterator, Sequence

from workbench.evidence import Socket, TcpState
from workbench.evidence.socket_choice import Choice, choose


def standing_in(sockets: Sequence[Socket], pids: frozenset[int]) -> Iterator[tuple[Socket, tuple[Socket, ...]]]:
    """Listeners of these processes with those of others that share their port (SO_REUSEPORT); none without any."""
    mine = list(choose(sockets, Choice(states={TcpState.LISTEN}, pids=pids)))
    ports = {each.local.port for each in mine}
    there = list(choose(sockets, Choice(states={TcpState.LISTEN}, local_ports=ports))) if mine else []
    for own in mine:
        others = tuple(each for each in there if each.holders and not _is_of(each, pids) and _takes(each, own))
        if others:
            yield own, others


def _is_of(socket: Socket, pids: frozenset[int]) -> bool:
    return any(holder.pid in pids for holder in socket.holders)


def _takes(other: Socket, listener: Socket) -> bool:
    if (other.netns, other.local.port) != (listener.netns, listener.local.port):
        return False
    same = other.connection.unmapped.local.address == listener.connection.unmapped.local.address
    return same or ipaddress.ip_address(other.local.address.partition("%")[0]).is_unspecified
