"""Both ends of every unix socket of a network namespace (include/uapi/linux/unix_diag.h)."""

import socket
import struct
from collections.abc import Mapping, Sequence

from workbench.collect.sock_diag import Answer, SockDiags
from workbench.evidence import Gap, NetworkNamespace

_SOCK_DIAG_BY_FAMILY = 20
_ALL_STATES = 0xFFFFFFFF
_SHOW_PEER = 0x4
_PEER = 2
_MESSAGE = struct.Struct("=BBBBIII")
"""``struct unix_diag_msg``: family, type, state, padding, inode, cookie (two halves)."""


def parse_unix_peers(answer: Answer) -> dict[int, int]:
    """Inode of the other end, by inode; unconnected sockets are left out."""
    peers: dict[int, int] = {}
    for message in answer.messages():
        if len(message) < _MESSAGE.size:
            continue
        inode = _MESSAGE.unpack_from(message)[4]
        position = _MESSAGE.size
        while position + 8 <= len(message):
            length, kind, value = struct.unpack_from("=HHI", message, position)
            if length < 4:
                break
            if kind == _PEER:
                peers[inode] = value
            position += (length + 3) & ~3
    return peers


def collect_unix_peers(
    diags: SockDiags, namespaces: Sequence[NetworkNamespace]
) -> tuple[Mapping[int, int], tuple[Gap, ...]]:
    """Peers in all namespaces by inode, and a gap for each namespace that could not be asked."""
    request = struct.pack("=BBHIIIII", socket.AF_UNIX, 0, 0, _ALL_STATES, 0, _SHOW_PEER, 0, 0)
    peers: dict[int, int] = {}
    gaps: list[Gap] = []
    for namespace in namespaces:
        try:
            peers |= parse_unix_peers(diags.of(namespace).dump(_SOCK_DIAG_BY_FAMILY, request))
        except OSError as error:
            diags.drop(namespace)
            reason = f"peers of unix sockets in {namespace.path}: {error.strerror or error}"
            remedy = "run as root" if isinstance(error, PermissionError) else ""
            gaps.append(Gap("descriptors", reason, remedy, namespace.inode))
    return peers, tuple(gaps)
