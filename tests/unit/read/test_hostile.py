"""Whatever the bytes, only the one documented error comes out of a reader; tests/fuzz/run.py looks for longer."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.readers import READERS, only_the_documented_error

SEEDS = {name: [seed[: 1 << 15] for seed in reader.seeds()] for name, reader in READERS.items()}


@pytest.mark.parametrize("name", READERS)
@settings(deadline=None, max_examples=25)
@given(data=st.data())
def test_recorded_bytes_with_a_few_changed(name: str, data: st.DataObject) -> None:
    content = bytearray(data.draw(st.sampled_from(SEEDS[name])))
    for place, change in data.draw(st.lists(st.tuples(st.integers(0, 1 << 15), st.binary(max_size=9)), max_size=4)):
        place %= len(content) + 1
        content[place : place + data.draw(st.integers(0, 9))] = change
    only_the_documented_error(READERS[name], bytes(content[: data.draw(st.integers(0, 1 << 15))]))


@pytest.mark.parametrize("name", READERS)
@settings(deadline=None, max_examples=25)
@given(content=st.binary(max_size=2000))
def test_any_bytes(name: str, content: bytes) -> None:
    only_the_documented_error(READERS[name], content)


@pytest.mark.parametrize("name", READERS)
def test_every_reader_begins_from_something_recorded_and_reads_it(name: str) -> None:
    assert SEEDS[name]
    READERS[name].read(next(iter(READERS[name].seeds())))
