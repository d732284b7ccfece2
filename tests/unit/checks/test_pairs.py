"""Checks of what belongs together in two image directories: IMG020 to IMG023."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.unit.checks.made import IMAGE, IMAGE_SOCKET, LINE, ask, only
from workbench.checking import Severity
from workbench.checking.check import Check
from workbench.checking.loading import entries, load
from workbench.checking.running import judge
from workbench.cli.sources import read_sources
from workbench.evidence import ImageDirectory, Queue, Sequences, TcpState

PAIRS = Path(__file__).parents[3] / "fixtures" / "recordings" / "pairs"
CHECKS = tuple(check for entry in entries() if not entry.own and isinstance(check := load(entry), Check))
WRAPPED = (1 << 32) - 3


def numbers(una: int, nxt: int, write: int, rcv: int, copied: int) -> Sequences:
    modulus = 1 << 32
    return Sequences(una % modulus, nxt % modulus, write % modulus, rcv % modulus, copied % modulus)


def directory(path: str, sequences: Sequences, *, theirs: bool = False, **more: Any) -> ImageDirectory:
    """One end in a directory of its own; ``theirs``: the other one."""
    connection = LINE.reversed if theirs else LINE
    end = replace(IMAGE_SOCKET, connection=connection, sequences=sequences, snd_wscale=7, rcv_wscale=7)
    return replace(IMAGE, path=path, sockets=(replace(end, **more),))


def both(server: Sequences, client: Sequences, **of_client: Any) -> tuple[ImageDirectory, ...]:
    return directory("/a", server), directory("/b", client, theirs=True, **of_client)


@pytest.mark.parametrize("base", [1000, WRAPPED])
@pytest.mark.parametrize(
    ("expected", "says"),
    [
        (-1, "still expects 1 byte that it has forgotten"),
        (0, ""),
        (5, ""),
        (10, ""),
        (11, "has received 1 byte more than it has sent"),
        (500, "has received 490 bytes more than it has sent"),
    ],
)
def test_what_one_end_expects_must_be_something_that_the_other_has_sent(base: int, expected: int, says: str) -> None:
    server = numbers(base, base + 10, base + 30, 5000, 5000)  # 10 bytes in flight, 20 never sent
    client = numbers(5000, 5000, 5000, base + expected, base - 50)
    found = ask("IMG020", only(images=both(server, client)))
    assert [says in finding.problem.message for finding in found] == [True] * bool(says)
    for finding in found:
        assert finding.severity is Severity.ERROR
        assert "/a" in finding.problem.message
        assert "/b" in finding.problem.message


def test_the_other_direction_is_judged_too() -> None:
    found = ask("IMG020", only(images=both(numbers(1, 1, 1, 90, 90), numbers(50, 60, 60, 1, 1))))
    assert [str(finding.problem.subject.title) for finding in found] == [str(LINE.reversed)]


def test_both_ends_in_one_directory_are_a_pair() -> None:
    one, other = both(numbers(1, 1, 1, 9, 9), numbers(5, 5, 5, 1, 1))
    together = replace(one, sockets=(*one.sockets, *other.sockets))
    assert len(ask("IMG020", only(images=(together,)))) == 1


@pytest.mark.parametrize(
    "changes",
    [{"state": TcpState.CLOSE}, {"state": TcpState.SYN_SENT}, {"sequences": None}],
    ids=["closed", "not connected yet", "without a stream"],
)
def test_ends_without_numbers_are_no_pair(changes: dict[str, Any]) -> None:
    server, client = both(numbers(1, 1, 1, 9, 9), numbers(5, 5, 5, 1, 1))
    client = replace(client, sockets=(replace(client.sockets[0], **changes),))
    assert ask("IMG020", only(images=(server, client))) == []


def test_connections_that_were_closed_at_the_dump_are_no_pair() -> None:
    server, client = both(numbers(1, 1, 1, 9, 9), numbers(5, 5, 5, 1, 1))
    assert ask("IMG020", only(images=(server, replace(client, tcp_close=True)))) == []


@pytest.mark.parametrize("base", [1000, WRAPPED])
@pytest.mark.parametrize(
    ("copied", "received", "place"),
    [
        (0, b"0123456789", None),
        (0, b"01234x6789", 5),
        (-4, b"read012345", None),
        (-4, b"read01x345", 2),
        (-4, b"xxxx", None),  # before what the sender keeps
        (8, b"89abXX", 12),
        (500, b"xx", None),  # after it
    ],
)
def test_bytes_that_both_ends_have_must_be_the_same(base: int, copied: int, received: bytes, place: int | None) -> None:
    sent = b"0123456789abcdef"
    rcv = copied + len(received)
    server, client = both(
        numbers(base, base + 16, base + 16, 7, 7),
        numbers(7, 7, 7, base + rcv, base + copied),
        queue=Queue(received, b"", 0),
    )
    server = replace(server, sockets=(replace(server.sockets[0], queue=Queue(b"", sent, 0)),))
    found = ask("IMG021", only(images=(server, client)))
    places = [finding.problem.facts["sequence_number"] for finding in found]
    assert places == ([] if place is None else [(base + place) % (1 << 32)])


def test_without_queues_nothing_is_compared() -> None:
    assert ask("IMG021", only(images=both(numbers(1, 1, 1, 1, 1), numbers(1, 1, 1, 1, 1)))) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, ""),
        ({"options": 7 | 64 | 8}, ""),
        ({"options": 6}, "only 10.0.0.2:7022 uses timestamps"),
        ({"options": 5}, "only 10.0.0.2:7022 uses selective acknowledgements"),
        ({"options": 3}, "only 10.0.0.2:7022 uses window scaling"),
        ({"rcv_wscale": 8}, "10.0.0.1:5000 scales its window by 8 and its peer takes it for 7"),
        ({"snd_wscale": 2}, "10.0.0.2:7022 scales its window by 7 and its peer takes it for 2"),
        ({"options": None}, ""),
    ],
)
def test_what_was_agreed_on_must_be_the_same(changes: dict[str, Any], says: str) -> None:
    same = numbers(1, 1, 1, 1, 1)
    found = ask("IMG022", only(images=both(same, same, **changes)))
    assert [says in finding.problem.message for finding in found] == [True] * bool(says)


@pytest.mark.parametrize("base", [1000, WRAPPED])
def test_the_earlier_of_two_dumps_is_named_in_whatever_order(base: int) -> None:
    early = directory("/early", numbers(base, base, base, base, base))
    late = directory("/late", numbers(base, base + 4, base + 9, base + 6, base))
    for images in ((early, late), (late, early)):
        (finding,) = ask("IMG023", only(images=images))
        assert finding.severity is Severity.WARNING
        assert finding.problem.message.startswith("/early was dumped before /late, and 1 connection")
        assert "9 bytes were written and 6 bytes received" in finding.problem.message


def test_two_dumps_with_nothing_in_between_are_as_good() -> None:
    images = (directory("/a", numbers(1, 1, 1, 1, 1)), directory("/b", numbers(1, 1, 1, 1, 1)))
    assert ask("IMG023", only(images=images)) == []


@pytest.mark.parametrize(
    ("name", "second", "codes"),
    [("both-ends", "images-caller", []), ("ends-out-of-step", "images-caller", ["IMG020"]),
     ("dumped-twice", "images-later", ["IMG023"])],
)  # fmt: skip
def test_two_recorded_directories(name: str, second: str, codes: list[str]) -> None:
    gathered = read_sources([str(PAIRS / name / "images"), str(PAIRS / name / second)])
    assert gathered.unreadable == ()
    report = judge(CHECKS, gathered.evidence)
    assert report.broken == ()
    assert [finding.code for finding in report.findings] == codes
