r"""A connection's state in a file: a line of text, a line of JSON, both queues as they are, and a checksum.

Example::

    tcp-connection 1\n
    {"connection": ["10.0.0.2", 7022, "10.0.0.1", 40000], "state": "ESTABLISHED", ..., "received": 3, "sent": 5}\n
    abc                                      bytes received and not read
    hello                                    bytes sent and not acknowledged, then those never sent
    sha256 <64 hexadecimal digits>\n         of all bytes before

docs/handoff.md tells what each field means.
"""

import hashlib
import ipaddress
import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint, ImageDirectory, Queue, TcpState
from workbench.evidence.sequences import SEQUENCE_MODULUS
from workbench.evidence.state import State, contradictions
from workbench.read.marks import STATE_MAGIC, is_state

VERSION = 1
LARGEST_HEADER = 1 << 16
LARGEST_QUEUE = 1 << 30
"""Bytes; no window is larger (RFC 7323 2.3)."""
_SEQUENCES = ("write_seq", "rcv_nxt", "snd_nxt", "snd_wl1", "rcv_wup", "timestamp")
_SIZES = ("snd_wnd", "max_window", "rcv_wnd", "mss_clamp", "options", "snd_wscale", "rcv_wscale")
NUMBERS = (*_SEQUENCES, *_SIZES)
"""Fields of the header that hold one number each, as ``State`` calls them."""
_FAMILIES = {2: 4, 10: 6}
_LARGEST_NUMBER = SEQUENCE_MODULUS - 1
_MOST_OPTIONS = 100
_TRAILER = len("sha256 ") + 64 + 1


def read_state(path: str | Path) -> State:
    """Read a file. Raises WorkbenchError, whatever its bytes are."""
    shown = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise WorkbenchError(f"{shown} is no regular file")
            if status.st_size > 2 * LARGEST_QUEUE + LARGEST_HEADER:
                raise WorkbenchError(f"{shown} is too large to be a connection")
            if not is_state(file.read(len(STATE_MAGIC))):
                raise WorkbenchError(f"{shown} is not the state of a connection")
            file.seek(0)
            content = file.read()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise WorkbenchError(f"{shown} cannot be read: {reason}") from error
    try:
        return unpack(content)
    except WorkbenchError as error:
        raise WorkbenchError(f"{shown}: {error.message}", error.hint) from error


def unpack(content: bytes) -> State:
    """The state that these bytes hold. Raises WorkbenchError, one sentence, for anything else."""
    first, _, rest = content[: len(STATE_MAGIC) + 16].partition(b"\n")
    version = first.removeprefix(STATE_MAGIC)
    if not first.startswith(STATE_MAGIC) or not version.isdigit():
        raise WorkbenchError("It is not the state of a connection")
    if int(version) != VERSION:
        raise WorkbenchError(f"It is of version {int(version)}, and only {VERSION} is known", "use a newer workbench")
    start = len(first) + 1
    end = content.find(b"\n", start, start + LARGEST_HEADER)
    if not rest or end < 0:
        raise WorkbenchError("Its header has no end", "the file is cut short or damaged")
    digest = hashlib.sha256(content[:-_TRAILER]).hexdigest()
    if content[-_TRAILER:] != f"sha256 {digest}\n".encode():
        raise WorkbenchError("Its checksum is wrong", "the file is cut short or damaged")
    try:
        header = json.loads(content[start:end])
        state = _state(header, content[end + 1 : -_TRAILER])
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise WorkbenchError(f"Its header makes no sense: {type(error).__name__}: {error}") from error
    if found := contradictions(state):
        raise WorkbenchError(f"It contradicts itself: {found[0]}")
    return state


def _state(header: Mapping[str, Any], queues: bytes) -> State:
    local, local_port, peer, peer_port = header["connection"]
    family = _number(header, "family", 255)
    ends = tuple(_endpoint(*end, family) for end in ((local, local_port), (peer, peer_port)))
    received = _number(header, "received", LARGEST_QUEUE)
    sent = _number(header, "sent", LARGEST_QUEUE)
    if received + sent != len(queues):
        raise ValueError(f"the queues hold {len(queues)} bytes instead of {received} and {sent}")
    queue = Queue(queues[:received], queues[received:], _number(header, "unsent", sent))
    numbers = {name: _number(header, name, _LARGEST_NUMBER) for name in NUMBERS}
    return State(
        connection=Connection(*ends),
        family=family,
        state=TcpState[str(header["state"])],
        queue=queue,
        socket_options=_options(header["socket_options"]),
        nonblocking=header["nonblocking"] is True,
        device=str(header["device"])[:15],
        taken=float(header["taken"]),
        **numbers,
    )


def _number(header: Mapping[str, Any], name: str, largest: int) -> int:
    value = header[name]
    if type(value) is not int or not 0 <= value <= largest:
        raise ValueError(f"{name} is no number from 0 to {largest}")
    return value


def _endpoint(address: Any, port: Any, family: int) -> Endpoint:
    if type(port) is not int or not 0 < port < 1 << 16:
        raise ValueError("a port is no number from 1 to 65535")
    parsed = ipaddress.ip_address(str(address))
    if parsed.version != _FAMILIES.get(family):
        raise ValueError(f"the address is not one of family {family}")
    return Endpoint(str(address), port)


def _options(given: Mapping[str, Any]) -> dict[str, int | str]:
    if len(given) > _MOST_OPTIONS or any(type(value) not in {int, str} for value in given.values()):
        raise ValueError("the socket options are no numbers and texts")
    if any(isinstance(value, int) and not -(1 << 63) <= value < 1 << 63 for value in given.values()):
        raise ValueError("a socket option is too large a number")
    return {str(name): value for name, value in given.items()}


def read_state_as_images(path: str | Path) -> ImageDirectory:
    """The file as an image directory with one socket: whatever shows, checks and compares images can take it."""
    state = read_state(path)
    status = Path(path).stat()
    return ImageDirectory(
        path=os.fspath(path),
        complete=True,
        size_bytes=status.st_size,
        modified=status.st_mtime,
        tasks=(),
        sockets=(state.image_socket,),
        lock_method="nftables",
    )
