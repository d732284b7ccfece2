"""``workbench locks --remove``: only CRIU's rules, only those that nobody uses, and whole again after a crash."""

import argparse
import json
import os
import pty
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.netfilter.conftest import V4, V6
from tests.e2e.netfilter.test_unlock import LOCKS, locks_of, others
from workbench.cli import locks as command
from workbench.collect import procfs
from workbench.collect.namespaces import inside
from workbench.errors import WorkbenchError
from workbench.lab.scenario import directory
from workbench.operation import journal
from workbench.operation.recover import recover
from workbench.operation.remove_locks import look, plan_removal, remove
from workbench.read.criu_images import read_image_directory
from workbench.repair.borrow import borrow
from workbench.repair.constants import TCP_REPAIR

pytestmark = pytest.mark.root

IMAGES = directory().parent / "recordings" / "established" / "images"


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


def run(netns: Any, *words: str) -> int:
    parser = argparse.ArgumentParser()
    command.register(parser.add_subparsers())
    options = parser.parse_args(["locks", "--netns", netns.path, *words])
    return int(options.func(options))


@pytest.mark.parametrize("kind", LOCKS)
def test_every_kind_goes_and_nothing_else(netns: Any, kind: str, capsys: pytest.CaptureFixture[str]) -> None:
    others(netns)
    before = netns.listing()
    LOCKS[kind](netns)
    assert run(netns, "--remove", "--even-if-needed", "--plan") == 0
    planned = capsys.readouterr().out
    assert len(locks_of(netns)) == 1
    assert run(netns, "--remove", "--even-if-needed", "--yes") == 0
    out, shown = capsys.readouterr()
    assert netns.listing() == before
    assert planned in shown
    assert out.splitlines()[-1] == "No lock of CRIU's remains."
    (entry,) = journal.entries()
    assert (entry.kind, entry.ended) == ("unlock", True)


def test_the_commands_of_the_plan_do_it(netns: Any, capsys: pytest.CaptureFixture[str]) -> None:
    others(netns)
    before = netns.listing()
    for kind in ("legacy v4", "legacy v6", "iptables-nft v6", "nftables connections"):
        LOCKS[kind](netns)
    assert run(netns, "--remove", "--even-if-needed", "--plan", "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["done"], len(document["remove"]), document["keep"]) == (False, 4, [])
    assert all(row["loses"] for row in document["remove"])
    for typed in document["commands"]:
        subprocess.run(["sh", "-c", typed], check=True)
    assert netns.listing() == before


def test_without_a_terminal_nothing_is_done(netns: Any, capsys: pytest.CaptureFixture[str]) -> None:
    netns.table(V4)
    assert run(netns, "--remove", "--even-if-needed") == 2
    out, err = capsys.readouterr()
    assert "nft 'delete table inet CRIU-" in out
    assert err.count("\n") == 1
    assert "--yes" in err
    assert len(locks_of(netns)) == 1
    assert journal.entries() == ()


@pytest.mark.parametrize(("typed", "status", "left"), [("remove", 0, 0), ("yes", 2, 1), ("", 2, 1)])
def test_on_a_terminal_the_word_is_typed(netns: Any, typed: str, status: int, left: int) -> None:
    netns.table(V4)
    words = ["locks", "--netns", netns.path, "--remove", "--even-if-needed"]
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "workbench.main", *words], stdin=theirs, stdout=subprocess.PIPE, stderr=theirs
    ) as process:
        os.close(theirs)
        seen = b""
        while b"Type remove" not in seen:
            seen += os.read(ours, 4096)
        os.write(ours, f"{typed}\n".encode())
        assert process.wait(30) == status
    os.close(ours)
    assert len(locks_of(netns)) == left


def test_named_ones_alone(netns: Any, capsys: pytest.CaptureFixture[str]) -> None:
    netns.pair("iptables-legacy", *V4)
    netns.pair("ip6tables-nft", *V6)
    netns.table(V4, V6)
    table = next(lock.name for lock in locks_of(netns) if lock.name.startswith("CRIU-"))
    assert run(netns, "--remove", table, "--even-if-needed", "--yes") == 0
    remains = [line for line in capsys.readouterr().out.splitlines() if line.startswith("Remains: ")]
    assert len(remains) == 2
    assert run(netns, "--remove", "[fd00::1]:56692-[fd00::2]:7022", "--even-if-needed", "--yes") == 0
    assert {lock.backend for lock in locks_of(netns)} == {"iptables-legacy"}
    with pytest.raises(WorkbenchError, match=f"no lock {table}"):
        run(netns, "--remove", table, "--yes")


def test_one_that_images_wait_behind_stays_unless_that_is_meant(netns: Any, capsys: pytest.CaptureFixture[str]) -> None:
    image = read_image_directory(IMAGES)
    assert image.run_id
    (connection,) = (each.connection for each in image.sockets if each.connection.peer.port)
    ends = (connection.local.address, connection.local.port, connection.peer.address, connection.peer.port)
    netns.table(ends, name=f"CRIU-{image.run_id[:21]}")
    assert run(netns, "-D", str(IMAGES), "--remove", "--yes") == 0, "it is in use: no leftover"
    assert "--even-if-needed` removes it all the same" in capsys.readouterr().out
    assert run(netns, "-D", str(IMAGES), "--remove", f"CRIU-{image.run_id[:21]}", "--yes") == 1
    assert len(locks_of(netns)) == 1
    assert run(netns, "-D", str(IMAGES), "--remove", "--even-if-needed", "--yes") == 0
    assert f"The images in {IMAGES} wait behind it" in capsys.readouterr().err
    assert locks_of(netns) == ()


