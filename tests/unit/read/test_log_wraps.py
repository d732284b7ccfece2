"""Which lines belong together, and which only follow each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.read.log_wraps import WIDE, unwrapped

ERROR = "(00.685912) Error (criu/sk-inet.c:188): inet: Connected TCP socket, consider"


def test_a_line_broken_at_a_blank() -> None:
    lines = [(3, ERROR), (4, "using --tcp-established option."), (5, "(00.7) Dumping FAILED.")]
    assert unwrapped(lines) == [(3, f"{ERROR} using --tcp-established option."), lines[2]]


def test_a_line_broken_by_a_terminal_anywhere() -> None:
    wide = "(00.024533) Error (criu/cgroup.c:1092): cg: Can't move 1 into cpuset//x/cgroup.procs (-1/6): No spa"
    assert len(wide) >= WIDE
    assert unwrapped([(1, wide), (2, "ce left on device")]) == [(1, f"{wide}ce left on device")]


def test_a_quoted_line_loses_the_second_mark() -> None:
    assert unwrapped([(1, f"> {ERROR}"), (2, "> using it")]) == [(1, f"> {ERROR} using it")]


def test_a_number_may_be_the_rest() -> None:
    first = "(00.685936) Error (criu/cr-dump.c:1347): Dump files (pid: 11246) failed with"
    assert unwrapped([(1, first), (2, "-1")]) == [(1, f"{first} -1")]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (ERROR, "(00.700000) Unlock network"),
        (ERROR, "b'(00.700000) Unlock network'"),
        (ERROR, "pie: 5: Daemon waits for command"),
        (ERROR, "iptables: Bad rule (does a matching rule exist in that chain?)."),
        (ERROR, "ip6tables-restore v1.8.7 (nf_tables):"),
        (ERROR, "unix: Dumping external sockets"),
        (ERROR, "line 6: CHAIN_USER_DEL failed"),
        (ERROR, "Error (criu/cr-dump.c:1): Dumping FAILED."),
        (ERROR, "root@host:~# ls"),
        (ERROR, ""),
        (f"{ERROR}.", "using it"),
        ("Error (criu/x.c:1): short", "using it"),
        ("(00.685912) inet: a long line that is no error and that nobody broke at all", "using it"),
    ],
)
def test_lines_of_their_own(first: str, second: str) -> None:
    assert unwrapped([(1, first), (2, second)]) == [(1, first), (2, second)]


def test_only_the_next_line_is_its_rest() -> None:
    assert len(unwrapped([(1, ERROR), (3, "using it")])) == 2


@given(st.lists(st.text()))
def test_nothing_is_lost(texts: list[str]) -> None:
    lines = [(number, f"{ERROR}{text}") for number, text in enumerate(texts, 1)]
    assert unwrapped(lines) == lines
