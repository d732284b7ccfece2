"""Connections and locks as JSON, for the journal and for the note beside the images."""

from typing import Any

from workbench.evidence import Connection, Endpoint, Lock

ConnectionRecord = tuple[str, int, str, int]
"""Local address and port, peer address and port."""


def connection_record(connection: Connection) -> ConnectionRecord:
    return connection.local.address, connection.local.port, connection.peer.address, connection.peer.port


def connection_from(record: Any) -> Connection:
    """Raises ValueError or TypeError for anything that ``connection_record`` did not write."""
    local, local_port, peer, peer_port = record
    return Connection(Endpoint(str(local), int(local_port)), Endpoint(str(peer), int(peer_port)))


def lock_record(lock: Lock) -> dict[str, Any]:
    """What a lock is, whatever it has counted; equal to itself after a way through JSON."""
    return {
        "netns": lock.netns,
        "backend": lock.backend.value,
        "scope": lock.scope.value,
        "family": lock.family,
        "table": lock.table,
        "name": lock.name,
        "rules": sorted([rule.chain, rule.text, rule.handle or 0] for rule in lock.rules),
        "connections": sorted(list(connection_record(min(each, each.reversed))) for each in lock.connections),
    }
