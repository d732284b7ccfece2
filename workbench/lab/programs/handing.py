"""A connection handed to and fro between two processes, then to one on another host, while its client checks it.

Run as a program, ``handing ROUNDS FAMILY``, in a network namespace that it may furnish: it makes two more hosts, the
client's with a switch, and one that the connection goes to in the end with its address. It prints one JSON object.
"""

import argparse
import contextlib
import ctypes
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench.collect.netfilter.libnftables import run_nft
from workbench.errors import WorkbenchError
from workbench.lab import engine
from workbench.lab.programs.bulk import DEADLINE_S, client, own
from workbench.operation.handoff.perform import hand_off
from workbench.operation.handoff.plan import HandoffRequest
from workbench.operation.handoff.planning import prepare_handoff
from workbench.operation.handoff.result import Handed, HandoffOutcome
from workbench.operation.handoff.watchdog import Watchdog

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PORT = 7022
NETWORKS = {"v4": ("10.79.0.{}", 24), "v6": ("fd79::{}", 64)}
CLIENT, HERE, THERE = 1, 2, 3
"""Last part of the addresses: the client's, the one that is handed over to, the other host's own."""


@dataclass(frozen=True, slots=True)
class Row:
    """How the client stands."""

    received: int
    sent: int
    wrong: int | None
    """Where the first wrong byte was; None if all were right."""
    ended: str
    gap: float
    """Longest time in which nothing came since it was asked last, seconds."""


class Hosts:
    """The namespace that we are in, and two more, each held by a process; joined by a switch at the client's."""

    def __init__(self, family: str) -> None:
        pattern, self.prefix = NETWORKS[family]
        self.v6 = family == "v6"
        self.addresses = {part: pattern.format(part) for part in (CLIENT, HERE, THERE)}
        ip(None, "link", "set", "lo", "up")

    def furnish(self, client_pid: int, other_pid: int) -> None:
        """Cables and addresses."""
        ip(client_pid, "link", "add", "switch", "type", "bridge")
        for pid, port in ((None, "port0"), (other_pid, "port1")):
            ip(
                client_pid,
                "link",
                "add",
                port,
                "type",
                "veth",
                "peer",
                "name",
                "eth0",
                "netns",
                str(pid or os.getpid()),
            )
            ip(client_pid, "link", "set", port, "master", "switch", "up")
            ip(pid, "link", "set", "eth0", "up")
        ip(client_pid, "link", "set", "switch", "up")
        for pid, device, part in ((client_pid, "switch", CLIENT), (None, "eth0", HERE), (other_pid, "eth0", THERE)):
            nodad = ["nodad"] if self.v6 else []
            ip(pid, "addr", "add", f"{self.addresses[part]}/{self.prefix}", "dev", device, *nodad)


