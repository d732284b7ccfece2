"""What was seen in each phase of an operation is kept, with its own sockets alone, and read back."""

import stat
from pathlib import Path

from tests.unit.operation.builders import socket
from workbench.evidence import Connection, Endpoint, Evidence, Sequences
from workbench.operation.moments import Moments, path_beside, read_moments
from workbench.operation.progress import End
from workbench.operation.sampling import Sample

OURS = socket()
OTHER = socket(Connection(Endpoint("10.9.9.9", 1), Endpoint("10.9.9.8", 2)))
NUMBERS = Sequences(snd_una=1, snd_nxt=2, write_seq=3, rcv_nxt=4, copied_seq=4)
SEEN = Evidence(
    5.0, 7, ("live",), sockets=(OURS, OTHER), sequences={OURS.cookie: NUMBERS, OTHER.cookie: NUMBERS}, rules=()
)
SAMPLE = Sample({Connection(OURS.local, OURS.peer): End(OURS, NUMBERS)})


def test_the_last_look_in_each_phase_is_read_back(tmp_path: Path) -> None:
    journal = tmp_path / "dump-1-ab.jsonl"
    moments = Moments()
    moments.keep("planned", Evidence(4.0, 6, ("live",)), Sample({}))
    moments.keep("planned", SEEN, SAMPLE)
    moments.keep("images complete", SEEN, Sample({}))
    moments.write(journal)
    found = dict(read_moments(journal))
    assert list(found) == ["before", "images complete"]
    before = found["before"]
    assert (before.taken, before.monotonic_ns, before.sources) == (5.0, 7, ("live",))
    assert before.sockets == (OURS,)
    assert before.sequences == {OURS.cookie: NUMBERS}
    assert before.rules == ()
    assert found["images complete"].sockets == ()


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    journal = tmp_path / "dump-1-ab.jsonl"
    Moments().write(journal)
    assert stat.S_IMODE(path_beside(journal).stat().st_mode) == 0o600


def test_where_nothing_was_kept_nothing_is_read(tmp_path: Path) -> None:
    assert list(read_moments(tmp_path / "dump-1-ab.jsonl")) == []


def test_a_damaged_file_ends_where_it_is_damaged(tmp_path: Path) -> None:
    journal = tmp_path / "dump-1-ab.jsonl"
    moments = Moments()
    moments.keep("planned", SEEN, SAMPLE)
    moments.write(journal)
    place = path_beside(journal)
    place.write_text(place.read_text() + '{"format": 1, "title"')
    assert [title for title, _ in read_moments(journal)] == ["before"]


def test_a_directory_that_is_gone_is_no_fault_of_the_operation(tmp_path: Path) -> None:
    moments = Moments()
    moments.keep("planned", SEEN, SAMPLE)
    moments.write(tmp_path / "gone" / "dump-1-ab.jsonl")
