import pytest

from workbench.present.units import byte_size, count, duration, milliseconds, timer_left


@pytest.mark.parametrize(
    ("number", "text"), [(None, "-"), (0, "0 B"), (590, "590 B"), (1024, "1.0 KiB"), (4_300_000, "4.1 MiB")]
)
def test_byte_size(number: int | None, text: str) -> None:
    assert byte_size(number) == text


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0.42, "0.4 ms"), (31, "31 ms"), (1600, "1.6 s"), (860_000, "14 min 20 s")]
)
def test_milliseconds(value: float | None, text: str) -> None:
    assert milliseconds(value) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-3, "0 s"),
        (12.9, "12 s"),
        (60, "1 min"),
        (11_100, "3 h 5 min"),
        (187_200, "2 d 4 h"),
        (float("inf"), "for ever"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(("left", "text"), [(200, "0.2s"), (41_000, "41s"), (840_000, "14m"), (7_200_000, "2h")])
def test_timer_left_fits_a_column(left: int, text: str) -> None:
    assert timer_left(left) == text


def test_count() -> None:
    assert (count(1, "process", "processes"), count(2, "process", "processes")) == ("1 process", "2 processes")
