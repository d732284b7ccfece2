from hypothesis import given
from hypothesis import strategies as st

from workbench.evidence import Sequences
from workbench.present.line import Tone, plain, plain_lines
from workbench.present.sequence_picture import receive_stretches, send_stretches, sequence_picture

NUMBERS = st.integers(0, 2**32 - 1)
SIZES = st.integers(0, 2**24)


def _sequences(in_flight: int = 0, unsent: int = 0, unread: int = 0, window: int | None = 65536) -> Sequences:
    una, copied = 4294967000, 100
    nxt = (una + in_flight) % 2**32
    return Sequences(
        una, nxt, (nxt + unsent) % 2**32, copied + unread, copied, window, rcv_wnd=64256, rcv_wup=copied + unread
    )


def test_both_spaces_are_drawn_with_their_edges() -> None:
    lines = plain_lines(sequence_picture(_sequences(in_flight=590, unread=7), 78))
    assert lines[0].startswith("send [=")
    assert "# 590 in flight #" in lines[0]
    assert "64946 window left" in lines[0]
    assert lines[1] == "     snd_una 4294967000   snd_nxt +590   write_seq +590   window 65536"
    assert "7 unread" in lines[2]
    assert lines[3] == "     copied_seq 100   rcv_nxt +7   window 64256"


def test_what_the_window_does_not_allow_is_told_apart() -> None:
    names = {
        stretch.name: stretch.size for stretch in send_stretches(_sequences(in_flight=1000, unsent=500, window=1200))
    }
    assert names == {"acknowledged": None, "in flight": 1000, "unsent": 200, "beyond the window": 300}


def test_a_closed_window_is_marked() -> None:
    picture = sequence_picture(_sequences(unsent=500, window=0), 78)
    assert ("0", Tone.BAD) in picture[1]
    assert "500 beyond the window" in plain(picture[0])


def test_a_window_that_is_not_known_is_not_drawn() -> None:
    assert [stretch.name for stretch in send_stretches(_sequences(window=None))] == [
        "acknowledged",
        "in flight",
        "unsent",
    ]
    unknown = Sequences(1, 1, 1, 1, 1)
    assert [stretch.name for stretch in receive_stretches(unknown)] == ["read", "unread"]


@given(st.tuples(NUMBERS, SIZES, SIZES, NUMBERS, SIZES, st.integers(0, 2**30)), st.integers(60, 200))
def test_the_drawing_is_as_wide_as_asked_and_shows_every_number(numbers: tuple[int, ...], width: int) -> None:
    una, in_flight, unsent, copied, unread, window = numbers
    nxt, modulus = una + in_flight, 2**32
    sequences = Sequences(una, nxt % modulus, (nxt + unsent) % modulus, (copied + unread) % modulus, copied, window)
    lines = plain_lines(sequence_picture(sequences, width))
    assert len(lines[0]) == width
    assert len(lines[2]) == width
    assert str(in_flight) in lines[0]
    assert str(unread) in lines[2]
