"""A migration rehearsed: both halves run as commands, each on its own host, and talk over a connection between them."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from workbench.collect.namespaces import inside
from workbench.errors import WorkbenchError
from workbench.lab import marker
from workbench.lab.lab import Lab
from workbench.lab.namespaces import Host

STATE = "WORKBENCH_STATE"
MEMORY = "WORKBENCH_MEMORY"
TIMEOUT_S = 120.0
_WORKBENCH = (sys.executable, "-m", "workbench.main")


@dataclass(frozen=True, slots=True)
class Halves:
    """The two commands of one migration while they run."""

    sending: subprocess.Popen[bytes]
    receiving: subprocess.Popen[bytes]


def migrate(lab: Lab, *, to: str, after: bool = False) -> dict[str, object]:
    """The server moves to another host; ``after``: its images travel only when all of them are written."""
    source, destination = lab.host, lab.host_called(to)
    lab.forget_gap()
    with halves(lab, source, destination, after=after) as both:
        said, complaint = both.sending.communicate(timeout=TIMEOUT_S)
        both.receiving.wait(TIMEOUT_S)
    try:
        document = json.loads(said)
    except ValueError:
        raise WorkbenchError(f"the migration said nothing: {complaint.decode(errors='replace')[-500:]}") from None
    if document.get("outcome") != "succeeded":
        raise WorkbenchError(f"the migration: {document.get('error') or document.get('obstacles')}")
    lab.server_host = to
    return _measured(lab, to, document, after=after)


@contextlib.contextmanager
def halves(lab: Lab, source: Host, destination: Host, *, after: bool = False) -> Iterator[Halves]:
    """Both commands, started; at the end they are gone, whatever became of them."""
    ours, theirs = _stream(source, destination)
    from_, into = (marker.memory_directory(lab.id) for _ in range(2))
    with ours, theirs:
        receiving = subprocess.Popen(
            destination.entering(*_WORKBENCH, "migrate", "receive", "-D", str(into)),
            stdin=theirs.fileno(), stdout=theirs.fileno(), stderr=subprocess.DEVNULL,
            env=environment(lab, destination),
        )  # fmt: skip
        descriptor = ours.fileno()
        way = ("-D", str(from_), "--on-descriptor", str(descriptor), *(["--after"] if after else []))
        words = ("migrate", "send", str(lab.server_pid), "--yes", "--format", "json", *way)
        sending = subprocess.Popen(
            source.entering(*_WORKBENCH, *words),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            pass_fds=[descriptor], env=environment(lab, source),
        )  # fmt: skip
    try:
        yield Halves(sending, receiving)
    finally:
        for half in (sending, receiving):
            if half.poll() is None:
                half.send_signal(signal.SIGKILL)  # a child of ours that is not waited for yet: the pid is its own
            half.wait()
        for pipe in (sending.stdout, sending.stderr):
            if pipe:
                pipe.close()
        for images in (from_, into):
            shutil.rmtree(images, ignore_errors=True)


def destination(lab: Lab) -> tuple[str, ...]:
    """Command that a person types for the other half, on the first host where the server can keep its pid; or none."""
    for name, description in lab.scenario.hosts.items():
        if description.own_pids and name != lab.server_host:
            host = lab.host_called(name)
            own = environment(lab, host)
            settings = [f"{variable}={own[variable]}" for variable in (marker.VARIABLE, STATE, MEMORY)]
            return tuple(host.entering("env", *settings, *_WORKBENCH, "migrate", "receive"))
    return ()


def environment(lab: Lab, host: Host) -> dict[str, str]:
    """Of a workbench on one of the hosts: it keeps its journals apart from the others', and its images with the lab."""
    memory = marker.memory_directory(lab.id, host.name)
    return {**os.environ, marker.VARIABLE: lab.id, STATE: str(lab.scratch / f"state-{host.name}"), MEMORY: str(memory)}


def _stream(source: Host, destination: Host) -> tuple[socket.socket, socket.socket]:
    """A TCP connection between two hosts, over their own addresses; its port listens until it is accepted."""
    version = socket.AF_INET if "." in destination.own_address else socket.AF_INET6
    listener = inside(destination.path, lambda: socket.create_server((destination.own_address, 0), family=version))
    with listener:
        listener.settimeout(TIMEOUT_S)
        end, own = listener.getsockname()[:2], (source.own_address, 0)  # not from the address that moves
        ours = inside(source.path, lambda: socket.create_connection(end, TIMEOUT_S, own))
        theirs, caller = listener.accept()
    if caller[:2] != ours.getsockname()[:2]:
        raise WorkbenchError("somebody else called")
    for each in (ours, theirs):
        each.setblocking(True)
    return ours, theirs


def _measured(lab: Lab, to: str, document: dict[str, Any], *, after: bool) -> dict[str, object]:
    transfer = document["transfer"]
    times, there = transfer["times_ms"], transfer["there"] or {}
    return {
        "to": to,
        "images_travel": "after the dump" if after else "while CRIU writes",
        "images_bytes": transfer["bytes_sent"],
        "sent_while_written_bytes": transfer["bytes_ahead"],
        "stopped_ms": times["stopped in all"],
        "dump_ms": {step["name"]: step["ms"] for step in document["steps"] if step["ms"] is not None},
        "there_ms": there.get("times_ms", {}),
        "client_gap_ms": max((one.longest_gap_ms for one in lab.talked()), default=None),
    }
