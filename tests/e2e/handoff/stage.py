"""A stage for hand-offs: an owner and a recipient in the network namespace it is run in, a client and a switch in
another one, and a third host that a connection can go to with its address.

A line ``STAGE|VICTIM|WAY`` on standard input is one hand-off in which VICTIM is killed at STAGE, and is answered by one
JSON object. The victim is the ``workbench`` (its watchdog steps in), the ``watchdog`` (and then the workbench, so that
``recover`` has to), the ``owner`` or the ``recipient``. The way is ``here`` (to the recipient), ``away`` (the same, to
the third host), ``into`` a file, or ``on`` from one; what is left in a file is handed on at the end. ``file||`` and
``command||`` are without harm: by way of a file, with a keeper, and to a program that is started for it.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from workbench.collect.namespaces import inside
from workbench.collect.netfilter.libnftables import run_nft
from workbench.operation.handoff.perform import hand_off
from workbench.operation.handoff.plan import HandoffRequest
from workbench.operation.handoff.planning import IN_FILE, prepare_handoff
from workbench.operation.handoff.watchdog import Watchdog
from workbench.operation.journal import entries
from workbench.operation.keeper import PeerKeeper
from workbench.operation.keeping import Kept
from workbench.operation.machine import LEFT
from workbench.operation.recover import recover
from workbench.operation.task import stat_of
from workbench.repair import read_state, take

DEADLINE_S = 30.0
HERE, THERE, AWAY = "10.78.0.2", "10.78.0.1", "10.78.0.3"
CLONE_NEWNET = 0x40000000
UNREAD = b"u" * 5000


def owner(connection: socket.socket, tell: int) -> NoReturn:
    """Answer every line with who we are; tell how it ends."""
    serve(connection, b"owner", tell)


def serve(connection: socket.socket, name: bytes, tell: int) -> NoReturn:
    rest = b""
    while True:
        try:
            content = connection.recv(65536)
        except OSError as error:
            os.write(tell, type(error).__name__.encode() + b"\n")
            break
        if not content:
            os.write(tell, b"EOF\n")
            break
        *lines, rest = (rest + content).split(b"\n")
        for line in lines:
            connection.sendall(name + b" " + line + b"\n")
    signal.pause()
    os._exit(0)


class Play:
    """One connection with its client, owner and recipient."""

    def __init__(self, directory: Path, elsewhere: str) -> None:
        self.path = directory / f"{time.monotonic_ns()}.sock"
        with socket.create_server((HERE, 0)) as listener:
            self.client = inside(elsewhere, lambda: socket.create_connection(listener.getsockname()))
            accepted, _ = listener.accept()
        self.heard, tell = os.pipe()
        self.fd = accepted.fileno()
        self.owner = os.fork()
        if not self.owner:
            owner(accepted, tell)
        accepted.close()
        self._tell = tell
        self.recipient = self._begin_recipient()
        self.number = 0

    def _begin_recipient(self) -> int:
        """A process that waits for the connection."""
        recipient = os.fork()
        if not recipient:
            self.client.close()
            with contextlib.suppress(ConnectionError):
                serve(take(self.path), b"recipient", self._tell)
            os._exit(1)
        deadline = time.monotonic() + DEADLINE_S
        while not self.path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        return recipient

    def another_recipient(self) -> None:
        end(self.recipient)
        self.path.unlink(missing_ok=True)
        self.recipient = self._begin_recipient()

    def ask(self) -> str:
        """Who answers the next line, which must come back as it was; empty if nobody does."""
        self.number += 1
        line = b"%d " % self.number + UNREAD
        answer = b""
        deadline = time.monotonic() + DEADLINE_S
        try:
            self.client.sendall(line + b"\n")
            while not answer.endswith(b"\n"):
                if not select.select([self.client], [], [], max(deadline - time.monotonic(), 0))[0]:
                    return ""
                content = self.client.recv(65536)
                if not content:
                    return "closed"
                answer += content
        except ConnectionError:
            return "closed"
        who, _, same = answer[:-1].partition(b" ")
        return who.decode() if same == line else "wrong bytes"

    def stopped(self) -> list[str]:
        """Who stands still, and does so for ever."""
        deadline = time.monotonic() + DEADLINE_S
        pids = {"owner": self.owner, "recipient": self.recipient}
        while True:
            states = {name: stat_of(pid) for name, pid in pids.items()}
            still = [name for name, found in states.items() if found and found.state in "tT"]
            if not still or time.monotonic() > deadline:
                return still
            time.sleep(0.02)

    def old_owner_heard(self) -> str:
        if not select.select([self.heard], [], [], 0)[0]:
            return ""
        return os.read(self.heard, 100).decode().strip()

    def close(self) -> None:
        self.client.close()
        for pid in (self.owner, self.recipient):
            end(pid)
        os.close(self.heard)
        os.close(self._tell)


def end(pid: int) -> None:
    """A child of ours."""
    pidfd = os.pidfd_open(pid)
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)
    os.waitpid(pid, 0)


def hand_over(play: Play, stage: str, victim: str, request: HandoffRequest) -> str:
    """A workbench of its own hands it over; at the stage it ends the victim. What it says, if it still can."""
    reading, writing = os.pipe()
    workbench = os.fork()
    if not workbench:
        try:
            os.write(writing, doomed(play, stage, victim, request).encode())
        finally:
            os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        said = told.read().decode()
    os.waitpid(workbench, 0)
    return said


def doomed(play: Play, stage: str, victim: str, request: HandoffRequest) -> str:
    watchdog = Watchdog()
    pids = {"workbench": [os.getpid()], "watchdog": [watchdog.pid, os.getpid()]}
    pids |= {"owner": [play.owner], "recipient": [play.recipient]}
    pidfds = [os.pidfd_open(each) for each in pids[victim]]

    reached = []

    def at(transition: str) -> None:
        if transition == stage:
            reached.append(transition)
            for pidfd in pidfds:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                select.select([pidfd], [], [])

    handed = hand_off(prepare_handoff(request), watchdog=watchdog, at=at)
    watchdog.close()
    return f"{handed.outcome if reached else 'never came to ' + stage}: {handed.sentence}"


def settled() -> Iterator[str]:
    """Wait until the watchdog has put right what can be; what it said."""
    deadline = time.monotonic() + DEADLINE_S
    while any(not entry.ended and entry.transitions[-1] not in {LEFT, IN_FILE} for entry in entries()):
        if time.monotonic() > deadline:
            yield "never"
            return
        time.sleep(0.02)
    yield from entries()[-1].facts.get("sentences", ())


def by_file(play: Play, file: Path) -> str:
    """Out into a file, kept there until the client has been answered for, and on from there."""
    out = hand_off(prepare_handoff(HandoffRequest(pid=play.owner, fd=play.fd, keep=str(file))))
    found = read_state(file)
    with PeerKeeper(str(file), "/proc/self/ns/net") as keeper:
        ended: list[Kept] = []
        thread = threading.Thread(target=lambda: ended.extend(keeper.run(DEADLINE_S)))
        thread.start()
        play.client.sendall(b"meanwhile\n")
        deadline = time.monotonic() + DEADLINE_S
        while not keeper.answered and time.monotonic() < deadline:
            time.sleep(0.01)
        waiting = [sentence for report in recover() for sentence in report.sentences]
        on = hand_off(prepare_handoff(HandoffRequest(state_file=str(file), to=str(play.path))))
        thread.join()
    while not play.client.recv(1 << 16).endswith(b"meanwhile\n"):
        pass
    said = (out.outcome, found.state.name, on.outcome, ended[0].ending, f"{bool(ended[0].answered)}")
    return "; ".join((*said, str(sum("hand it on with workbench handoff --from" in each for each in waiting))))


COMMAND = """
import os, socket
connection = socket.socket(fileno=3)
mine = os.environ["LISTEN_PID"] == str(os.getpid()) and os.environ["LISTEN_FDS"] == "1"
for line in connection.makefile("rb"):
    connection.sendall((b"command " if mine else b"confused ") + line)
