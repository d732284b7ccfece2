from math import inf

import pytest

from workbench.evidence.outlook import Span, TimerWheel
from workbench.evidence.outlook.series import Series
from workbench.evidence.outlook.timer_wheel import DELAY_MS

NOW = Span(0, 0)


@pytest.mark.parametrize(
    ("jiffies", "interval_ms", "fires_ms"),
    [
        (1000, 200, 204),  # 50 ticks: the first level, always one tick late
        (1000, 400, 416),  # 1100 ticks; the bucket of 8 ends at 1104
        (1003, 400, 404),  # 1103: the same bucket
        (1004, 400, 432),  # 1104: the next one
        (1024, 3200, 3328),  # 1824; a bucket of 64 ends at 1856
        (0, 120_000, 120_832),  # 30000; a bucket of 512 ends at 30208
    ],
)
def test_a_timer_fires_when_its_bucket_is_over(jiffies: int, interval_ms: float, fires_ms: float) -> None:
    found = TimerWheel(250, jiffies).fires(NOW, interval_ms)
    assert found == Span(fires_ms, fires_ms + DELAY_MS)


@pytest.mark.parametrize("interval_ms", [4, 200, 252, 2016, 5000, 16_128, 120_000, 7_200_000])
@pytest.mark.parametrize("hz", [100, 250, 300, 1000])
def test_who_knows_less_says_less(interval_ms: int, hz: int) -> None:
    ignorant = TimerWheel().fires(NOW, interval_ms)
    knowing_hz = TimerWheel(hz).fires(NOW, interval_ms)
    assert ignorant.least == knowing_hz.least == interval_ms
    for jiffies in range(10_000, 10_600, 7):
        exact = TimerWheel(hz, jiffies).fires(NOW, interval_ms)
        assert interval_ms - 1000 / hz <= exact.least
        assert exact.most <= knowing_hz.most + 1000 / hz
        assert exact.most <= ignorant.most + 1000 / hz


def test_a_series_ends_with_the_last_one_that_may_go_unanswered() -> None:
    wheel = TimerWheel(1000, 0)
    found = Series(wheel, lambda number, _: 100 * 2**number, most=3).end(Span(100, 100), unanswered=1)
    assert found.least == pytest.approx(100 + 200 + 400, rel=0.05)
    assert found.most == pytest.approx(found.least + 2 * DELAY_MS, abs=40)


def test_a_series_ends_at_the_first_firing_beyond_its_limit_and_never_at_its_first() -> None:
    wheel = TimerWheel(1000, 0)

    def end(limit_ms: float) -> Span:
        return Series(wheel, lambda number, _: 100 * 2**number, limit_ms=limit_ms).end(Span(100, 100))

    assert end(150).least == pytest.approx(300, rel=0.05)
    assert end(1000).least == pytest.approx(100 + 200 + 400 + 800, rel=0.05)
    assert end(1000).most < 1.2 * end(1000).least


def test_on_the_edge_it_ends_at_one_firing_or_the_next() -> None:
    found = Series(TimerWheel(1000, 0), lambda *_: 1000, limit_ms=1060).end(Span(500, 500))
    assert found.least == pytest.approx(1560, abs=5)
    assert 2500 < found.most < 2700


def test_without_a_limit_it_goes_on_for_ever() -> None:
    assert Series(TimerWheel(1000, 0), lambda *_: 1000).end(Span(500, 500)).least == inf
