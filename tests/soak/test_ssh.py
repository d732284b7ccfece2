"""A process moves over a real ssh between two hosts: keys, server and port are of this test alone.

Needs ssh and sshd (openssh-client, openssh-server); the server of the machine, if one runs, is left alone.
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from workbench.collect.namespaces import inside
from workbench.lab import marker
from workbench.lab.awaiting import await_data
from workbench.lab.lab import Lab
from workbench.lab.migrating import environment
from workbench.lab.namespaces import Host
from workbench.lab.scenario import load

pytestmark = [pytest.mark.root, pytest.mark.criu]

DEADLINE_S = 60.0
PORT = 2222
WORKBENCH = (sys.executable, "-m", "workbench.main")
SERVER = """
Port {port}
ListenAddress {address}
HostKey {keys}/host
AuthorizedKeysFile {keys}/user.pub
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
PermitRootLogin prohibit-password
"""


@dataclass(frozen=True)
class Ssh:
    """What leads from one host to another."""

    keys: Path
    source: Host
    destination: Host

    def command(self, *words: str, key: str = "user") -> list[str]:
        """``ssh`` as it is typed on the source; not from the address that moves."""
        known = self.keys / "known_hosts"
        options = ("BatchMode=yes", f"UserKnownHostsFile={known}", f"IdentityFile={self.keys / key}",
                   "IdentitiesOnly=yes", f"BindAddress={self.source.own_address}", f"Port={PORT}")  # fmt: skip
        flags = [word for option in options for word in ("-o", option)]
        return ["ssh", "-F", "none", *flags, f"root@{self.destination.own_address}", *words]

    @contextlib.contextmanager
    def migrating(self, lab: Lab, *more: str, key: str = "user") -> "Iterator[subprocess.Popen[str]]":
        """``workbench migrate send`` at the source, the other half started by ssh."""
        into = marker.memory_directory(lab.id)
        state = f"WORKBENCH_STATE={environment(lab, self.destination)['WORKBENCH_STATE']}"
        there = self.command("env", state, *WORKBENCH, "migrate", "receive", "-D", str(into), key=key)
        send = (*WORKBENCH, "migrate", "send", str(lab.server_pid), "--format", "json", *more, "--", *there)
        try:
            with subprocess.Popen(
                self.source.entering(*send), env=environment(lab, self.source),
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            ) as sending:  # fmt: skip
                yield sending
        finally:
            shutil.rmtree(into, ignore_errors=True)


def make_keys(keys: Path, address: str) -> None:
    for name in ("host", "user", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(keys / name)], check=True)
    (keys / "known_hosts").write_text(f"[{address}]:{PORT} {(keys / 'host.pub').read_text()}")
    (keys / "sshd_config").write_text(SERVER.format(port=PORT, address=address, keys=keys))


def await_listening(host: Host, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + DEADLINE_S
    while server.poll() is None and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            inside(host.path, lambda: socket.create_connection((host.own_address, PORT))).close()
            return
        time.sleep(0.02)  # a port tells nobody that it is open
    assert server.stderr is not None
    server.kill()
    pytest.fail(f"sshd does not listen: {server.stderr.read().decode(errors='replace')}")


@pytest.fixture
def lab() -> Iterator[Lab]:
    with Lab(load("migrate")) as made:
        yield made


@pytest.fixture
def ssh(lab: Lab, tmp_path: Path) -> Iterator[Ssh]:
    sshd = shutil.which("sshd", path=f"{os.environ['PATH']}:/usr/sbin")
    assert sshd, "there is no sshd: install openssh-server (its service need not run)"
    Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)  # sshd itself wants it there
    destination = lab.host_called("second")
    make_keys(tmp_path, destination.own_address)
    with subprocess.Popen(
        destination.entering(sshd, "-D", "-e", "-f", str(tmp_path / "sshd_config")),
        stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment(lab, destination),
    ) as server:  # fmt: skip
        await_listening(destination, server)
        yield Ssh(tmp_path, lab.host, destination)
        lab.close()  # sshd ends with its host
        server.wait(DEADLINE_S)


def test_a_process_moves_over_ssh(lab: Lab, ssh: Ssh) -> None:
    await_data(lab, count=1_000_000)
    with ssh.migrating(lab, "--yes") as sending:
        said, complaint = sending.communicate(timeout=DEADLINE_S)
    document = json.loads(said)
    assert document["outcome"] == "succeeded", complaint
    lab.server_host = ssh.destination.name
    transfer = document["transfer"]
    sys.stdout.write(f"\nover ssh, ms: {json.dumps(transfer['times_ms'])}; {transfer['bytes_sent']} bytes\n")
    assert transfer["bytes_ahead"]
    await_data(lab, count=1_000_000)


def test_who_may_not_log_in_is_told_before_anything_is_frozen(lab: Lab, ssh: Ssh) -> None:
    with ssh.migrating(lab, "--yes", key="stranger") as sending:
        said, complaint = sending.communicate(timeout=DEADLINE_S)
    assert sending.returncode == 2, said
    assert "Permission denied" in complaint
    await_data(lab, count=1_000_000)


def test_an_ssh_that_is_killed_leaves_it_where_it_was(lab: Lab, ssh: Ssh) -> None:
    state = Path(environment(lab, ssh.source)["WORKBENCH_STATE"])
    with ssh.migrating(lab, "--yes") as sending:
        deadline = time.monotonic() + DEADLINE_S
        while not any('"at": "images complete"' in each.read_text() for each in state.glob("dump-*.jsonl")):
            assert sending.poll() is None, sending.communicate()
            assert time.monotonic() < deadline
            time.sleep(0.001)  # a journal tells nobody that it grew
        (carrier,) = [pid for pid in descendants(sending.pid) if command_of(pid) == "ssh"]
        pidfd = os.pidfd_open(carrier)
        signal.pidfd_send_signal(pidfd, signal.SIGKILL)
        os.close(pidfd)
        said, complaint = sending.communicate(timeout=DEADLINE_S)
    document = json.loads(said)
    assert document["outcome"] in {"failed", "turned back"}, complaint
    assert "The destination was lost" in document["error"]
    await_data(lab, count=1_000_000)
    for host in (ssh.source, ssh.destination):
        assert "CRIU" not in host.inside("nft", "list", "ruleset")


def descendants(pid: int) -> Iterator[int]:
    for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
        yield int(child)
        yield from descendants(int(child))


def command_of(pid: int) -> str:
    return Path(f"/proc/{pid}/comm").read_text().strip()
