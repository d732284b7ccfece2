"""Connections ended on purpose: the kernel resets the peer, and every tracer sees who had it done (SOCK_DESTROY)."""

import errno
import os
import socket
import struct
from collections.abc import Iterable

from workbench.collect.sock_diag import HEADER
from workbench.collect.within import NamespaceEndedError, within
from workbench.errors import WorkbenchError
from workbench.evidence import NetworkNamespace, Socket

_NETLINK_SOCK_DIAG, _SOCK_DESTROY = 4, 21
_REQUEST_ACK = 0x5
_ERROR = 2
_EVERY_STATE = 0xFFFFFFFF


def destroy(sockets: Iterable[Socket], namespace: NetworkNamespace) -> int:
    """Reset the peers of these sockets of one namespace; how many it were. One that is gone by now is passed over.

    Raises WorkbenchError where the kernel cannot (CONFIG_INET_DIAG_DESTROY) or may not.
    """
    wanted = tuple(sockets)

    def all_of_them() -> int:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_SOCK_DIAG) as asked:
            return sum(_destroyed(asked, each) for each in wanted)

    try:
        return within(namespace, all_of_them) if wanted else 0
    except NamespaceEndedError:
        return 0
    except OSError as error:
        hint = "this kernel lacks INET_DIAG_DESTROY" if error.errno == errno.EOPNOTSUPP else "run it as root"
        raise WorkbenchError(f"a connection cannot be reset: {error.strerror}", hint) from error


def _destroyed(asked: socket.socket, one: Socket) -> bool:
    """``struct inet_diag_req_v2``: family, protocol, attributes, states, and which socket, its cookie included."""
    ends = (_packed(one.family, one.local.address), _packed(one.family, one.peer.address))
    which = struct.pack(">HH16s16s", one.local.port, one.peer.port, *ends) + struct.pack(
        "=IQ", one.interface, one.cookie
    )
    request = struct.pack("=BBBxI", one.family, socket.IPPROTO_TCP, 0, _EVERY_STATE) + which
    asked.send(HEADER.pack(HEADER.size + len(request), _SOCK_DESTROY, _REQUEST_ACK, 1, 0) + request)
    answer = asked.recv(4096)
    (code,) = struct.unpack_from("=i", answer, HEADER.size)
    if code == -errno.ENOENT:
        return False
    if code:
        raise OSError(-code, os.strerror(-code))
    return True


def _packed(family: int, address: str) -> bytes:
    return socket.inet_pton(socket.AddressFamily(family), address.partition("%")[0])
