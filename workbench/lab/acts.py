"""What can be done in a scenario's course: each act by its name, with the arguments that it has in the file."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from workbench.collect import procfs
from workbench.errors import WorkbenchError
from workbench.evidence import Connection
from workbench.lab import engine, marker
from workbench.lab.asking import why
from workbench.lab.awaiting import await_data, await_end, await_flow, await_sockets
from workbench.lab.closing import close_connections
from workbench.lab.handing_over import hand_over
from workbench.lab.images import edit
from workbench.lab.lab import Lab
from workbench.lab.lock_comparison import compare_locks
from workbench.lab.migrating import migrate
from workbench.lab.namespaces import Host
from workbench.lab.outlasting import outlast
from workbench.lab.patience import wait_out
from workbench.lab.peer import start_caller, start_server
from workbench.lab.rolling_back import roll_back, save_generation
from workbench.lab.scenario import Act, ClientProgram, ServerProgram

Measured = Mapping[str, object]
"""What an act measured, by names that are telling in a report and in JSON."""


def perform(lab: Lab, act: Act) -> Measured | None:
    """Perform one act; what it measured, if anything. Raises WorkbenchError if it did not come to what it should."""
    if act.act not in ACTS:
        raise WorkbenchError(f"there is no act {act.act}", f"there are {', '.join(ACTS)}")
    return ACTS[act.act](lab, **act.arguments)


def dump(
    lab: Lab,
    *,
    lock: str = "nftables",
    options: Sequence[str] = ("tcp_established",),
    who: str = "server",
    into: str = "images",
    killed_at: str = "",
    iptables: str = "",
    fails: bool = False,
) -> None:
    """CRIU alone dumps the server or the caller; ``options`` are fields of its request that are set."""
    host, pid = (lab.host, lab.server_pid) if who == "server" else _caller(lab)
    given = {"pid": pid, "network_lock": lock.upper(), **dict.fromkeys(options, True)}
    images = lab.scratch / into
    done = engine.call("dump", images, host.path, given, killed_at=killed_at, iptables=iptables)
    _as_meant("dump", images, done=done, fails=fails or bool(killed_at))
    if done and "leave_running" not in options:
        engine.await_end(pid)


def _caller(lab: Lab) -> tuple[Host, int]:
    if lab.caller is None:
        raise WorkbenchError("nobody has called the server yet")
    return lab.caller


def call(lab: Lab, *, host: str, writes: int | None = None, reads: int | None = None) -> None:
    """A program that can be dumped, too, calls the server."""
    where = lab.host_called(host)
    lab.caller = (where, start_caller(where, lab.scenario.server.listen, writes=writes, reads=reads))


def restore(
    lab: Lab,
    *,
    options: Sequence[str] = ("tcp_established",),
    who: str = "server",
    of: str = "images",
    iptables: str = "",
    fails: bool = False,
) -> None:
    """CRIU alone restores the server or the caller, ``of`` a directory that it was dumped into."""
    host = lab.host if who == "server" else _caller(lab)[0]
    given: dict[str, object] = dict.fromkeys(options, True)
    done = engine.call("restore", lab.scratch / of, host.path, given, iptables=iptables)
    _as_meant("restore", lab.scratch / of, done=done, fails=fails)


def _as_meant(kind: str, images: Path, *, done: bool, fails: bool) -> None:
    if done is fails:
        lines = (images / f"{kind}.log").read_text(errors="replace").splitlines()
        said = next((line for line in lines if "Error" in line and "rlimit" not in line), "nothing")
        raise WorkbenchError(f"the {kind} {'succeeded' if done else 'failed'}, which was not meant: {said}")


def interrupted_dump(lab: Lab) -> None:
    """The workbench dumps the server; it and its CRIU are killed when the images are complete."""
    program = [sys.executable, "-m", "workbench.lab.programs.interrupted", str(lab.server_pid), str(lab.images)]
    environment = {**os.environ, marker.VARIABLE: lab.id, "WORKBENCH_STATE": str(lab.state)}
    with subprocess.Popen(program, stdout=subprocess.PIPE, env=environment, cwd="/") as workbench:
        assert workbench.stdout
        held = workbench.stdout.readline()
        workbench.send_signal(signal.SIGSTOP)  # it must not notice that CRIU is gone before it is
        for pid in _children(workbench.pid):
            marker.end(pid, lambda pid: procfs.read(f"/proc/{pid}/comm") == b"criu\n")
        workbench.kill()
    if not held:
        raise WorkbenchError("the dump that was to be interrupted did not come to its hold")


def _children(pid: int) -> set[int]:
    """Of all its threads."""
    tasks = (f"/proc/{pid}/task/{thread}/children" for thread in procfs.names(f"/proc/{pid}/task"))
    return {int(child) for path in tasks for child in (procfs.read(path) or b"").split()}


def run(lab: Lab, *, words: Sequence[str], host: str = "") -> None:
    """Run a program on a host, on the server's if none is named."""
    (lab.host_called(host) if host else lab.host).inside(*words)


