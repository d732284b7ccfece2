"""A connection's state as bytes and as a file; ``workbench.read.state_file`` says what they look like."""

import hashlib
import json
import os
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.evidence.state import State
from workbench.read.marks import STATE_MAGIC
from workbench.read.state_file import NUMBERS, VERSION


def pack(state: State) -> bytes:
    """The inverse of ``workbench.read.state_file.unpack``."""
    ends = state.connection
    header = {
        "connection": [ends.local.address, ends.local.port, ends.peer.address, ends.peer.port],
        "family": state.family,
        "state": state.state.name,
        **{name: getattr(state, name) for name in NUMBERS},
        "received": len(state.queue.received),
        "sent": len(state.queue.sent),
        "unsent": state.queue.unsent,
        "nonblocking": state.nonblocking,
        "device": state.device,
        "socket_options": dict(state.socket_options),
        "taken": round(state.taken, 3),
    }
    head = STATE_MAGIC + f"{VERSION}\n{json.dumps(header)}\n".encode()
    content = b"".join((head, state.queue.received, state.queue.sent))
    return content + f"sha256 {hashlib.sha256(content).hexdigest()}\n".encode()


def write_state(state: State, path: str | Path) -> None:
    """Write a file that only its owner can read, whole or not at all. Raises WorkbenchError.

    It is not forced onto the disk: what it is needed for after a crash of the host is gone with the host.
    """
    place = Path(path)
    fresh = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        with open(fresh, "xb", opener=_privately) as file:
            file.write(pack(state))
        fresh.replace(place)
    except OSError as error:
        fresh.unlink(missing_ok=True)
        raise WorkbenchError(f"{path} cannot be written: {error.strerror}", "name another file") from error


def _privately(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_CLOEXEC, 0o600)
