"""Formats and pages of the trace buffer: recorded ones, made ones, and bytes that are neither."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.collect.events.formats import parse_format
from workbench.collect.events.owners import Owners
from workbench.collect.events.pages import read_page, rows
from workbench.collect.events.records import Seen
from workbench.collect.events.translate import TRACEPOINTS, Translator
from workbench.evidence import TcpState
from workbench.evidence.event import EventKind

RECORDED = Path("fixtures/recordings/tracefs")
FORMATS = {
    seen: parse_format((RECORDED / f"{event.rpartition('/')[2]}.format").read_text())
    for seen, event in TRACEPOINTS.items()
}


def page_of(*words: int, time: int = 1000, flags: int = 0, after: bytes = b"") -> bytes:
    """A page with these 32-bit words."""
    body = struct.pack(f"={len(words)}I", *words)
    return struct.pack("=QQ", time, len(body) | flags) + body + after


def event(delta: int, *data: int) -> tuple[int, ...]:
    return (len(data) | delta << 5, *data)


def test_fields_lie_where_the_kernel_says() -> None:
    sent = FORMATS[Seen.RESET_SENT]
    assert sent.record.fields is not None
    assert sent.record.fields["reason"][1] == 28
    assert sent.record["saddr"].itemsize == 28
    assert sent.record.itemsize == 88
    assert not sent.has("sport")


def test_numbers_have_the_names_that_the_kernel_gives_them() -> None:
    assert FORMATS[Seen.RESET_SENT].names["reason"][11] == "TCP_ABORT_ON_CLOSE"
    assert FORMATS[Seen.DROP].names["reason"][12] == "NETFILTER_DROP"
    assert FORMATS[Seen.STATE].names["newstate"][8] == "TCP_CLOSE_WAIT"
    assert "state" not in FORMATS[Seen.RESET_SENT].names, "there the kernel gives names instead of numbers"


@pytest.mark.parametrize("text", ["", "name: x", "field:int a;\toffset:0;\tsize:4;\tsigned:1;"])
def test_what_is_no_format_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="no event format"):
        parse_format(text)


def test_a_recorded_page_becomes_events() -> None:
    page = (RECORDED / "page").read_bytes()
    found = read_page(page)
    assert found.missed == 0
    translator = Translator(FORMATS, Owners(), pids_are_ours=True)
    seen_of = {form.number: seen for seen, form in FORMATS.items()}
    taken = rows(page, found, {form.number: form.record for form in FORMATS.values()})
    events = list(translator.events((seen_of[number], *batch) for number, batch in taken.items()))
    assert [each.at_ns for each in events] == sorted(found.times)
    refused, aborted = [each for each in events if each.kind is EventKind.RESET_SENT]
    assert (refused.reason, refused.has_socket, refused.state) == ("NO_SOCKET", False, None)
    assert str(refused.connection).startswith("127.0.0.1:9 -> 127.0.0.1:")
    assert (aborted.reason, aborted.has_socket, aborted.state) == ("TCP_STATE", True, TcpState.CLOSE)
    states = [(each.before, each.state) for each in events if each.kind is EventKind.STATE]
    assert states[:2] == [(TcpState.CLOSE, TcpState.SYN_SENT), (TcpState.SYN_SENT, TcpState.CLOSE)]
    listening = next(each for each in events if each.state is TcpState.LISTEN)
    assert listening.connection is not None
    assert listening.connection.local.address == "::1"
    assert [each.reason for each in events if each.kind is EventKind.DROP] == ["NO_SOCKET"]


def test_time_advances_by_deltas_and_extensions() -> None:
    found = read_page(page_of(*event(5, 1, 2), 30 | 3 << 5, 1, *event(7, 3)))
    assert found.times == (1005, 1005 + 3 + (1 << 27) + 7)
    assert found.places == (20, 40)


def test_an_absolute_time_stamp_replaces_the_time() -> None:
    found = read_page(page_of(31 | 9 << 5, 2, *event(1, 0)))
    assert found.times == (9 + (2 << 27) + 1,)


def test_a_long_record_tells_its_length_itself() -> None:
    found = read_page(page_of(0 | 4 << 5, 12, 7, 7, *event(1, 8)))
    assert found.times == (1004, 1005)
    assert found.places == (24, 36)


def test_discarded_records_are_skipped_and_the_rest_of_a_page_is_empty() -> None:
    found = read_page(page_of(29 | 4 << 5, 8, 0, *event(1, 8), 29, 0))
    assert found.times == (1005,)


def test_missed_events_are_counted_where_the_kernel_says_how_many() -> None:
    assert read_page(page_of(*event(1, 8), flags=1 << 31)).missed == -1
    counted = page_of(*event(1, 8), flags=3 << 30, after=struct.pack("=Q", 77))
    assert read_page(counted).missed == 77
    assert read_page(counted).times == (1001,)


@given(st.binary(max_size=600))
def test_damaged_pages_end_where_they_make_no_sense(page: bytes) -> None:
    found = read_page(page)
    assert len(found.times) == len(found.places)
    for times, taken in rows(page, found, {form.number: form.record for form in FORMATS.values()}).values():
        assert len(times) == len(taken)
