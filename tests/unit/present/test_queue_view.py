"""Queues as lines with sequence numbers, and what is searched for in them."""

import pytest

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint, Gap, ImageSocket, Queue, Sequences, TcpState
from workbench.evidence.queues import QueueName, QueuePart, SocketQueues, StopReport, queues_of_image
from workbench.present.line import Tone, plain_lines
from workbench.present.queue_view import Form, Found, hex_lines, parse_search, queue_lines, search
from workbench.present.width import cell_width

TOP = (1 << 32) - 10
ENDS = Connection(Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 40000))
RECEIVED = QueuePart(QueueName.RECEIVED, b"GET / HTTP/1.1\r\nHost: me\r\n\r\n", 28, TOP)
IN_FLIGHT = QueuePart(QueueName.IN_FLIGHT, b"abcdef", 6, 1000)
UNSENT = QueuePart(QueueName.UNSENT, b"ghi\x1b[31mjkl", 11, 1006)
QUEUES = SocketQueues(ENDS, TcpState.ESTABLISHED, "server\x1b[2J 7 fd 3", 0.0, RECEIVED, IN_FLIGHT, UNSENT)


def test_each_line_has_its_sequence_number_also_where_they_wrap() -> None:
    lines = plain_lines(hex_lines(RECEIVED, 0, 28, Form(16, True)))
    assert lines == [
        "4294967286  +0        47 45 54 20 2f 20 48 54  54 50 2f 31 2e 31 0d 0a  GET / HTTP/1.1..",
        "         6  +16       48 6f 73 74 3a 20 6d 65  0d 0a 0d 0a              Host: me....",
    ]


@pytest.mark.parametrize(("width", "each"), [(60, 8), (80, 16), (100, 16), (200, 32)])
def test_lines_fit(width: int, each: int) -> None:
    form = Form.fitting(width)
    assert form.each == each
    for part in (RECEIVED, QueuePart(QueueName.RECEIVED, bytes(range(256)), 256, None)):
        for text in plain_lines(hex_lines(part, 0, 256, form)):
            assert cell_width(text) <= form.cells <= width
            assert "\x1b" not in text


def test_what_is_shown_says_where_it_stands() -> None:
    text = "\n".join(plain_lines(queue_lines(QUEUES, 100, most=4, skip=2)))
    assert "received, not read by the program  28 bytes, sequence numbers 4294967286 to 17" in text
    assert "looks like HTTP/1.1 request: GET / HTTP/1.1" in text
    assert "sent, not acknowledged  6 bytes, sequence numbers 1000 to 1005" in text
    assert "  22 more bytes" in text
    assert "server\\x1b[2J 7 fd 3" in text


def test_empty_and_cut_parts() -> None:
    empty = QueuePart(QueueName.UNSENT, b"", 0, 77)
    cut = QueuePart(QueueName.RECEIVED, b"ab", 500, None)
    gap = Gap("queues", "nobody asked")
    read = SocketQueues(ENDS, TcpState.ESTABLISHED, "x", 0.0, cut, gap, empty, stop=StopReport(2, 5, 1.5, 0.25))
    text = "\n".join(plain_lines(queue_lines(read, 100)))
    assert "500 bytes, the first 2 of them here" in text
    assert "never sent  empty; the next byte is 77" in text
    assert "not read: nobody asked" in text
    assert "2 processes (5 threads) stood still for 1.5 ms, 0.25 ms of it" in text


def test_search_finds_what_lies_across_the_border() -> None:
    assert search(QUEUES, b"efgh") == (Found(QueueName.IN_FLIGHT, 4, 6),)
    assert search(QUEUES, b"gh") == (Found(QueueName.UNSENT, 0, 2),)
    assert search(QUEUES, b"e") == (Found(QueueName.RECEIVED, 23, 24), Found(QueueName.IN_FLIGHT, 4, 5))
    assert search(QUEUES, b"e", most=1) == (Found(QueueName.RECEIVED, 23, 24),)
    assert search(QUEUES, b"") == ()
    marked = next(hex_lines(IN_FLIGHT, 0, 6, Form(8, False), (Found(QueueName.IN_FLIGHT, 4, 6),)))
    assert ("65 66 ", Tone.WARNING) in marked
    assert ("ef", Tone.WARNING) in marked


def test_what_to_search_for() -> None:
    assert parse_search("hex:48 65:0x6c") == b"Hel"
    assert parse_search("héx") == "héx".encode()
    with pytest.raises(WorkbenchError, match="not hexadecimal"):
        parse_search("hex:4")


@pytest.mark.parametrize(("state", "fin"), [(TcpState.ESTABLISHED, 0), (TcpState.FIN_WAIT1, 1)])
def test_queues_of_an_image(state: TcpState, fin: int) -> None:
    numbers = Sequences(snd_una=100, snd_nxt=103, write_seq=105 + fin, rcv_nxt=50, copied_seq=48)
    image = ImageSocket(1, 2, state, ENDS, (), numbers, Queue(b"ab", b"cdefg", 2))
    read = queues_of_image(image, "images", 5.0)
    assert [(part.content, part.start) for part in read.parts] == [(b"ab", 48), (b"cde", 100), (b"fg", 103)]
    none = queues_of_image(ImageSocket(1, 2, TcpState.LISTEN, ENDS, ()), "images", 5.0)
    assert none.parts == ()
    assert len(none.gaps) == 1


def test_parts_that_nobody_asked_for_are_no_gaps() -> None:
    only = QUEUES.only({QueueName.UNSENT})
    assert only.parts == (UNSENT,)
    assert only.gaps == ()
