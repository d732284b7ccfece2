"""Hosts of a lab, each a network namespace that vanishes with the lab, and the links between them."""

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterable, Sequence
from typing import Any

from workbench.collect import procfs
from workbench.errors import WorkbenchError
from workbench.evidence import NetworkNamespace
from workbench.lab.host import LARGEST_MESSAGE
from workbench.lab.marker import DEATH_TIMEOUT_S, VARIABLE

DEVICE = "eth0"
ANSWER_TIMEOUT_S = 20.0


class Host:
    """One host: a process that holds the namespace, and what was started there.

    No name in /run/netns and no mount: the namespace lives as long as a process or socket in it. Nothing of it touches
    the namespace of the caller.
    """

    def __init__(self, name: str, lab: str, *, own_pids: bool = False) -> None:
        """``own_pids``: a pid namespace too, whose first process the host is; its pids are not those outside."""
        if os.geteuid() != 0:
            raise WorkbenchError("the lab makes network namespaces, which needs root", "run it as root")
        self.name = name
        self.own_address = ""
        """The first that it was given."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        here = procfs.link_inode("/proc/self/ns/net", "net")
        runner = os.pidfd_open(os.getpid())  # seen through every pid namespace
        program = [sys.executable, "-m", "workbench.lab.host", "--runner", str(runner), "--not-in", str(here)]
        apart = ["--pid", "--fork", "--mount-proc", "--kill-child"] if own_pids else []
        with theirs:
            self._process = subprocess.Popen(
                ["unshare", "--net", *apart, "--", *program],
                pass_fds=[runner],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,  # Ctrl-C in the terminal ends the lab, and that the hosts, in this order
                env={**os.environ, VARIABLE: lab},
                cwd="/",
            )
        os.close(runner)
        self._control = ours
        self._control.settimeout(ANSWER_TIMEOUT_S)
        self.pid = self._process.pid
        """As it is seen from outside."""
        try:
            self._receive()
            if own_pids:
                children = procfs.read(f"/proc/{self._process.pid}/task/{self._process.pid}/children") or b""
                self.pid = int(children.split()[0])
        except BaseException:
            self.close()
            raise
        inode = procfs.link_inode(self.path, "net")
        assert inode is not None
        self.inode = inode

    @property
    def path(self) -> str:
        """By which the namespace can be entered (``nsenter --net=``) as long as the lab lives."""
        return f"/proc/{self.pid}/ns/net"

    @property
    def namespace(self) -> NetworkNamespace:
        return NetworkNamespace(self.inode, self.path)

    def start(self, program: Sequence[str], stdin: socket.socket | int) -> int:
        """Start a program on this host and return its pid; the host is its parent."""
        descriptor = stdin if isinstance(stdin, int) else stdin.fileno()
        socket.send_fds(self._control, [json.dumps({"start": list(program)}).encode()], [descriptor])
        answer = self._receive()
        if "pid" not in answer:
            raise WorkbenchError(f"the lab cannot start a program: {answer.get('error', 'no reason given')}")
        return int(answer["pid"])

    def entering(self, *words: str) -> list[str]:
        """A command that runs on this host in every respect, its process ids included."""
        return ["nsenter", f"--target={self.pid}", "--net", "--pid", "--mount", "--", *words]

    def inside(self, *words: str, text: str = "") -> str:
        """Run a command in the namespace and return what it printed."""
        done = subprocess.run(
            ["nsenter", f"--net={self.path}", *words], input=text, capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            raise WorkbenchError(f"{words[0]} on host {self.name}: {done.stderr.strip() or done.returncode}")
        return done.stdout

    def configure(self, *lines: str) -> None:
        """Links, addresses and routes: lines as ip(8) takes them in a batch."""
        self.inside("ip", "-batch", "-", text="\n".join((*lines, "")))

    def close(self) -> tuple[int, ...]:
        """End everything on this host and the host itself; pids that would not die."""
        left: tuple[int, ...] = ()
        try:
            self._control.settimeout(2 * DEATH_TIMEOUT_S)
            self._control.sendall(b'{"end": true}')
            left = tuple(self._receive().get("left", ()))
        except (OSError, WorkbenchError):
            self._process.kill()  # a child of ours that is not waited for yet: the pid is its own
        self._control.close()
        self._process.wait()
        if self._process.stderr:
            self._process.stderr.close()
        return left

    def _receive(self) -> dict[str, Any]:
        try:
            message = self._control.recv(LARGEST_MESSAGE)
        except TimeoutError:
            raise WorkbenchError(f"host {self.name} of the lab does not answer") from None
        if not message:
            words = self._process.stderr.read().decode(errors="replace").strip() if self._process.stderr else ""
            raise WorkbenchError(f"host {self.name} of the lab ended: {words or 'no reason given'}")
        answer: dict[str, Any] = json.loads(message)
        return answer


def join(first: Host, second: Host) -> None:
    """Put a cable (veth pair) between two hosts; each calls its end eth0."""
    first.configure(f"link add {DEVICE} type veth peer name {DEVICE} netns {second.pid}", f"link set {DEVICE} up")
    second.configure(f"link set {DEVICE} up")


def plug_over(before: Host, after: Host) -> None:
    """The cable of one host goes to another, which takes its place; the end of the third one loses its carrier."""
    before.configure(f"link set {DEVICE} down", f"link set {DEVICE} netns {after.pid}")
    after.configure(f"link set {DEVICE} up")


def plug_in(switch: Host, hosts: Iterable[Host]) -> None:
    """Connect hosts by a bridge that lives on a host of its own; each calls its end eth0."""
    switch.configure("link add bridge0 type bridge", "link set bridge0 up")
    for number, host in enumerate(hosts):
        port = f"port{number}"
        switch.configure(f"link add {port} type veth peer name {DEVICE} netns {host.pid}",
                         f"link set {port} master bridge0 up")  # fmt: skip
        host.configure(f"link set {DEVICE} up")


def address(host: Host, prefixes: Sequence[str]) -> None:
    """Give addresses such as ``10.77.0.2/24``, usable at once: without duplicate address detection (RFC 4862)."""
    lines = [f"address add {one} dev {DEVICE}{' nodad' if ':' in one else ''}" for one in prefixes]
    if lines:
        host.configure(*lines)
        host.own_address = prefixes[0].partition("/")[0]


def slow_down(host: Host, kbit: int) -> None:
    """Let no more than ``kbit`` kbit/s leave a host: what its programs write faster waits in their send queues."""
    host.inside("tc", "qdisc", "add", "dev", DEVICE, "root", "tbf",
                "rate", f"{kbit}kbit", "burst", "4kb", "limit", "24kb")  # fmt: skip
