"""A host of the lab: run as a program, it lives in a network namespace of its own and starts what runs there.

Standard input is a SOCK_SEQPACKET socket to the lab, one JSON object a message: ``{"start": [argv]}``, with one
descriptor that becomes the program's standard input, is answered by ``{"pid": 1234}`` or ``{"error": "..."}``. When the
lab says ``{"end": true}``, or is gone, everything in the namespace is ended (a restored process as well, whoever its
parent is) and with the host the namespace goes, its links and its rules.

The lab's death is seen through a pidfd. PR_SET_PDEATHSIG would tell the death of the thread that started the host, and
the closed socket nothing while a child of the lab still has it open.
"""

import argparse
import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

from workbench.collect import procfs
from workbench.lab.marker import DEATH_TIMEOUT_S, end

LARGEST_MESSAGE = 1 << 16


class Namespace:
    """The network namespace that this process lives in."""

    def __init__(self) -> None:
        self.inode = procfs.link_inode("/proc/self/ns/net", "net")

    def has(self, pid: int) -> bool:
        """Whether a process lives in here; a zombie lives nowhere."""
        return procfs.link_inode(f"/proc/{pid}/ns/net", "net") == self.inode

    def others(self) -> list[int]:
        """Every other process in here."""
        return [pid for pid in procfs.pids() if pid != os.getpid() and self.has(pid)]

    def end_others(self) -> list[int]:
        """End all of them, also those that appear meanwhile; those that would not die within a few seconds."""
        deadline = time.monotonic() + DEATH_TIMEOUT_S
        while (found := self.others()) and time.monotonic() < deadline:
            for pid in found:
                end(pid, self.has)
        return found


class Host:
    """Starts programs, reaps them the moment they die (CRIU cannot restore a pid that a zombie has), and ends."""

    def __init__(self, control: socket.socket, runner: int) -> None:
        """``runner``: pidfd of the lab."""
        self._control = control
        self._namespace = Namespace()
        self.inode = self._namespace.inode or 0
        self._programs: dict[int, subprocess.Popen[bytes]] = {}
        self._poll = select.poll()
        self._poll.register(control, select.POLLIN)
        self._runner = runner
        self._poll.register(self._runner, select.POLLIN)
        self._orphans = self._adopt() if os.getpid() == 1 else -1

    def run(self) -> None:
        """Serve until the lab ends or is gone."""
        while True:
            for descriptor, _ in self._poll.poll():
                if descriptor in self._programs:
                    self._reap(descriptor)
                elif descriptor == self._orphans:
                    self._reap_orphans()
                elif descriptor == self._runner or not self._serve():
                    left = self._namespace.end_others()
                    with contextlib.suppress(OSError):
                        self._answer(left=left)
                    return

    def _serve(self) -> bool:
        """Answer one request; False if it is the last."""
        message, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_MESSAGE, 1)
        request: dict[str, Any] = json.loads(message) if message else {"end": True}
        if request.get("end"):
            return False
        try:
            program = subprocess.Popen(
                request["start"],
                stdin=descriptors[0],
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                cwd="/",
            )
        except OSError as error:
            self._answer(error=f"{request['start'][0]}: {error.strerror}")
        else:
            watch = os.pidfd_open(program.pid)
            self._programs[watch] = program
            self._poll.register(watch, select.POLLIN)
            self._answer(pid=program.pid)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        return True

    def _adopt(self) -> int:
        """The first process of a pid namespace is the parent of every orphan, restored processes among them."""
        reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(writing)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._poll.register(reading, select.POLLIN)
        return reading

    def _reap_orphans(self) -> None:
        os.read(self._orphans, 4096)
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass

    def _reap(self, watch: int) -> None:
        self._poll.unregister(watch)
        self._programs.pop(watch).wait()
        os.close(watch)

    def _answer(self, **fields: object) -> None:
        self._control.sendall(json.dumps(fields).encode())


def keep_pids_apart(inode: int) -> None:
    """Have the next pids differ from those of other hosts, as on machines that have run for a while (proc(5))."""
    Path("/proc/sys/kernel/ns_last_pid").write_text(str(300 + inode * 4999 % 30_000))


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", type=int, required=True, metavar="PIDFD")
    parser.add_argument("--not-in", type=int, required=True, metavar="INODE")
    options = parser.parse_args()
    host = Host(socket.socket(fileno=0), options.runner)
    if Namespace().inode in {None, options.not_in}:
        # at the end everything in the namespace dies
        raise SystemExit("a host needs a network namespace of its own")
    if os.getpid() == 1:
        keep_pids_apart(host.inode)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    host._answer(pid=os.getpid())  # noqa: SLF001
    host.run()


if __name__ == "__main__":
    main()