def lock(lab: Lab, *, program: str, chains: Sequence[str] = ("INPUT", "OUTPUT"), times: int = 1) -> None:
    """The rules that CRIU makes for each connection (criu/netfilter.c), made once more."""
    for connection in lab.connections:
        for chain in [*chains] * times:
            lab.host.inside(program, "-w", "-t", "filter", "-I", chain, *_rule(connection, chain))


def unlock(lab: Lab, *, program: str, chains: Sequence[str]) -> None:
    """Some of these rules taken away."""
    for connection in lab.connections:
        for chain in chains:
            lab.host.inside(program, "-w", "-t", "filter", "-D", chain, *_rule(connection, chain))


def _rule(connection: Connection, chain: str) -> tuple[str, ...]:
    way = connection.reversed if chain == "INPUT" else connection
    return (
        "--protocol", "tcp", "-m", "mark", "!", "--mark", "0xC114",
        "--source", way.local.address, "--sport", str(way.local.port),
        "--destination", way.peer.address, "--dport", str(way.peer.port), "-j", "DROP",
    )  # fmt: skip


def end_connections(lab: Lab, *, how: str) -> None:
    """The clients ``shutdown`` or ``close`` each of them."""
    lab.end_connections(how)


def connect(lab: Lab, *, host: str, connections: int, writes: int | None = None, reads: int | None = None) -> None:
    """Another client connects to the server, and carries data."""
    lab.add_client(ClientProgram(host, connections=connections, writes=writes, reads=reads))
    await_data(lab, count=64)


def speak(lab: Lab, *, writes: int) -> None:
    """The clients, silent so far, write so many bytes a second on each connection."""
    lab.speak(writes)


def reboot(lab: Lab, *, host: str) -> None:
    """A host goes down and comes up again: its processes and rules are gone, its addresses are back."""
    lab.reboot(host)


def end_server(lab: Lab) -> None:
    """The server is killed."""
    marker.end(lab.server_pid, lambda pid: marker.lab_of(pid) == lab.id)


def another_server(lab: Lab) -> None:
    """Somebody else listens where the server did."""
    start_server(lab.host, ServerProgram(lab.scenario.server.host, lab.scenario.server.listen))


def forget_sockets(lab: Lab) -> None:
    """The sockets that a program left behind on the server's host are destroyed without a packet that gets out."""
    lab.host.inside("ss", "-K", "-t", "state", "fin-wait-1")


def edit_images(lab: Lab, *, of: str = "images", **changes: Any) -> None:
    """What happens to images on their way; see ``lab.images``."""
    edit(lab.scratch / of, **changes)


def lose_images(lab: Lab) -> None:
    """Nobody knows any more where they are."""
    with contextlib.suppress(FileNotFoundError):
        shutil.rmtree(lab.images)


ACTS: dict[str, Callable[..., Measured | None]] = {
    act.__name__.replace("_", "-"): act
    for act in (
        dump, restore, call, interrupted_dump, run, lock, unlock, compare_locks, wait_out, end_connections, connect,
        speak, reboot, end_server, another_server, await_data, await_sockets, await_end, await_flow, forget_sockets,
        edit_images, lose_images, migrate, save_generation, roll_back, close_connections, why, hand_over, outlast,
    )
}  # fmt: skip
"""By their names in the files of scenarios."""
