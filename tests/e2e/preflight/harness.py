"""One subject with evidence, CRIU and the library of checks at hand."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path

from workbench.checking.check import Broken, Check
from workbench.checking.derived import Sections
from workbench.checking.loading import entries, load
from workbench.checking.running import Report, judge
from workbench.checking.survival import Verdict
from workbench.collect import procfs
from workbench.collect.files import collect_files
from workbench.collect.live import LiveSource
from workbench.collect.processes import tree
from workbench.criu.rpc import Swrk
from workbench.evidence import CriuTool, Evidence, Gap, Socket, Target
from workbench.read.criu_images import read_image_directory

ROOT = Path(__file__).parents[3]
SECTIONS = frozenset(
    {
        "processes",
        "descriptors",
        "borrowed",
        "sockets",
        "sequences",
        "network",
        "host",
        "sysctls",
        "rules",
        "locks",
        "conntrack",
    }
)
RESTORE_SECTIONS = frozenset(
    {"processes", "sockets", "sequences", "network", "host", "sysctls", "rules", "locks", "conntrack"}
)
DEADLINE_S = 20.0
_OF_ONE_RUN = re.compile(r"\([^)]*\)|\[[0-7]+\]|\b0x[0-9a-f]+\b|\b[0-9a-f]*\d[0-9a-f]*\b")
_NOISE = ("RLIMIT_NOFILE", "address already assigned", "Address already assigned")


def until(condition: Callable[[], bool]) -> None:
    """Wait for something that has no event."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, "it never came true"
        time.sleep(0.005)


def rpc_options(options: list[str]) -> dict[str, object]:
    """``--file-locks`` as CRIU's RPC calls it."""
    found: dict[str, object] = {}
    for each in options:
        name, _, value = each.removeprefix("--").replace("-", "_").partition(" ")
        name = "tcp_skip_in_flight" if name == "skip_in_flight" else name
        found[name] = int(value) if value else True
    return found


def plain(text: str) -> str:
    """A message without numbers and what stands in parentheses: they are of one run."""
    return re.sub(r"\s+([:.,])", r"\1", re.sub(r"\s+", " ", _OF_ONE_RUN.sub("", text))).strip(" .")


@cache
def _host() -> LiveSource:
    """One for the whole run: to make one costs more than to look."""
    return LiveSource()


