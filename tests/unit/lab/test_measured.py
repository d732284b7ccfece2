"""What was measured as lines: a table that is too wide is told in parts, each with what names its rows."""

import pytest

from workbench.lab.measured import measured_lines

ROWS = [
    {"method": method, "connections": count, "set_ms": 1.5, "lift_ms": 22.5, "out_bytes": 320, "kept": {"a": 1}}
    for method in ("nftables", "iptables-legacy")
    for count in (1, 100)
]


@pytest.mark.parametrize("width", [None, 80, 50, 10])
def test_no_line_is_wider_than_wanted_as_long_as_a_column_fits(width: int | None) -> None:
    lines = list(measured_lines({"methods": ROWS, "seconds": 3.25}, width))
    tables = "\n".join(lines[:-1]).split("\n\n")
    assert len(tables) == {None: 1, 80: 1, 50: 2, 10: 4}[width]
    assert all(width in {None, 10} or len(line) <= width for line in lines)
    for table in tables:
        heading, *rows = table.splitlines()
        assert heading.split()[:2] == ["method", "connections"]
        assert [row.split()[:2] for row in rows] == [[row["method"], str(row["connections"])] for row in ROWS]
    assert "a 1" in tables[-1]
    assert lines[-1] == "  seconds: 3.2"
