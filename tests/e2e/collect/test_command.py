"""``workbench sockets`` as a user runs it, beside ``ss -tanpi`` before and after it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crowd import crowd
from tests.e2e.collect.conftest import DEADLINE_S, Scene
from tests.e2e.collect.ss import SsSocket, parse_ss
from workbench.collect.live import LiveSource
from workbench.collect.socket_columns import columns_of
from workbench.evidence import Gap

pytestmark = pytest.mark.root


@pytest.fixture
def shared(every_state: Scene) -> Iterator[Scene]:
    """Every state, and each socket held by a second process too."""
    fds = [each.fileno() for each in every_state.open if each.fileno() >= 0]
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=fds) as other:
        yield every_state
        other.communicate(b"\n", DEADLINE_S)


def listed(*options: str) -> str:
    command = Path(sys.executable).with_name("workbench")
    return subprocess.run(
        [command, "sockets", *options], capture_output=True, text=True, check=True, timeout=DEADLINE_S
    ).stdout


def test_every_socket_that_ss_shows_is_shown_alike(shared: Scene) -> None:
    before = parse_ss(shared.run("ss", "-tanpeimoOH"))
    rows = {row["cookie"]: row for row in json.loads(listed("--format", "json"))["sockets"]}
    after = parse_ss(shared.run("ss", "-tanpeimoOH"))
    assert before.keys() == after.keys()
    for cookie, told in before.items():
        row = rows[cookie]
        assert row["netns"] == shared.inode
        assert told.retransmits <= row["retransmits"] <= after[cookie].retransmits
        assert _of_row(row) in {_of_ss(told), _of_ss(after[cookie])}
        if told.timer == "timewait" or 0 < told.retransmits == after[cookie].retransmits:
            # From 10 seconds on ss shows whole ones; a tick of the kernel has up to 10 ms.
            assert row["timer_ms"] < told.timer_ms + (1000 if told.timer_ms >= 10_000 else 10)
        assert (row["snd_una"] is None) == (told.inode == 0)
        if row["snd_una"] is not None and row["state"] != "LISTEN":
            # A FIN that was sent counts in the queue, one that arrived too.
            assert (row["write_seq"] - row["snd_una"]) % (1 << 32) == row["send_q"]
            assert (row["rcv_nxt"] - row["copied_seq"]) % (1 << 32) == row["recv_q"]
    held = [row for row in rows.values() if row["netns"] == shared.inode and row["inode"]]
    assert all(len({pid for pid, _, _ in row["holders"]}) == 2 for row in held)


def test_the_text_has_the_same_lines(shared: Scene) -> None:
    heading, *lines = listed("--sequences").splitlines()
    ours = [line for line in lines if f" {shared.name} " in line]
    assert len(ours) == len(parse_ss(shared.run("ss", "-tanpeimoOH"))) + 1, "ss does not show what is only bound"
    assert heading.split()[-2:] == ["RCV_WND", "PROCESS"]
    assert sum(f" {os.getpid()} fd " in line and line.endswith(" +1") for line in ours) >= 15


def _of_ss(told: SsSocket) -> tuple[object, ...]:
    holders = frozenset(told.holders)
    return (told.state.name, told.recv_q, told.send_q, told.inode, told.timer, holders)


def _of_row(row: dict[str, object]) -> tuple[object, ...]:
    holders = row["holders"]
    assert isinstance(holders, list)
    numbers = (row[name] for name in ("recv_q", "send_q", "inode", "timer"))
    return (row["state"], *numbers, frozenset((pid, fd) for pid, fd, _ in holders))


def test_thousands_are_listed_sooner_than_ss_does(tmp_path: Path) -> None:
    """How much sooner is for tests/bench to say; beyond some thousands ss needs the square of their number."""

    def fastest(way: Callable[[], object]) -> float:
        return min(_seconds(way) for _ in range(3))

    with crowd(4000) as namespace:
        source = LiveSource()

        def columns() -> int:
            evidence = source.evidence({"sockets", "sequences"})
            assert not isinstance(evidence.sockets, Gap)
            found = columns_of(evidence.sockets, evidence.sequences)
            assert sum(each is not None for each in found.holders.pid.tolist()) >= 8000
            assert sum(each is not None for each in found.sequences["snd_una"].tolist()) >= 8000
            return len(found)

        command = ["nsenter", f"--net={namespace}", "ss", "-tanpi"]
        columns()
        ours = fastest(columns)
        theirs = fastest(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=60))
        source.close()
    assert ours < theirs * 0.8


def _seconds(way: Callable[[], object]) -> float:
    begin = time.perf_counter()
    way()
    return time.perf_counter() - begin
