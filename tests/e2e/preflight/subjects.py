"""One process with something open that CRIU may or may not be able to dump: a program that tests run.

``python -m tests.e2e.preflight.subjects KIND FILE`` makes a network namespace and in it everything that KIND names,
hands the dumped end to a child that has nothing else open, prints the child's pid and its descriptors, and remains as
the peer. ``send`` on standard input sends a byte over every connection, ``drain`` reads all that comes and
prints the number of bytes, ``ended`` prints how many connections are over. At the end of the input everything that
descends from it is ended.
"""

import contextlib
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from tests.e2e.preflight import option_kinds, other_kinds, process_kinds, state_kinds, tcp_kinds
from tests.e2e.preflight.making import (
    CLONE_NEWNET,
    after_fork,
    called,
    enter_namespace,
    kept,
    listen_again,
    no_session,
    peers,
)

PR_SET_CHILD_SUBREAPER = 36
TCP_CLOSE = 7


def make(kind: str) -> list[Any]:
    """Everything that the subject will have open."""
    name = kind.replace("-", "_")
    modules = (tcp_kinds, state_kinds, option_kinds, other_kinds, process_kinds)
    module = next(each for each in modules if hasattr(each, name))
    made: list[Any] = getattr(module, name)()
    return made


def subject(things: list[Any], ready: int) -> None:
    """The process that is dumped: alone in its session, with nothing open but what it is given."""
    if not no_session:
        os.setsid()
    wanted = {each if isinstance(each, int) else each.fileno() for each in things}
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    for descriptor in [int(each.name) for each in Path("/proc/self/fd").iterdir()]:
        if descriptor > 2 and descriptor not in wanted | {ready}:
            with contextlib.suppress(OSError):
                os.close(descriptor)
    root = os.getpid()
    for act in after_fork:
        act()
    if os.getpid() == root:
        os.write(ready, (" ".join(map(str, sorted(wanted))) + "\n").encode())
    os.close(ready)
    while True:
        signal.pause()


def drained(end: socket.socket) -> int:
    """Bytes that come until the end of the stream, or until a reset."""
    total = 0
    with contextlib.suppress(ConnectionResetError):
        while more := end.recv(1 << 20):
            total += len(more)
    return total


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


def main() -> None:
    called("prctl", PR_SET_CHILD_SUBREAPER, 1)  # descendants of a dumped process are reaped here too
    enter_namespace()
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    things = make(sys.argv[1])
    called("setns", home, CLONE_NEWNET)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the pid must be free as soon as CRIU has ended it
    told, ready = os.pipe()
    if (child := os.fork()) == 0:
        os.close(told)
        subject(things, ready)
    os.close(ready)
    for each in things:
        if not any(each is other for other in kept):
            os.close(each) if isinstance(each, int) else each.close()
    say(f"{child} {os.read(told, 4096).decode().strip()}")
    for line in sys.stdin:
        listen_again()
        if line.strip() == "send":
            for peer in peers:
                peer.send(b"!")
            say("sent")
        if line.strip() == "ended":
            say(str(sum(peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSE for peer in peers)))
        if line.strip() == "drain":
            say(str(sum(map(drained, peers))))
    while found := Path("/proc/thread-self/children").read_text().split():
        for pid in map(int, found):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)  # a child of ours, not waited for: the pid is its own


if __name__ == "__main__":
    main()
