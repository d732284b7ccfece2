"""A restored socket compared with the state that it was restored from."""

import socket

from workbench.errors import WorkbenchError
from workbench.evidence.state import State
from workbench.repair.read import read_socket


def compare(state: State, restored: socket.socket) -> int:
    """Read a restored socket back: how many bytes of its queues are the same. Raises WorkbenchError if one is not."""
    read = read_socket(restored, in_repair=True)
    known = read.sequences
    pairs = {
        "state": (state.state, read.state),
        "write_seq": (state.write_seq, known.write_seq),
        "rcv_nxt": (state.rcv_nxt, known.rcv_nxt),
        "receive queue": (state.queue.received, read.queue.received),
        "send queue": (state.queue.sent, read.queue.sent),
        "snd_wnd": (state.snd_wnd, known.snd_wnd),
        "rcv_wnd": (state.rcv_wnd, known.rcv_wnd),
    }
    for name, (before, after) in pairs.items():
        if before != after:
            raise WorkbenchError(f"The restored socket differs in its {name}")
    return len(state.queue.received) + len(state.queue.sent)