class Scene:
    """All hosts and programs, with the connection under way."""

    def __init__(self, directory: Path, family: str, *, dumped: bool = False) -> None:
        """``dumped``: the owners will be; what CRIU restores must not end with the parent that it has then."""
        self._dumped = dumped
        hosts = Hosts(family)
        server = (hosts.addresses[HERE], PORT)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        steps = [socket.socketpair() for _ in range(2)]
        self.pids: list[int] = []
        self.paths = [directory / f"{name}.sock" for name in ("one", "other", "elsewhere")]
        pipes = [os.pipe(), os.pipe()]
        places = [(pipes[0][0], pipes[1][1]), (pipes[1][0], pipes[0][1]), (pipes[1][0], pipes[0][1])]
        peer = self._fork(lambda: client(theirs, server) if alone(steps[0][1]) else None)
        elsewhere = self._fork(lambda: own(self.paths[2], None, *places[2]) if alone(steps[1][1]) else None)
        for ours, _ in steps:
            ours.recv(16)
        hosts.furnish(peer, elsewhere)
        with socket.create_server(server, family=socket.AF_INET6 if hosts.v6 else socket.AF_INET) as listener:
            for ours, _ in steps:
                ours.send(b"go")
            accepted, _ = listener.accept()
        first = self._fork(lambda: own(self.paths[0], secluded(accepted, *places[0]), *places[0]))
        second = self._fork(lambda: own(self.paths[1], secluded(None, *places[1]), *places[1]))
        accepted.close()
        self.owners = [first, second, elsewhere]
        deadline = time.monotonic() + DEADLINE_S
        while not all(path.exists() for path in self.paths) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _fork(self, play: Callable[[], object]) -> int:
        pid = os.fork()
        if not pid:
            self.control.close()
            if not self._dumped:
                ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            try:
                play()
            finally:
                os._exit(5)
        self.pids.append(pid)
        return pid

    def ask(self) -> Row:
        self.control.send(b"how")
        return Row(**json.loads(self.control.recv(4096)))

    def await_bytes(self, count: int) -> Row:
        """Wait until the client has checked so many bytes more; its longest gap meanwhile."""
        row = self.ask()
        wanted, gap, deadline = row.received + count, row.gap, time.monotonic() + DEADLINE_S
        while row.received < wanted and not row.ended and time.monotonic() < deadline:
            time.sleep(0.005)
            row = self.ask()
            gap = max(gap, row.gap)
        return replace(row, gap=gap)

    def hand_over(self, source: int, to: int, watchdog: Watchdog) -> Handed:
        """From one owner to another one."""
        (fd,) = connections_of(self.owners[source])
        elsewhere = f"/proc/{self.owners[2]}/ns/net" if 2 in {source, to} and to == 2 else None
        request = HandoffRequest(
            pid=self.owners[source], fd=fd, to=str(self.paths[to]), netns=elsewhere, move_address=elsewhere is not None
        )
        return hand_off(prepare_handoff(request), watchdog=watchdog)

    def dump_and_restore(self, owner: int, images: Path) -> None:
        """By CRIU alone, which unlocks when it is done."""
        pid = self.owners[owner]
        here = "/proc/self/ns/net"
        if not engine.call("dump", images, here, {"pid": pid, "network_lock": "NFTABLES", "tcp_established": True}):
            raise WorkbenchError("CRIU's dump failed")
        os.waitpid(pid, 0)
        if not engine.call("restore", images, here, {"tcp_established": True}):
            raise WorkbenchError("CRIU's restore failed")

    def close(self) -> None:
        self.control.close()
        for pid in self.pids:
            with contextlib.suppress(ProcessLookupError):
                pidfd = os.pidfd_open(pid)
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                os.close(pidfd)
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, 0)


def secluded(connection: socket.socket | None, *pipes: int) -> socket.socket | None:
    """Without anything that would lead out of a dumped process, beside its connection and its pipes."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    kept = {null, *pipes, *([connection.fileno()] if connection else [])}
    for descriptor in range(3):
        os.dup2(null, descriptor)
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208 - numbers, not paths
        if int(name) > 2 and int(name) not in kept:
            with contextlib.suppress(OSError):  # the one that listed them
                os.close(int(name))
    os.chdir("/")
    return connection


def alone(step: socket.socket) -> bool:
    """Into a network namespace of its own; goes on once that is furnished."""
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        return False
    step.send(b"here")
    return bool(step.recv(16))


def ip(pid: int | None, *words: str) -> None:
    """In the namespace of a process, or in ours."""
    entering = [] if pid is None else ["nsenter", f"--net=/proc/{pid}/ns/net"]
    subprocess.run([*entering, "ip", *words], check=True)


def connections_of(pid: int) -> list[int]:
    """Descriptors of a process that are TCP sockets; it takes a moment until an owner has its new one alone."""
    deadline = time.monotonic() + DEADLINE_S
    while True:
        tables = (Path(f"/proc/{pid}/net/{name}").read_text().splitlines()[1:] for name in ("tcp", "tcp6"))
        tcp = {line.split()[9] for lines in tables for line in lines}
        found = []
        for each in Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(each.readlink()).removeprefix("socket:[").removesuffix("]") in tcp:
                    found.append(int(each.name))
        if len(found) == 1 or time.monotonic() > deadline:
            return found
        time.sleep(0.005)


@dataclass
class Tally:
    """What all hand-offs came to."""

    done: list[Handed] = field(default_factory=list)
    gaps_ms: list[float] = field(default_factory=list)
    trouble: str = ""

    def one(self, scene: Scene, source: int, to: int, watchdog: Watchdog) -> bool:
        """One hand-off; whether all is well."""
        scene.ask()
        handed = scene.hand_over(source, to, watchdog)
        row = scene.await_bytes(256 << 10)
        self.done.append(handed)
        self.gaps_ms.append(row.gap * 1000)
        if row.ended or row.wrong is not None or handed.outcome is not HandoffOutcome.HANDED_OVER:
            self.trouble = f"{handed.sentence} The client: {row}"
        return not self.trouble


def compare(rounds: int, family: str, directory: Path) -> dict[str, object]:
    """Hand-offs and dumps with restores of the same connection, in turns; the client's longest gap of each."""
    # What CRIU restored becomes our child again, so that its pid is free as soon as it has ended.
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    scene, watchdog = Scene(directory, family, dumped=True), Watchdog()
    gaps: dict[str, list[float | None]] = {"handoff": [], "criu": []}
    try:
        scene.await_bytes(1 << 20)
        quiet = scene.await_bytes(1 << 20).gap * 1000
        tally = Tally()
        for number in range(2 * rounds):
            if not tally.one(scene, number % 2, 1 - number % 2, watchdog):
                return {"trouble": tally.trouble}
        gaps["handoff"] += tally.gaps_ms
        for number in range(rounds):
            scene.ask()
            scene.dump_and_restore(0, directory / f"images-{number}")
            row = scene.await_bytes(256 << 10)
            if row.ended or row.wrong is not None:
                return {"trouble": f"after CRIU: {row}"}
            gaps["criu"].append(row.gap * 1000)
    finally:
        watchdog.close()
        scene.close()
    return {"trouble": "", "undisturbed_ms": round(quiet, 1), **{name: spread(each) for name, each in gaps.items()}}


