"""Rows put together as bytes are the rows that Python's own formatting gives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.present.cells import Aligned, Cells, Numbers, Words, stretches

NUMBERS = st.lists(st.integers(0, (1 << 64) - 1) | st.integers(0, 12_000), min_size=1, max_size=30)


def rows(*parts: str | Cells, count: int) -> list[str]:
    return "\n".join(stretches(parts, count, "\n")).split("\n")


@given(NUMBERS)
def test_numbers_in_decimal(values: list[int]) -> None:
    column = Numbers(np.array(values, np.uint64))
    assert rows("<", column, ">", count=len(values)) == [f"<{value}>" for value in values]
    assert column.lengths().tolist() == [len(str(value)) for value in values]


@given(NUMBERS, st.data())
def test_a_word_stands_where_a_number_is_absent(values: list[int], data: st.DataObject) -> None:
    absent = data.draw(st.lists(st.booleans(), min_size=len(values), max_size=len(values)))
    word = data.draw(st.sampled_from(["", "-", "null", "nothing at all, however long"]))
    column = Numbers(np.array(values, np.uint64), np.array(absent), word)
    texts = [word if gone else str(value) for value, gone in zip(values, absent, strict=True)]
    assert rows(column, "|", Aligned(column, least=0), "|", count=len(values)) == [
        f"{text}|{text:{max(map(len, texts))}}|" for text in texts
    ]


@pytest.mark.parametrize("limit", [1, 10, 256, 9999, 10_000, 1 << 16, 10**8, 1 << 32, 10**16, (1 << 64) - 1])
def test_numbers_beside_powers_of_ten_and_two(limit: int) -> None:
    values = [0, limit - 1, limit]
    assert rows(Numbers(np.array(values, np.uint64)), count=3) == [str(value) for value in values]


@given(st.lists(st.text(st.characters(exclude_categories=["Cc", "Cs"])), min_size=1, max_size=9), st.data())
def test_words_are_aligned_by_their_characters(texts: list[str], data: st.DataObject) -> None:
    which = data.draw(st.lists(st.integers(0, len(texts) - 1), min_size=1, max_size=30))
    column = Words(texts, np.array(which))
    width = max(len(texts[place]) for place in which)
    right = Aligned(column, least=0, right=True)
    assert rows(Aligned(column, least=3), "|", right, count=len(which)) == [
        f"{texts[place]:{max(width, 3)}}|{texts[place]:>{width}}" for place in which
    ]


def test_columns_are_aligned_together_over_all_stretches() -> None:
    count = 10_000
    values = np.arange(count) % 1237
    column = Aligned(Words(["a:", "bcd:"], values % 2), Numbers(values), least=4)
    texts = [f"{('a:', 'bcd:')[value % 2]}{value}" for value in values.tolist()]
    assert rows(column, " end", count=count) == [f"{text:8} end" for text in texts]


def test_no_rows() -> None:
    nothing = np.empty(0, np.uint32)
    assert list(stretches([Numbers(nothing), Words([], nothing), Aligned(Numbers(nothing), least=2)], 0, "\n")) == []
