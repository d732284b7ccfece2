"""The lab's streams: whatever happens to a byte is noticed."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.lab.programs.record import SIZE, Record, decode, encode
from workbench.lab.programs.stream import Incoming, Outgoing


def stream(records: int, sender: str = "server") -> bytes:
    outgoing = Outgoing(sender)
    outgoing.make(records, Incoming("client"))
    return outgoing.pending


def received(data: bytes, seed: int = 0) -> Incoming:
    """A receiver that got these bytes in pieces of any size."""
    incoming, pieces = Incoming("server"), random.Random(seed)
    while data:
        size = pieces.randint(1, 150)
        incoming.feed(data[:size])
        data = data[size:]
    return incoming


@given(st.integers(0, 10**12 - 1), st.integers(0, 10**18 - 1), st.booleans())
def test_a_record_tells_what_was_put_into_it(number: int, reached: int, intact: bool) -> None:
    record = Record("client", number, reached, intact)
    data = encode(record)
    assert len(data) == SIZE
    assert decode(data) == record


def test_a_record_reads_well() -> None:
    assert encode(Record("server", 41, 2560, True)).startswith(
        b"server record 000000000041 verified 000000000000002560 "
    )


@given(st.integers(0, SIZE - 1), st.integers(1, 255))
def test_a_changed_byte_makes_a_record_none(place: int, flip: int) -> None:
    data = bytearray(encode(Record("server", 7, 64, True)))
    data[place] ^= flip
    assert decode(bytes(data)) is None


@given(st.integers(0, 20), st.integers())
def test_a_sound_stream_is_verified_in_whatever_pieces_it_comes(records: int, seed: int) -> None:
    incoming = received(stream(records) + stream(records + 1)[-SIZE:-1], seed)
    assert incoming.verified == records * SIZE
    assert incoming.problem == ""


@given(st.integers(0, 9 * SIZE), st.integers(1, SIZE * 4))
def test_lost_bytes_are_noticed_where_they_are_missing(start: int, count: int) -> None:
    data = stream(10) + stream(40)[10 * SIZE :]
    incoming = received(data[:start] + data[start + count :])
    assert incoming.problem
    assert start - SIZE < incoming.verified <= start


@given(st.integers(0, 9 * SIZE), st.integers(1, SIZE * 4))
def test_doubled_bytes_are_noticed(start: int, count: int) -> None:
    data = stream(40)
    doubled = data[: start + count] + data[start:]
    incoming = received(doubled)
    assert incoming.problem
    # By chance the first of the doubled bytes may be those that were due.
    due = next(place for place, pair in enumerate(zip(doubled, data, strict=False)) if pair[0] != pair[1])
    assert incoming.verified <= due


def test_lost_and_doubled_records_are_called_so() -> None:
    data = stream(6)
    assert received(data[:SIZE] + data[3 * SIZE :]).problem == "at byte 64 128 bytes were lost"
    assert received(data[: 2 * SIZE] + data[SIZE:]).problem == "at byte 128 came what stood 64 bytes before"


def test_reordered_records_are_noticed() -> None:
    data = stream(4)
    assert received(data[SIZE : 2 * SIZE] + data[:SIZE] + data[2 * SIZE :]).problem


def test_what_comes_back_to_its_sender_is_noticed() -> None:
    assert "client" in received(stream(2, "client")).problem


def test_after_a_wrong_byte_nothing_counts_and_the_sender_is_told() -> None:
    wrong = received(stream(3)[:-1] + b"?" + stream(5)[3 * SIZE :])
    assert wrong.verified == 2 * SIZE
    outgoing = Outgoing("client")
    outgoing.make(1, wrong)
    sender = Incoming("client")
    sender.feed(outgoing.pending)
    assert sender.peer_mismatch == 2 * SIZE
    assert sender.peer_verified == 0


@pytest.mark.parametrize("taken", [0, 1, SIZE, 3 * SIZE])
def test_bytes_that_the_socket_did_not_take_are_kept(taken: int) -> None:
    outgoing = Outgoing("server")
    outgoing.make(3, Incoming("client"))
    outgoing.took(taken)
    assert outgoing.pending == stream(3)[taken:]
    assert outgoing.sent == taken
