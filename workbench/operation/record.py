"""Connections as JSON, for the journal and for the note beside the images."""

from typing import Any

from workbench.evidence import Connection, Endpoint

ConnectionRecord = tuple[str, int, str, int]
"""Local address and port, peer address and port."""


def connection_record(connection: Connection) -> ConnectionRecord:
    return connection.local.address, connection.local.port, connection.peer.address, connection.peer.port


def connection_from(record: Any) -> Connection:
    """Raises ValueError or TypeError for anything that ``connection_record`` did not write."""
    local, local_port, peer, peer_port = record
    return Connection(Endpoint(str(local), int(local_port)), Endpoint(str(peer), int(peer_port)))
