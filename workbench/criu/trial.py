"""Whether a CRIU works on this kernel: not by its version but by a dump and a restore of a connected process."""

import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

TIMEOUT_S = 30


@dataclass(frozen=True, slots=True)
class Trial:
    """Result of a trial."""

    works: bool
    detail: str
    """What was done, or what failed: the first error of CRIU's log that says something."""
    seconds: float | None = None


def _last_words(log: Path) -> str:
    """The first error line of a CRIU log that is not the rlimit noise of a missing CAP_SYS_RESOURCE."""
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "it wrote no log"
    errors = [line.partition("Error (")[2] for line in lines if "Error (" in line and "RLIMIT_NOFILE" not in line]
    return errors[0].partition("): ")[2] or errors[0] if errors else "its log names no error"


def _run(command: list[str], log: Path) -> str | None:
    """Run CRIU; None if it succeeded, else why not."""
    try:
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=TIMEOUT_S, check=False)
    except subprocess.TimeoutExpired:
        return f"it did not end within {TIMEOUT_S} s"
    except OSError as error:
        return f"it cannot be run: {error.strerror}"
    return None if done.returncode == 0 else _last_words(log)


def try_criu(criu: str, lock: str = "nftables") -> Trial:
    """Dump and restore a process with a live TCP connection in a network namespace made for it.

    Needs root. Nothing outside that namespace and a temporary directory is touched; about half a second.
    """
    command = [sys.executable, "-m", "workbench.criu.trial_connection"]
    with (
        tempfile.TemporaryDirectory(prefix="workbench-trial-") as scratch,
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as peer,
    ):
        assert peer.stdin is not None
        assert peer.stdout is not None
        assert peer.stderr is not None
        server = peer.stdout.readline().strip()
        if not server:
            return Trial(False, f"no connection to try it on: {peer.stderr.read().strip().splitlines()[-1:]}")
        common = ["-D", scratch, "--tcp-established", "-v4"]
        enter = ["nsenter", f"--net=/proc/{peer.pid}/ns/net", criu]
        failed = _run([*enter, "dump", "-t", server, "--network-lock", lock, "-o", "dump.log", *common],
                      Path(scratch, "dump.log"))  # fmt: skip
        if failed:
            return Trial(False, f"the dump failed: {failed}")
        peer.stdin.write("dumped\n")
        peer.stdin.flush()
        peer.stdout.readline()
        failed = _run([*enter, "restore", "-d", "-o", "restore.log", *common], Path(scratch, "restore.log"))
        if failed:
            return Trial(False, f"the restore failed: {failed}")
        peer.stdin.write("restored\n")
        peer.stdin.flush()
        answer = peer.stdout.readline().strip()
        peer.stdin.close()
        if answer != "alive":
            return Trial(False, f"the connection did not survive: {answer.removeprefix('dead: ') or 'no answer'}")
        return Trial(True, f"dumped and restored a connected process, {lock} lock")