class Subject:
    """A process with something open, alone in a network namespace; what is told of it, and what CRIU does to it."""

    def __init__(self, kind: str, criu: str, scratch: Path) -> None:
        self.criu, self.images = criu, scratch / "images"
        self.images.mkdir()
        self._program = subprocess.Popen(
            [sys.executable, "-S", "-E", "-m", "tests.e2e.preflight.subjects", kind, str(scratch / "file")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        assert self._program.stdout is not None
        words = self._program.stdout.readline().split()
        assert words, f"no subject of kind {kind}"
        self.pid = int(words[0])
        assert self.pid > 1
        self._pidfds = [os.pidfd_open(self.pid)]
        self.netns = Path(self.netns_path).stat().st_ino

    @property
    def netns_path(self) -> str:
        return f"/proc/{self._program.pid}/ns/net"

    def order(self, word: str) -> str:
        assert self._program.stdin is not None
        assert self._program.stdout is not None
        self._program.stdin.write(word + "\n")
        self._program.stdin.flush()
        return self._program.stdout.readline().strip()

    def sockets(self) -> list[Socket]:
        """TCP sockets of the namespace, both ends."""
        found = _host().evidence({"sockets"}).sockets
        assert not isinstance(found, Gap)
        return [each for each in found if each.netns == self.netns]

    def evidence(self) -> Evidence:
        """What a preflight would look at."""
        found = self._with_tool(_host().evidence(SECTIONS, (self.pid,)))
        assert not isinstance(found.processes, Gap)
        return replace(found, target=Target("dump", "subject", frozenset(tree(found.processes, (self.pid,)))))

    def restore_evidence(self) -> Evidence:
        """What a preflight for the restore of its images would look at."""
        image = read_image_directory(self.images)
        found = self._with_tool(_host().evidence(RESTORE_SECTIONS))
        target = Target("restore", image.path, images=image.path, netns=self.netns)
        return replace(found, images=(image,), files=collect_files(each.path for each in image.files), target=target)

    def _with_tool(self, found: Evidence) -> Evidence:
        assert not isinstance(found.host, Gap)
        return replace(found, host=replace(found.host, criu=CriuTool(self.criu, "", True, "path")))

    def inside(self, *command: str) -> None:
        """Run a command in the namespace."""
        subprocess.run(
            ["nsenter", f"--net={self.netns_path}", *command], check=True, capture_output=True, timeout=DEADLINE_S
        )

    def dump(self, options: Mapping[str, object]) -> list[str]:
        """Errors of a dump; empty if it succeeded, and then everything of it has ended."""
        for each in self.images.iterdir():
            each.unlink()
        members = self._pids()
        options = {"pid": self.pid, "network_lock": "NFTABLES", **options}
        errors = self._request("dump", options)
        if not errors:
            until(lambda: not any(procfs.read(f"/proc/{pid}/stat") for pid in members))
        return errors

    def restore(self, options: Mapping[str, object]) -> list[str]:
        """Errors of a restore; empty if it succeeded."""
        wanted = {name: value for name, value in options.items() if name != "tcp_skip_in_flight"}
        return self._request("restore", wanted)

    def restore_on_terminal(self) -> list[str]:
        """Errors of a restore that is typed into a terminal, as ``--shell-job`` needs it."""
        until(lambda: procfs.read(f"/proc/{self.pid}/stat") is None)  # a restore that failed may have left a zombie
        master, slave = os.openpty()
        command = ["nsenter", f"--net={self.netns_path}", self.criu, "restore", "-d", "--shell-job"]
        command += ["-D", str(self.images), "-o", "restore.log", "--pidfile", str(self.images / "pid")]
        try:
            done = subprocess.run(
                ["setsid", "--ctty", "--wait", *command], stdin=slave, stdout=slave, stderr=slave, check=False
            )
        finally:
            os.close(slave)
            os.close(master)
        return [] if done.returncode == 0 else _errors(self.images / "restore.log")

    def is_alive(self) -> bool:
        """The process is there and runs."""
        return (procfs.read(f"/proc/{self.pid}/stat") or b") Z").rpartition(b")")[2].split()[0] in b"SR"

    def close(self) -> None:
        """End the subject, what was restored, and the peer."""
        for pid in self._members():
            with suppress(ProcessLookupError):
                pidfd = os.pidfd_open(pid)
                if pid in self._members():
                    signal.pidfd_send_signal(pidfd, signal.SIGKILL)
                os.close(pidfd)
        for pidfd in self._pidfds:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            os.close(pidfd)
        self._program.communicate()

    def _members(self) -> list[int]:
        """Processes in the namespace besides the program that made it."""
        others = (pid for pid in procfs.pids() if pid not in {1, os.getpid(), self._program.pid})
        return [pid for pid in others if procfs.link_inode(f"/proc/{pid}/ns/net", "net") == self.netns]

    def _pids(self) -> list[int]:
        processes = _host().evidence({"processes"}).processes
        assert not isinstance(processes, Gap)
        return list(tree(processes, (self.pid,)))

    def _request(self, kind: str, options: Mapping[str, object]) -> list[str]:
        directory = os.open(self.images, os.O_RDONLY | os.O_DIRECTORY)
        log = f"{kind}.log"
        try:
            with Swrk(self.criu, self.netns_path) as swrk:
                asked = {"images_dir_fd": directory, "log_level": 4, "log_file": log, **options}
                response = swrk.request(kind, asked, lambda _: True)
        finally:
            os.close(directory)
        if response.success:
            if response.pid is not None:
                self._pidfds.append(os.pidfd_open(response.pid))
            return []
        return _errors(self.images / log)


def _errors(log: Path) -> list[str]:
    lines = log.read_text(errors="replace").splitlines()
    return [line for line in lines if "Error" in line and not any(word in line for word in _NOISE)]


def verdicts_of(evidence: Evidence) -> tuple[Verdict, ...]:
    found = Sections(evidence)["verdicts"]
    assert isinstance(found, tuple), found
    return found


def report_of(evidence: Evidence) -> Report:
    """What the library says of processes, sockets and images; locks of others that come and go are not its matter."""
    return judge(_library(), evidence)


@cache
def _library() -> list[Check | Broken]:
    return [load(entry) for entry in entries() if entry.code[:3] in {"PRC", "SCK", "IMG"} and not entry.own]
