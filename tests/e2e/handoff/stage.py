"""A stage for hand-offs that come to harm: a client, an owner and a recipient in the network namespace it is run in.

A line ``STAGE|VICTIM`` on standard input is one hand-off in which VICTIM is killed at STAGE, and is answered by one
JSON object. The victim is the ``workbench`` (its watchdog steps in), the ``watchdog`` (and then the workbench, so that
``recover`` has to), the ``owner`` or the ``recipient``.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from workbench.collect.netfilter.libnftables import run_nft
from workbench.operation.handoff.perform import hand_off
from workbench.operation.handoff.plan import HandoffRequest
from workbench.operation.handoff.planning import prepare_handoff
from workbench.operation.handoff.watchdog import Watchdog
from workbench.operation.journal import entries
from workbench.operation.recover import recover
from workbench.operation.task import stat_of
from workbench.repair import take

DEADLINE_S = 30.0
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

    def __init__(self, directory: Path) -> None:
        self.path = directory / f"{time.monotonic_ns()}.sock"
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.client = socket.create_connection(listener.getsockname())
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
            pidfd = os.pidfd_open(pid)
            signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.close(pidfd)
            os.waitpid(pid, 0)
        os.close(self.heard)


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


def play(directory: Path, stage: str, victim: str) -> dict[str, Any]:
    one = Play(directory)
    try:
        first = one.ask()
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


def main() -> None:
    directory = Path(os.environ["WORKBENCH_STATE"])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    for line in sys.stdin:
        stage, victim = line.rstrip("\n").split("|")
        sys.stdout.write(json.dumps(play(directory, stage, victim)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
