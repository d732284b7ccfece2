"""One TCP connection taken out of a socket and put into another one; docs/handoff.md shows how programs use it.

``export``    a socket's connection as a ``State``; the socket is silent from then on
``detach``    the connection leaves the socket without a packet; ``hang_up`` ends that socket for its holders
``restore``   a ``State`` as a socket, silent until ``resume``
``pack``, ``unpack``, ``write_state``, ``read_state``   a ``State`` as bytes, and as a file
``take``, ``listen``, ``receive``   wait for a connection that another process hands over

A lock must stand around the connection from before ``export`` until just before ``resume``
(``workbench.operation.connection_lock``), or what passes meanwhile is lost or answered with a reset.
"""

from workbench.evidence.state import State
from workbench.read.state_file import read_state, unpack
from workbench.repair.export import detach, export, hang_up, resume
from workbench.repair.pack import pack, write_state
from workbench.repair.restore import restore
from workbench.repair.transfer import listen, receive, take

__all__ = [
    "State",
    "detach",
    "export",
    "hang_up",
    "listen",
    "pack",
    "read_state",
    "receive",
    "restore",
    "resume",
    "take",
    "unpack",
    "write_state",
]