def test_one_without_images_is_a_leftover(netns: Any) -> None:
    netns.table(V4)
    assert run(netns, "-D", str(IMAGES), "--remove", "--yes") == 0
    assert locks_of(netns) == ()


def test_one_with_somebody_elses_rule_stays(netns: Any, capsys: pytest.CaptureFixture[str]) -> None:
    netns.table(V4)
    netns.run("nft", "add rule inet CRIU-660e2a43-99b0-4c54-a4 input tcp dport 22 accept")
    assert run(netns, "--remove", "--even-if-needed", "--yes") == 1
    assert "tcp dport 22 accept" in capsys.readouterr().out
    assert len(locks_of(netns)) == 1


@pytest.fixture
def criu(netns: Any, tmp_path: Path) -> Iterator[None]:
    """Something in the namespace that goes by CRIU's name."""
    program = tmp_path / "criu"
    sleep = shutil.which("sleep")
    assert sleep
    shutil.copy(sleep, program)
    with subprocess.Popen(["nsenter", f"--net={netns.path}", program, "600"]) as process:
        while (procfs.read(f"/proc/{process.pid}/comm") or b"").strip() != b"criu":
            assert process.poll() is None
        yield
        process.kill()


@pytest.mark.usefixtures("criu")
def test_one_that_a_running_criu_may_hold_stays(netns: Any, capsys: pytest.CaptureFixture[str]) -> None:
    netns.pair("iptables-nft", *V4)
    assert run(netns, "--remove", "--even-if-needed", "--yes") == 0
    assert "a CRIU runs" in capsys.readouterr().out
    assert len(locks_of(netns)) == 1


def test_a_plan_that_is_out_of_date_does_nothing(netns: Any) -> None:
    netns.pair("iptables-legacy", *V4)
    netns.pair("iptables-legacy", "10.0.0.2", 7022, "10.0.0.9", 1)
    inode = netns.namespace.inode
    plan = plan_removal(look(), only=lambda use: use.lock.netns == inode, even_if_needed=True)
    assert len(plan.removals) == 2
    netns.pair("iptables-legacy", *V4)
    now = netns.listing()
    with pytest.raises(WorkbenchError, match="nothing was done"):
        remove(plan)
    assert netns.listing() == now
    assert journal.entries() == ()


def test_a_removal_killed_between_two_locks_is_finished_by_recover(netns: Any) -> None:
    others(netns)
    before = netns.listing()
    for kind in ("legacy v4", "legacy v6", "iptables-nft v4", "nftables connections"):
        LOCKS[kind](netns)
    script = Path(__file__).with_name("doomed_removal.py")
    done = subprocess.run([sys.executable, script, str(netns.namespace.inode)], capture_output=True, check=False)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = locks_of(netns)
    assert 0 < len(left) < 4, "it was killed half way"
    (found,) = journal.unfinished()
    assert (found.kind, found.title) == ("unlock", "removal of 4 locks")

    (rehearsed,) = recover(dry_run=True)
    assert rehearsed.sound
    assert locks_of(netns) == left
    (report,) = recover()
    assert report.sound, report.sentences
    assert locks_of(netns) == ()
    assert netns.listing() == before
    assert recover() == ()


HOLDER = """
import socket, sys
connection = socket.socket(fileno=int(sys.argv[1]))
for line in sys.stdin:
    print(connection.recv(100).decode(), flush=True)
"""


def test_a_connection_stuck_in_repair_mode_is_woken_before_its_lock_goes(
    netns: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    netns.run("ip", "link", "set", "lo", "up")
    netns.run("ip", "address", "add", "10.9.0.2/32", "dev", "lo")
    listener = inside(netns.path, lambda: socket.create_server(("10.9.0.2", 0)))
    client = inside(netns.path, lambda: socket.create_connection(listener.getsockname()))
    accepted, _ = listener.accept()
    ends = (*accepted.getsockname(), *accepted.getpeername())
    inode = os.fstat(accepted.fileno()).st_ino
    with (
        listener, client,
        subprocess.Popen([sys.executable, "-c", HOLDER, str(accepted.fileno())], pass_fds=[accepted.fileno()],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder,
    ):  # fmt: skip
        fd = accepted.fileno()
        accepted.close()
        assert holder.stdin
        assert holder.stdout
        netns.pair("iptables-nft", *ends)
        with borrow(holder.pid, fd, inode) as taken:
            taken.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        client.sendall(b"still there?")
        assert run(netns, "--remove", "--yes") == 0
        assert "Taken out of repair mode" in capsys.readouterr().out
        with borrow(holder.pid, fd, inode) as taken:
            assert taken.getsockopt(socket.IPPROTO_TCP, TCP_REPAIR) == 0
            assert taken.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR) == 1, "as its listener has it"
        print(file=holder.stdin, flush=True)
        assert holder.stdout.readline() == "still there?\n"
        holder.stdin.close()
    assert locks_of(netns) == ()
