"""A capture that runs beside, as the application has it."""

import socket
import time
from pathlib import Path

import pytest

from workbench.collect.running_capture import capture_connection
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint
from workbench.read.pcap import read_capture

pytestmark = pytest.mark.root
DEADLINE_S = 20.0


def test_it_is_looked_at_saved_and_ended(tmp_path: Path) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    one = socket.create_connection(listener.getsockname())
    two, _ = listener.accept()
    ends = Connection(Endpoint(*one.getsockname()), Endpoint(*one.getpeername()))
    running = capture_connection(ends)
    one.sendall(b"hello")
    two.recv(5)
    deadline = time.monotonic() + DEADLINE_S
    while running.count < 2:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    capture, followed = running.snapshot()
    assert {each.way for each in capture.packets} <= {ends, ends.reversed}
    assert followed.flows[0].sent[ends] == 5
    path = tmp_path / "x.pcapng"
    assert f"packets written to {path}" in running.save(path)
    with pytest.raises(WorkbenchError, match="File exists"):
        running.save(path)
    running.close()
    running.close()
    assert len(read_capture(path).packets) >= 2
    for each in (one, two, listener):
        each.close()
