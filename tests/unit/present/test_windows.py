"""Edges of windows as numbers."""

from dataclasses import replace

from tests.sample import tcp_info
from workbench.evidence import Sequences
from workbench.present.line import plain
from workbench.present.windows import window_lines

NUMBERS = Sequences(
    1000, 1200, 1500, 2**32 - 50, 2**32 - 80,
    snd_wnd=65536, rcv_wnd=4096, rcv_wup=2**32 - 100, max_window=70000, tsoffset=7, ts_recent=99, out_of_order=False,
)  # fmt: skip
INFO = tcp_info(options=5, snd_wscale=6, rcv_wscale=10)


def said(sequences: Sequences, **changes: int) -> list[str]:
    return [plain(each) for each in window_lines(sequences, replace(INFO, **changes))]


def test_both_windows_with_what_went_over_the_wire() -> None:
    assert said(NUMBERS) == [
        "window may send 65536 (1024 x 2^6) up to 66536, 65336 usable, at most 70000 so far",
        "window may come 4096 (4 x 2^10) up to 3996, 4046 usable",
        "       50 bytes have come since it was announced (rcv_wup)",
        "clocks offset of ours 7, the peer's last one 99",
    ]


def test_without_scaling_or_timestamps_there_is_less_to_say() -> None:
    assert said(NUMBERS, options=0)[0].startswith("window may send 65536 up to 66536")
    assert not any("clocks" in each for each in said(NUMBERS, options=0))
    assert list(window_lines(Sequences(1, 2, 3, 4, 5), None)) == []


def test_a_window_that_was_taken_back_and_a_gap() -> None:
    shrunk = said(replace(NUMBERS, snd_wnd=150, out_of_order=True))
    assert "taken back by 50" in shrunk[0]
    assert "       segments wait behind a gap (out of order)" in shrunk
