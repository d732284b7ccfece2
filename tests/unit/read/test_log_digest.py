"""A log of any size, read once: what is kept of it, and what is said about the whole."""

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.evidence import LogDigest, LogKind, Outcome, Stage
from workbench.read.log_digest import BLOCK, EDGE, KEPT, LINE_LIMIT, THOROUGH, read_digest

HEAD = "(00.000034) Version: 3.17.1 (gitid 0)\n(00.000050) Running on host Linux 6.13.4-200.fc41 #1 SMP x86_64\n"
LOCK = "(00.065019) net: Lock network\n"
FAILED = (
    "(00.100000) Error (criu/sk-inet.c:200): inet: Connected TCP socket\n"
    "(00.200000) Error (criu/cr-dump.c:1): Dumping FAILED.\n"
)
FILL = "(00.070000) page-pipe: Grow pipe 32 -> 64\n"


def _digest(tmp_path: Path, text: str | bytes, name: str = "some.log") -> LogDigest:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
    return read_digest(path)


def test_a_failed_dump(tmp_path: Path) -> None:
    digest = _digest(tmp_path, HEAD + LOCK + FAILED)
    assert (digest.kind, digest.outcome, digest.stage) == (LogKind.DUMP, Outcome.FAILED, Stage.LOCKING)
    assert (digest.criu, digest.kernel) == ("3.17.1", "6.13.4-200.fc41")
    assert (digest.total_lines, digest.left_out) == (5, 0)
    assert [line.number for line in digest.lines] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("text", "kind", "outcome"),
    [
        ("(00.1) Dumping finished successfully\n", LogKind.DUMP, Outcome.SUCCEEDED),
        ("(00.1) Restore finished successfully. Tasks resumed.\n", LogKind.RESTORE, Outcome.SUCCEEDED),
        ("(00.1) Dumping finished successfully\n(00.1) Restoring FAILED.\n", LogKind.CONSOLE, Outcome.FAILED),
        ("Error response from daemon: no\n", LogKind.CONSOLE, Outcome.FAILED),
        ("hello\n", LogKind.CONSOLE, Outcome.UNKNOWN),
        (HEAD + FILL * 9, LogKind.CONSOLE, Outcome.CUT),
    ],
)
def test_whose_words_and_how_it_ended(tmp_path: Path, text: str, kind: LogKind, outcome: Outcome) -> None:
    digest = _digest(tmp_path, text)
    assert (digest.kind, digest.outcome) == (kind, outcome)


def test_the_name_counts_where_the_text_says_nothing(tmp_path: Path) -> None:
    assert _digest(tmp_path, "x\n", "criu-dump.log").kind is LogKind.DUMP
    assert _digest(tmp_path, "x\n", "restore.log").kind is LogKind.RESTORE


def test_a_big_log_is_kept_in_part_and_numbered_as_a_whole(tmp_path: Path) -> None:
    before = 2 * THOROUGH // len(FILL)
    digest = _digest(tmp_path, HEAD + FILL * before + "iptables: Bad rule.\n" + FAILED + FILL * before + LOCK)
    assert digest.total_lines == 2 * before + 6
    assert digest.total_bytes > 4 * THOROUGH
    numbers = {line.number: line for line in digest.lines}
    assert numbers[before + 3].text == "iptables: Bad rule."
    assert numbers[before + 4].source == "criu/sk-inet.c"
    assert numbers[2 * before + 6].stage is Stage.LOCKING
    assert len(digest.lines) < 5 * EDGE
    assert digest.left_out == digest.total_lines - len(digest.lines)


def test_the_lines_that_led_to_an_error_are_kept(tmp_path: Path) -> None:
    about = "(00.07) inet: \tRestore: family AF_INET type SOCK_STREAM port 80 state TCP_LISTEN src_addr 10.0.0.1\n"
    digest = _digest(tmp_path, FILL * 5000 + about + FILL * 9 + FAILED + FILL * 5000)
    assert any(line.text == about.rstrip() for line in digest.lines)


def test_ten_thousand_errors_are_bounded(tmp_path: Path) -> None:
    digest = _digest(tmp_path, FAILED * (3 * THOROUGH // len(FAILED)))
    assert len(digest.lines) <= 3 * KEPT + 8 * EDGE


@pytest.mark.parametrize("size", [BLOCK - 1, BLOCK, 3 * BLOCK])
def test_a_line_without_end(tmp_path: Path, size: int) -> None:
    digest = _digest(tmp_path, b"x" * size + b" Error (criu/files-reg.c:1): File a has bad size 0 (expect 74)")
    assert digest.total_lines == 1
    assert all(len(line.text) <= 3 * LINE_LIMIT for line in digest.lines)
    assert any("has bad size" in line.text for line in digest.lines)


def test_rubbish_and_nothing(tmp_path: Path) -> None:
    assert _digest(tmp_path, os.urandom(1 << 20)).outcome in (Outcome.UNKNOWN, Outcome.FAILED)
    empty = _digest(tmp_path, b"")
    assert (empty.lines, empty.total_lines) == ((), 0)


def test_what_cannot_be_read_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="cannot be read"):
        read_digest(tmp_path / "absent")
    with pytest.raises(WorkbenchError, match="Is a directory"):
        read_digest(tmp_path)


@settings(max_examples=150, deadline=None)
@given(
    lines=st.lists(
        st.sampled_from(["", "Error", "(00.1) x", "pie: 5: y", "Warn", "tail Error é", "FAILED", " a"]), max_size=200
    ),
    end=st.sampled_from(["", "\n"]),
)
def test_every_kept_line_stands_where_it_says(
    tmp_path_factory: pytest.TempPathFactory, lines: list[str], end: str
) -> None:
    path = tmp_path_factory.mktemp("digest") / "a.log"
    text = "\n".join(lines) + end
    path.write_text(text)
    digest = read_digest(path)
    expected = text.split("\n")
    assert digest.total_lines == len(expected) - (not expected[-1])
    assert [line.number for line in digest.lines] == sorted({line.number for line in digest.lines})
    assert all(expected[line.number - 1] == line.text for line in digest.lines)