"""


def to_command(play: Play) -> str:
    request = HandoffRequest(pid=play.owner, fd=play.fd, command=(sys.executable, "-c", COMMAND))
    return hand_off(prepare_handoff(request)).outcome


def play(directory: Path, hosts: "Hosts", stage: str, victim: str, way: str) -> dict[str, Any]:
    one = Play(directory, hosts.client)
    file = directory / f"{time.monotonic_ns()}.connection"
    try:
        first = one.ask()
        if stage == "file":
            said = by_file(one, directory / "connection.state")
        elif stage == "command":
            said = to_command(one)
        else:
            said = hand_over(one, stage, victim, requested(one, hosts, way, file))
        reports: list[str] = []
        if victim == "watchdog":
            reports = [sentence for report in recover() for sentence in report.sentences]
        elif victim == "workbench":
            reports = list(settled())
        stopped = one.stopped()
        left = file.exists() and handed_on(one, file)
        answers = [first, one.ask(), one.ask()]
        return {
            "said": said,
            "answers": answers,
            "stopped": stopped,
            "left_in_file": left,
            "old": one.old_owner_heard(),
            "tables": "".join(inside(path, lambda: run_nft("list tables")) for path in hosts.paths),
            "address": hosts.place_of(HERE),
            "reports": reports,
            "unfinished": [entry.id for entry in entries() if not entry.ended],
            "files": [each.name for each in Path(os.environ["WORKBENCH_STATE"]).glob("*.state")],
        }
    finally:
        one.close()
        hosts.bring_back()


def handed_on(play: Play, file: Path) -> bool:
    """What was left in the file goes to another recipient; not if it lives already."""
    request = HandoffRequest(state_file=str(file), to=str(play.path))
    if any("lives there" in each for each in prepare_handoff(request).obstacles):
        return False
    play.another_recipient()
    return hand_off(prepare_handoff(request)).succeeded


def requested(play: Play, hosts: "Hosts", way: str, file: Path) -> HandoffRequest:
    if way == "into":
        return HandoffRequest(pid=play.owner, fd=play.fd, keep=str(file))
    if way == "on":
        hand_off(prepare_handoff(HandoffRequest(pid=play.owner, fd=play.fd, keep=str(file))))
        return HandoffRequest(state_file=str(file), to=str(play.path))
    request = HandoffRequest(pid=play.owner, fd=play.fd, to=str(play.path))
    return replace(request, netns=hosts.away, move_address=True) if way == "away" else request


class Hosts:
    """This network namespace, the client's with a switch, and a third, each of the others held by a process."""

    def __init__(self) -> None:
        self.pids = [held_namespace() for _ in range(2)]
        self.client, self.away = (f"/proc/{pid}/ns/net" for pid in self.pids)
        self.paths = ("/proc/self/ns/net", self.client, self.away)
        ip(None, "link", "set", "lo", "up")
        ip(self.client, "link", "add", "switch", "type", "bridge")
        for place, port in ((None, "port0"), (self.away, "port1")):
            pid = os.getpid() if place is None else self.pids[1]
            cable = ("type", "veth", "peer", "name", "eth0", "netns", str(pid))
            ip(self.client, "link", "add", port, *cable)
            ip(self.client, "link", "set", port, "master", "switch", "up")
            ip(place, "link", "set", "eth0", "up")
        ip(self.client, "link", "set", "switch", "up")
        for place, device, address in ((self.client, "switch", THERE), (self.away, "eth0", AWAY)):
            ip(place, "addr", "add", f"{address}/24", "dev", device)
        ip(None, "addr", "add", f"{HERE}/24", "dev", "eth0")

    def place_of(self, address: str) -> str:
        names = {None: "here", self.away: "away"}
        return " ".join(name for place, name in names.items() if f" {address}/" in ip(place, "-o", "addr"))

    def bring_back(self) -> None:
        """The address, for the next play."""
        if self.place_of(HERE) == "away":
            ip(self.away, "addr", "del", f"{HERE}/24", "dev", "eth0")
            ip(None, "addr", "add", f"{HERE}/24", "dev", "eth0")
            ip(self.client, "neigh", "flush", "all")


def ip(place: str | None, *words: str) -> str:
    entering = ["nsenter", f"--net={place}"] if place else []
    return subprocess.run([*entering, "ip", *words], check=True, capture_output=True, text=True).stdout


def held_namespace() -> int:
    """A process that holds a network namespace of its own."""
    ready = socket.socketpair()
    pid = os.fork()
    if not pid:
        ctypes.CDLL(None).unshare(CLONE_NEWNET)
        ready[1].send(b"here")
        signal.pause()
        os._exit(0)
    ready[0].recv(16)
    return pid


def main() -> None:
    directory = Path(os.environ["WORKBENCH_STATE"])
    hosts = Hosts()
    try:
        for line in sys.stdin:
            found = play(directory, hosts, *line.rstrip("\n").split("|"))
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()
    finally:
        for pid in hosts.pids:
            end(pid)


if __name__ == "__main__":
    main()