def run(rounds: int, family: str, directory: Path) -> dict[str, object]:
    """``rounds`` hand-offs on one host, and one to another host; what was measured."""
    scene, watchdog, tally = Scene(directory, family), Watchdog(), Tally()
    try:
        scene.await_bytes(1 << 20)
        first, begun = scene.await_bytes(1 << 20), time.monotonic()
        done = all(tally.one(scene, number % 2, 1 - number % 2, watchdog) for number in range(rounds + rounds % 2))
        row, seconds = scene.await_bytes(1 << 20), time.monotonic() - begun
        away = Tally()
        if done and away.one(scene, 0, 2, watchdog):
            row = scene.await_bytes(1 << 20)
    except WorkbenchError as error:
        return {"trouble": str(error)}
    finally:
        watchdog.close()
        scene.close()
    return {
        "handoffs": len(tally.done) + len(away.done),
        "peer_answered": sum(each.answered for each in tally.done + away.done),
        "first_wrong_byte": row.wrong,
        "ended": row.ended,
        "trouble": tally.trouble or away.trouble,
        "bytes_checked": row.received,
        "mb_s": {
            "to_client": round((row.received - first.received) / seconds / 1e6, 1),
            "to_owners": round((row.sent - first.sent) / seconds / 1e6, 1),
        },
        "frozen_ms": spread([each.frozen_ms for each in tally.done]),
        "locked_ms": spread([each.locked_ms for each in tally.done]),
        "client_gap_ms": {"undisturbed": round(first.gap * 1000, 1), **spread(tally.gaps_ms)},
        "most_bytes_queued": max((each.bytes_compared for each in tally.done), default=0),
        "to_other_host": {
            "frozen_ms": spread([each.frozen_ms for each in away.done])["median"],
            "client_gap_ms": spread(away.gaps_ms)["median"],
        },
        "tables_left": run_nft("list tables").split(),
    }


def spread(values: Sequence[float | None]) -> dict[str, float | None]:
    known = sorted(value for value in values if value is not None)
    if not known:
        return {"median": None, "worst": None}
    return {"median": round(known[len(known) // 2], 2), "worst": round(known[-1], 2)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("rounds", type=int)
    parser.add_argument("family", choices=NETWORKS)
    parser.add_argument("--beside-criu", action="store_true", help="the client's gaps, and those of dump and restore")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        play = compare if options.beside_criu else run
        sys.stdout.write(json.dumps(play(options.rounds, options.family, Path(directory))) + "\n")


if __name__ == "__main__":
    main()
