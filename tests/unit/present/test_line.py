from hypothesis import given
from hypothesis import strategies as st

from workbench.present.line import Tone, heading, line, plain, plain_lines, wrapped
from workbench.present.width import cell_width, fit


def test_a_long_line_is_broken_at_spaces_and_indented() -> None:
    text = line("  - ", ("one two three four", Tone.BAD))
    assert plain_lines(wrapped([text], 12)) == ["  - one two", "    three", "    four"]


def test_pieces_keep_their_tone_over_the_break() -> None:
    (_, second) = wrapped([line("ab ", ("cdefgh", Tone.GOOD))], 8)
    assert ("cdefgh", Tone.GOOD) in second


def test_a_word_longer_than_the_line_is_cut() -> None:
    assert plain_lines(wrapped([line("x" * 20)], 10)) == ["x" * 10, "  " + "x" * 8, "  xx"]


def test_short_lines_stay_as_they_are() -> None:
    assert list(wrapped([heading("Sockets"), line()], 60)) == [heading("Sockets"), line()]


@given(
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cf", "Cs", "Mn", "Me"]))),
    st.integers(8, 40),
)
def test_no_broken_line_is_wider_and_nothing_is_lost(words: list[str], width: int) -> None:
    text = " ".join(words)
    broken = list(wrapped([line(text)], width))
    assert all(cell_width(plain(each)) <= width for each in broken)
    assert "".join("".join(plain_lines(broken)).split()) == "".join(text.split())


@given(st.text(), st.integers(0, 30))
def test_fit_takes_exactly_the_width(text: str, width: int) -> None:
    assert cell_width(fit(text, width)) == width


def test_fit_cuts_with_an_ellipsis_and_aligns() -> None:
    assert fit("abcdef", 4) == "abc…"
    assert fit("7", 4, right=True) == "   7"
    assert fit("日本語", 4) == "日… "
