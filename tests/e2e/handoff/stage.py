"""A stage for hand-offs: an owner and a recipient in the network namespace it is run in, a client in another one.

A line ``STAGE|VICTIM`` on standard input is one hand-off in which VICTIM is killed at STAGE, and is answered by one
JSON object. The victim is the ``workbench`` (its watchdog steps in), the ``watchdog`` (and then the workbench, so that
``recover`` has to), the ``owner`` or the ``recipient``. ``file|`` and ``command|`` are without harm: by way of
a file, with a keeper, and to a program that is started for it.
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
from pathlib import Path
from typing import Any, NoReturn

from workbench.collect.namespaces import inside
from workbench.collect.netfilter.libnftables import run_nft
from workbench.operation.handoff.perform import hand_off
from workbench.operation.handoff.plan import HandoffRequest
from workbench.operation.handoff.planning import prepare_handoff
from workbench.operation.handoff.watchdog import Watchdog
from workbench.operation.journal import entries
from workbench.operation.keeper import PeerKeeper
from workbench.operation.keeping import Kept
from workbench.operation.recover import recover
from workbench.operation.task import stat_of
from workbench.repair import read_state, take

DEADLINE_S = 30.0
HERE, THERE = "10.78.0.2", "10.78.0.1"
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
        self.recipient = os.fork()
        if not self.recipient:
            for end in (accepted, self.client):
                end.close()
            with contextlib.suppress(ConnectionError):
                serve(take(self.path), b"recipient", tell)
            os._exit(1)
        accepted.close()
        os.close(tell)
        self.number = 0
        deadline = time.monotonic() + DEADLINE_S
        while not self.path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)

    def ask(self) -> str:
        """Who answers the next line, which must come back as it was; empty if nobody does."""
        self.number += 1
        line = b"%d " % self.number + UNREAD
        self.client.sendall(line + b"\n")
        answer = b""
        deadline = time.monotonic() + DEADLINE_S
        while not answer.endswith(b"\n"):
            if not select.select([self.client], [], [], max(deadline - time.monotonic(), 0))[0]:
                return ""
            content = self.client.recv(65536)
            if not content:
                return "closed"
            answer += content
        who, _, same = answer[:-1].partition(b" ")
        return who.decode() if same == line else "wrong bytes"

    def old_owner_heard(self) -> str:
        if not select.select([self.heard], [], [], 0)[0]:
            return ""
        return os.read(self.heard, 100).decode().strip()

    def close(self) -> None:
        self.client.close()
        for pid in (self.owner, self.recipient):
            end(pid)
        os.close(self.heard)


def end(pid: int) -> None:
    """A child of ours."""
    pidfd = os.pidfd_open(pid)
    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
    os.close(pidfd)
    os.waitpid(pid, 0)


def hand_over(play: Play, stage: str, victim: str) -> str:
    """A workbench of its own hands it over; at the stage it ends the victim. What it says, if it still can."""
    reading, writing = os.pipe()
    workbench = os.fork()
    if not workbench:
        os.write(writing, doomed(play, stage, victim).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, "rb") as told:
        said = told.read().decode()
    os.waitpid(workbench, 0)
    return said


def doomed(play: Play, stage: str, victim: str) -> str:
    watchdog = Watchdog()
    pids = {"workbench": [os.getpid()], "watchdog": [watchdog.pid, os.getpid()]}
    pids |= {"owner": [play.owner], "recipient": [play.recipient]}
    pidfds = [os.pidfd_open(each) for each in pids[victim]]

    def at(transition: str) -> None:
        if transition == stage:
            for pidfd in pidfds:
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                select.select([pidfd], [], [])

    request = HandoffRequest(pid=play.owner, fd=play.fd, to=str(play.path))
    handed = hand_off(prepare_handoff(request), watchdog=watchdog, at=at)
    watchdog.close()
    return f"{handed.outcome}: {handed.sentence}"


def settled() -> Iterator[str]:
    """Wait until the watchdog has put it right; what it said."""
    deadline = time.monotonic() + DEADLINE_S
    while any(not entry.ended for entry in entries()):
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


def play(directory: Path, elsewhere: str, stage: str, victim: str) -> dict[str, Any]:
    one = Play(directory, elsewhere)
    try:
        first = one.ask()
        if stage == "file":
            said = by_file(one, directory / "connection.state")
        elif stage == "command":
            said = to_command(one)
        else:
            said = hand_over(one, stage, victim)
        reports: list[str] = []
        if victim == "watchdog":
            reports = [sentence for report in recover() for sentence in report.sentences]
        elif victim == "workbench":
            reports = list(settled())
        answers = [first, one.ask(), one.ask()]
        states = {name: stat_of(pid) for name, pid in (("owner", one.owner), ("recipient", one.recipient))}
        return {
            "said": said,
            "answers": answers,
            "stopped": [name for name, found in states.items() if found and found.state in "tT"],
            "old": one.old_owner_heard(),
            "tables": run_nft("list tables"),
            "reports": reports,
            "unfinished": [entry.id for entry in entries() if not entry.ended],
            "files": [each.name for each in Path(os.environ["WORKBENCH_STATE"]).glob("*.state")],
        }
    finally:
        one.close()


def another_host() -> int:
    """A network namespace at the other end of a cable, held by a process."""
    ready = socket.socketpair()
    pid = os.fork()
    if not pid:
        ctypes.CDLL(None).unshare(CLONE_NEWNET)
        ready[1].send(b"here")
        signal.pause()
        os._exit(0)
    ready[0].recv(16)
    ip = (["ip"], ["nsenter", f"--net=/proc/{pid}/ns/net", "ip"])
    subprocess.run([*ip[0], "link", "set", "lo", "up"], check=True)
    cable = ["link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", str(pid)]
    subprocess.run([*ip[0], *cable], check=True)
    for entering, address in zip(ip, (HERE, THERE), strict=True):
        subprocess.run([*entering, "link", "set", "eth0", "up"], check=True)
        subprocess.run([*entering, "addr", "add", f"{address}/24", "dev", "eth0"], check=True)
    return pid


def main() -> None:
    directory = Path(os.environ["WORKBENCH_STATE"])
    holder = another_host()
    try:
        for line in sys.stdin:
            stage, victim = line.rstrip("\n").split("|")
            found = play(directory, f"/proc/{holder}/ns/net", stage, victim)
            sys.stdout.write(json.dumps(found) + "\n")
            sys.stdout.flush()
    finally:
        end(holder)


if __name__ == "__main__":
    main()
