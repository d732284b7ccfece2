"""Every TCP socket of an evidence in one form, be it alive, listed by a tool or in an image."""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from workbench.evidence.evidence import Evidence
from workbench.evidence.gap import Gap
from workbench.evidence.image import ImageDirectory, ImageSocket
from workbench.evidence.sequences import Sequences
from workbench.evidence.socket import Connection, Socket, SocketTimer, TcpState

_BITS = ((1, "timestamps"), (2, "selective acknowledgements"), (4, "window scaling"), (8, "ECN"))
"""TCPI_OPT_* (include/uapi/linux/tcp.h)."""


@dataclass(frozen=True, slots=True)
class End:
    """One socket at one moment; what its source does not tell is None or absent."""

    source: str
    """``sockets``, or the path of the image directory."""
    connection: Connection
    """As on the wire; peer port 0 for a socket without a peer."""
    state: TcpState
    holders: tuple[tuple[int, int, str], ...]
    """(pid, fd, command), ascending."""
    sequences: Sequences | None
    queues: Mapping[str, int | str] = field(hash=False)
    """Sizes in bytes by name, and a digest of what is in them where it is at hand."""
    options: Mapping[str, int | str] = field(hash=False)
    """What was agreed on in the handshake, and socket options by the kernel's name."""
    timer: str = ""
    """``rto``, ``keepalive``, ...; empty where none runs or nothing tells."""
    retransmits: int = 0
    netns: int = 0
    """Inode; 0 if nothing tells."""

    @property
    def owner(self) -> str:
        """Who has it open: ``nginx 4645 fd 7``; hostile."""
        pid, fd, command = self.holders[0] if self.holders else (0, 0, "")
        return f"{command} {pid} fd {fd}".strip() if self.holders else "no process"


def ends(evidence: Evidence) -> tuple[End, ...]:
    """Those of images if there are any, otherwise the sockets."""
    if not isinstance(evidence.images, Gap) and isinstance(evidence.sockets, Gap):
        return tuple(end for image in evidence.images for end in _of_image(image))
    if isinstance(evidence.sockets, Gap):
        return ()
    known = {} if isinstance(evidence.sequences, Gap) else evidence.sequences
    return tuple(_of_socket(socket, known.get(socket.cookie)) for socket in evidence.sockets)


def _of_socket(socket: Socket, sequences: Sequences | None) -> End:
    options: dict[str, int | str] = {}
    if socket.congestion:
        options["congestion control"] = socket.congestion
    if socket.info:
        info = socket.info
        options |= {name: "on" if info.options & bit else "off" for bit, name in _BITS}
        if info.options & 4:
            options |= {"window scale, sending": info.snd_wscale, "window scale, receiving": info.rcv_wscale}
        options["MSS"] = info.snd_mss
    if socket.memory:
        options |= {"SO_SNDBUF": socket.memory.sndbuf, "SO_RCVBUF": socket.memory.rcvbuf}
    return End(
        "sockets",
        socket.connection.unmapped,
        socket.state,
        tuple(sorted((holder.pid, holder.fd, holder.command) for holder in socket.holders)),
        sequences,
        {"receive queue": socket.recv_q, "send queue": socket.send_q},
        options,
        "" if socket.timer is SocketTimer.NONE else socket.timer.value,
        socket.retransmits,
        socket.netns,
    )


def _of_image(image: ImageDirectory) -> Iterator[End]:
    commands = {task.pid: task.command for task in image.tasks}
    for socket in image.sockets:
        yield End(
            image.path,
            socket.connection.unmapped,
            socket.state,
            tuple(sorted((pid, fd, commands.get(pid, "")) for pid, fd in socket.holders)),
            socket.sequences,
            _queues(socket),
            _options(socket),
        )


def _queues(socket: ImageSocket) -> dict[str, int | str]:
    if socket.queue is None:
        return {}
    found: dict[str, int | str] = {
        "receive queue": len(socket.queue.received),
        "send queue": len(socket.queue.sent),
        "never sent": socket.queue.unsent,
    }
    for name, content in (("receive queue", socket.queue.received), ("send queue", socket.queue.sent)):
        if content:
            found[f"{name}, sha256"] = hashlib.sha256(content).hexdigest()[:16]
    return found


def _options(socket: ImageSocket) -> dict[str, int | str]:
    found: dict[str, int | str] = {}
    if socket.options is not None:
        found |= {name: "on" if socket.options & bit else "off" for bit, name in _BITS}
        if socket.options & 4 and socket.snd_wscale is not None and socket.rcv_wscale is not None:
            found |= {"window scale, sending": socket.snd_wscale, "window scale, receiving": socket.rcv_wscale}
    if socket.mss_clamp is not None:
        found["MSS clamp"] = socket.mss_clamp
    return found | dict(socket.socket_options)
