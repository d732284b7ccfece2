"""What stands for payload: as long, the same in the same place of the same stream, and nothing of it."""

from tests.unit.bundle.test_addresses import KEY
from workbench.bundle.stand_in import stand_in
from workbench.evidence import Connection, Endpoint

STREAM = Connection(Endpoint("10.0.0.1", 1), Endpoint("10.0.0.2", 2))
CONTENT = bytes(range(256)) * 40


def test_a_part_of_the_stream_stays_that_part() -> None:
    whole = stand_in(CONTENT, 1000, STREAM, KEY)
    assert len(whole) == len(CONTENT)
    assert stand_in(CONTENT[3000:9000], 4000, STREAM, KEY) == whole[3000:9000]


def test_a_difference_stays_where_it_is() -> None:
    changed = bytearray(CONTENT)
    changed[5000:5008] = b"\0" * 8
    one, two = stand_in(CONTENT, 7, STREAM, KEY), stand_in(bytes(changed), 7, STREAM, KEY)
    assert 5000 <= next(place for place, (a, b) in enumerate(zip(one, two, strict=True)) if a != b) < 5008
    assert one[5008:] == two[5008:]


def test_sequence_numbers_go_round() -> None:
    whole = stand_in(CONTENT, (1 << 32) - 100, STREAM, KEY)
    assert stand_in(CONTENT[100:], 0, STREAM, KEY) == whole[100:]


def test_equal_bytes_do_not_look_equal() -> None:
    assert len(set(stand_in(b"a" * 1000, 0, STREAM, KEY))) > 100


def test_another_stream_and_another_key_give_others() -> None:
    found = stand_in(CONTENT, 0, STREAM, KEY)
    assert stand_in(CONTENT, 0, STREAM.reversed, KEY) != found
    assert stand_in(CONTENT, 0, STREAM, KEY[::-1]) != found
    assert stand_in(b"", 0, STREAM, KEY) == b""
