"""What a real CRIU prints when something is wrong is read for what it is."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from workbench.checking import Severity
from workbench.checking.loading import entries, load
from workbench.checking.running import judge
from workbench.criu.find import find_criu
from workbench.evidence import CriuTool, Evidence
from workbench.read.log_digest import read_digest

pytestmark = [pytest.mark.root, pytest.mark.criu]

CHECKS = tuple(load(entry) for entry in entries() if entry.code.startswith("LOG"))
PROGRAM = Path(__file__).with_name("log_subject.py")
KEEP = "--tcp-established"


class Trial:
    """One subject, and CRIU's commands in its network namespace."""

    def __init__(self, criu: str, folder: Path, kind: str, inherited: int | None = None) -> None:
        self._criu = criu
        self.file = folder / "held"
        self.file.write_bytes(b"x" * 100)
        self.images = folder / "images"
        self.images.mkdir()
        self._process = subprocess.Popen(
            ["unshare", "--net", sys.executable, "-S", "-P", str(PROGRAM), kind, str(self.file)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True,
            pass_fds=[] if inherited is None else [inherited],
        )  # fmt: skip
        self.pid = self._process.pid
        assert self._process.stdout is not None
        assert self._process.stdout.read() == b"ready\n"
        self._namespace = os.open(f"/proc/{self.pid}/ns/net", os.O_RDONLY)

    def run(self, *words: str, path: str | None = None) -> tuple[bool, str | None]:
        """Whether the command went well, and the first error that the checks find in its log."""
        log = self.images / f"{words[0]}.log"
        environment = {**os.environ, **({"PATH": path} if path is not None else {})}
        done = subprocess.run(
            ["/usr/bin/nsenter", f"--net=/proc/self/fd/{self._namespace}", self._criu, *words, "-D", str(self.images),
             "-v4", "-o", str(log)],
            stdin=subprocess.DEVNULL, capture_output=True, check=False, pass_fds=[self._namespace], env=environment,
        )  # fmt: skip
        report = judge(CHECKS, Evidence(0.0, 0, (str(log),), logs=(read_digest(log),)))
        assert report.broken == ()
        first = next((item for item in report.findings if item.severity is Severity.ERROR), None)
        return done.returncode == 0, first.name if first else None

    def dump(self, *words: str, path: str | None = None) -> tuple[bool, str | None]:
        answer = self.run("dump", "-t", str(self.pid), *words, path=path)
        if answer[0] and "--leave-running" not in words:
            self._process.wait()
        return answer

    def restore(self, *words: str) -> tuple[bool, str | None]:
        return self.run("restore", "-d", *words)

    def within(self, *command: str) -> None:
        """Another program in the subject's network namespace."""
        entering = ["nsenter", f"--net=/proc/self/fd/{self._namespace}"]
        subprocess.run([*entering, *command], check=True, pass_fds=[self._namespace])

    def close(self) -> None:
        """End the subject, whoever is its parent now."""
        if self._process.returncode is None:
            self._process.kill()
            self._process.wait()
        else:
            with contextlib.suppress(ProcessLookupError):
                held = os.pidfd_open(self.pid)
                if PROGRAM.name.encode() in Path(f"/proc/{self.pid}/cmdline").read_bytes():
                    signal.pidfd_send_signal(held, signal.SIGKILL)
                os.close(held)
        assert self._process.stdout is not None
        self._process.stdout.close()
        os.close(self._namespace)


Start = Callable[..., Trial]


@pytest.fixture(scope="module")
def criu() -> str:
    tool = find_criu(trying=True)
    assert isinstance(tool, CriuTool), tool
    assert tool.works, tool
    return tool.path


@pytest.fixture
def start(criu: str, tmp_path: Path) -> Iterator[Start]:
    started: list[Trial] = []

    def one(kind: str, inherited: int | None = None) -> Trial:
        started.append(Trial(criu, tmp_path, kind, inherited))
        return started[-1]

    yield one
    for trial in started:
        trial.close()


def test_a_run_that_goes_well_is_quiet(start: Start) -> None:
    trial = start("connected")
    assert trial.dump(KEEP) == (True, None)
    assert trial.restore(KEEP) == (True, None)


@pytest.mark.parametrize(
    ("kind", "words", "name"),
    [
        ("connected", (), "tcp-flag-missing-dump"),
        ("in flight", (KEEP,), "tcp-in-flight"),
        ("mptcp", (KEEP,), "mptcp"),
    ],
)
def test_a_refused_dump(start: Start, kind: str, words: tuple[str, ...], name: str) -> None:
    assert start(kind).dump(*words) == (False, name)


def test_no_iptables_where_criu_runs(start: Start, tmp_path: Path) -> None:
    assert start("connected").dump(KEEP, "--network-lock", "iptables", path=str(tmp_path)) == (
        False,
        "netlock-iptables-tool",
    )


def test_a_unix_socket_that_leads_out_of_the_tree(start: Start) -> None:
    mine, theirs = socket.socketpair()
    with mine, theirs:
        assert start("nothing", theirs.fileno()).dump() == (False, "unix-external-peer")


def test_a_restore_without_the_option(start: Start) -> None:
    trial = start("connected")
    assert trial.dump(KEEP) == (True, None)
    assert trial.restore() == (False, "tcp-flag-missing-restore")


def test_the_original_still_runs(start: Start) -> None:
    trial = start("nothing")
    assert trial.dump("--leave-running") == (True, None)
    assert trial.restore() == (False, "pid-collision")


def test_a_file_that_grew(start: Start) -> None:
    trial = start("file")
    assert trial.dump() == (True, None)
    trial.file.write_bytes(b"x" * 200)
    assert trial.restore() == (False, "file-changed-or-missing")


def test_an_address_that_went_away(start: Start) -> None:
    trial = start("address")
    assert trial.dump(KEEP) == (True, None)
    trial.within("ip", "addr", "del", "10.9.9.9/8", "dev", "lo")
    assert trial.restore(KEEP) == (False, "ip-missing")


def test_a_port_that_somebody_took(start: Start) -> None:
    trial = start("connected")
    assert trial.dump("--tcp-close") == (True, None)
    code = "import socket,sys; s = socket.create_server(('127.0.0.1', 7022)); print(1, flush=True); sys.stdin.read()"
    thief = subprocess.Popen(
        ["nsenter", f"--net=/proc/{os.getpid()}/fd/{trial._namespace}", sys.executable, "-S", "-c", code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    try:
        assert thief.stdout is not None
        thief.stdout.readline()
        assert trial.restore("--tcp-close") == (False, "port-in-use")
    finally:
        thief.communicate()


@pytest.mark.parametrize("image", ["inventory.img", "files.img"])
def test_an_image_is_missing(start: Start, image: str) -> None:
    trial = start("nothing")
    assert trial.dump() == (True, None)
    (trial.images / image).unlink()
    assert trial.restore() == (False, "image-incompatible")


def test_the_rules_of_the_lock_are_gone(start: Start) -> None:
    """The restore goes on all the same; the log still says that nothing protected the connection."""
    trial = start("connected")
    assert trial.dump(KEEP, "--network-lock", "iptables") == (True, None)
    for tool in ("iptables", "ip6tables"):
        trial.within(tool, "-F")
    assert trial.restore(KEEP) == (True, None)
    log = trial.images / "restore.log"
    report = judge(CHECKS, Evidence(0.0, 0, (str(log),), logs=(read_digest(log),)))
    assert [(item.name, item.severity) for item in report.findings] == [("netlock-rule-missing", Severity.WARNING)]
