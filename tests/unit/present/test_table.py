import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.evidence import Gap
from workbench.present import checkpoints, connections, netfilter, processes
from workbench.present.glossary import DETAIL_TERMS, GLOSSARY
from workbench.present.table import (
    EXTRA,
    Column,
    Row,
    Sorting,
    Table,
    arranged,
    cell_text,
    heading_text,
    make_table,
    placed,
    table_as_text,
    unreadable,
)
from workbench.present.width import cell_width

COLUMNS = (
    Column("a", "A", "a", 4, 10),
    Column("b", "B", "b", 4, 20, leaves=2, keep_end=True),
    Column("n", "N", "n", 3, 6, leaves=1, right=True),
    Column("x", "EXTRA", "x", 5, 9, leaves=EXTRA),
    Column("z", "Z", "z", 3, 40),
)
SCREENS = (connections.COLUMNS, processes.COLUMNS, netfilter.COLUMNS, checkpoints.COLUMNS)


def _row(key: int, *cells: str) -> Row:
    return Row(key, cells, cells, None)


def _table(*rows: Row) -> Table:
    return make_table(COLUMNS, rows, "nothing")


TABLE = _table(
    _row(1, "one", "10.0.0.1:80", "5", "e", "zebra"),
    _row(2, "two", "10.0.0.2:80", "3", "e", "ant"),
    _row(3, "three", "10.0.0.3:80", "3", "e", "bee"),
)


def _keys(filter_text: str = "", sorting: Sorting = Sorting()) -> list[object]:  # noqa: B008 - frozen
    return [row.key for row in arranged(TABLE, filter_text, sorting)]


def test_the_filter_wants_every_word_anywhere_in_any_case() -> None:
    assert _keys("10.0 ZEB") == [1]
    assert _keys("10.0 :80") == [1, 2, 3]
    assert _keys("nowhere") == []


def test_sorting_keeps_the_order_of_equal_rows() -> None:
    assert _keys(sorting=Sorting("n")) == [2, 3, 1]
    assert _keys(sorting=Sorting("n", reverse=True)) == [1, 2, 3]
    assert _keys(sorting=Sorting("z")) == [2, 3, 1]
    assert _keys(sorting=Sorting(None, reverse=True)) == [3, 2, 1]


def test_extras_leave_before_anything_is_squeezed() -> None:
    wide = sum(TABLE.widths) + len(COLUMNS) - 1
    assert [number for number, _ in placed(TABLE, wide)] == [0, 1, 2, 3, 4]
    assert [number for number, _ in placed(TABLE, wide - 1)] == [0, 1, 2, 4]


def test_columns_leave_in_their_order_and_the_first_ones_stay() -> None:
    assert [number for number, _ in placed(TABLE, 14)] == [0, 2, 4]
    assert [number for number, _ in placed(TABLE, 9)] == [0, 4]
    assert [number for number, _ in placed(TABLE, 1)] == [0, 4]


def test_a_column_without_contents_is_not_shown() -> None:
    table = _table(_row(1, "one", "", "5", "", "zebra"))
    assert [number for number, _ in placed(table, 80)] == [0, 2, 4]


@given(st.lists(st.tuples(*[st.text(max_size=30)] * len(COLUMNS)), max_size=5), st.integers(10, 120))
def test_what_is_placed_fits(cells: list[tuple[str, ...]], width: int) -> None:
    table = _table(*(_row(number, *each) for number, each in enumerate(cells)))
    shown = placed(table, width)
    assert sum(size for _, size in shown) + len(shown) - 1 <= max(width, 8)
    for row in table.rows:
        assert all(cell_width(cell_text(COLUMNS[number], row.cells[number], size)) == size for number, size in shown)


def test_of_an_address_the_end_is_kept() -> None:
    assert cell_text(COLUMNS[1], "10.0.0.1:8080", 6) == "…:8080"
    assert cell_text(COLUMNS[0], "10.0.0.1:8080", 6) == "10.0.…"
    assert cell_text(COLUMNS[2], "5", 3) == "  5"


def test_the_heading_shows_what_is_sorted_by() -> None:
    assert heading_text(COLUMNS[0], 4, Sorting("a")) == "Av  "
    assert heading_text(COLUMNS[0], 4, Sorting("a", reverse=True)) == "A^  "
    assert heading_text(COLUMNS[0], 4, Sorting("b")) == "A   "


def test_a_table_is_copied_with_all_its_columns() -> None:
    assert table_as_text(TABLE, TABLE.rows[:1]).splitlines() == [
        "A    B            N  EXTRA  Z",
        "one  10.0.0.1:80  5  e      zebra",
    ]


def test_a_gap_is_kept() -> None:
    gap = Gap("sockets", "no")
    assert unreadable(COLUMNS, gap).gap is gap


@pytest.mark.parametrize("columns", SCREENS)
def test_every_column_has_its_own_letter_and_a_meaning(columns: tuple[Column, ...]) -> None:
    assert len({column.letter for column in columns}) == len(columns)
    assert all(column.key in GLOSSARY for column in columns)


def test_every_term_of_a_detail_has_a_meaning() -> None:
    assert all(term in GLOSSARY for terms in DETAIL_TERMS.values() for term in terms)
