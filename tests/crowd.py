"""Very many connections in one network namespace, held by several processes: one may have some 10 000 descriptors.

As a program (``python -m tests.crowd NUMBER PAIRS``, within the namespace) it says ``ready``, and lets go at the end of
its input.
"""

import os
import resource
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

PATIENCE_S = 300


@contextmanager
def crowd(pairs: int) -> Iterator[str]:
    """A namespace with that many connections, both ends in it; yields its path."""
    name = f"wb-crowd-{os.getpid()}"
    path = f"/run/netns/{name}"
    within = ["nsenter", f"--net={path}"]
    subprocess.run(["ip", "netns", "add", name], check=True, timeout=60)
    try:
        subprocess.run([*within, "ip", "link", "set", "lo", "up"], check=True, timeout=60)
        with ExitStack() as programs:
            for part in _parts(pairs):
                command = [*within, sys.executable, "-m", "tests.crowd", *map(str, part)]
                program = programs.enter_context(
                    subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
                )
                assert program.stdin
                assert program.stdout
                programs.callback(program.stdin.close)
                assert program.stdout.readline() == b"ready\n"
            yield path
    finally:
        subprocess.run(["ip", "netns", "delete", name], check=True, timeout=60)


def _parts(pairs: int) -> Iterator[tuple[int, int]]:
    """(number of the part, its pairs)"""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    each = min(most // 2 - 100, 20_000)  # there are 28 000 ephemeral ports
    for number, begin in enumerate(range(0, pairs, each), 1):
        yield number, min(each, pairs - begin)


def _hold(number: int, pairs: int) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with ExitStack() as opened:
        listener = opened.enter_context(socket.create_server((f"127.0.{number}.1", 0), backlog=4096))
        for _ in range(pairs):
            opened.enter_context(socket.create_connection(listener.getsockname(), PATIENCE_S, (f"127.0.{number}.2", 0)))
            opened.enter_context(listener.accept()[0])
        sys.stdout.write("ready\n")
        sys.stdout.flush()
        sys.stdin.read()


if __name__ == "__main__":
    _hold(int(sys.argv[1]), int(sys.argv[2]))
