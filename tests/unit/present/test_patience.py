"""A wait in words."""

from math import inf

from workbench.evidence.outlook import Outlook, Span, remote_outlook
from workbench.present.patience import end_text, explanation, span_text


def test_a_range_in_words() -> None:
    assert span_text(Span(6810, 6860)) == "6.8 s to 6.9 s"
    assert span_text(Span(6810, 6840)) == "6.8 s"
    assert span_text(Span(927_000, 955_000)) == "15 min 27 s to 15 min 55 s"
    assert span_text(Span(-20, 30)) == "0.0 ms to 30 ms"
    assert span_text(Span(1000, inf)) == "1.0 s to who knows how long"


def test_who_never_gives_up_says_why() -> None:
    for_ever = Outlook(ending="nothing is unanswered: it waits for ever")
    assert end_text(for_ever) == ""
    assert list(explanation(for_ever)) == ["nothing is unanswered: it waits for ever"]


def test_how_it_comes_about_and_what_is_assumed_is_said() -> None:
    said = list(explanation(remote_outlook()))
    assert said[0].startswith("tcp_retries2 15 stands for 924.6 s")
    assert "at the end its program gets ETIMEDOUT" in said[0]
    assert said[1].startswith("assumed: a Linux machine with its defaults")
