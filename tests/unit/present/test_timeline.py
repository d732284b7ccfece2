"""Events in words."""

from dataclasses import replace

import pytest

from workbench.evidence import Connection, Endpoint, TcpState
from workbench.evidence.attribution import Attribution, Cause
from workbench.evidence.event import ACK, RST, Event, EventKind, Maker, Segment
from workbench.evidence.reset_trail import Effect
from workbench.present import timeline
from workbench.present.line import plain

ENDS = Connection(Endpoint("10.0.0.1", 7022), Endpoint("10.0.0.2", 40000))
SEGMENT = Segment(7, 9, RST | ACK, 64, 61, 5)


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (Event(0, EventKind.STATE, before=TcpState.CLOSE, state=TcpState.LISTEN), "CLOSE -> LISTEN"),
        (Event(0, EventKind.RESET_SENT, reason="NO_SOCKET", has_socket=False), "reset sent: NO_SOCKET, no socket"),
        (
            Event(0, EventKind.RESET_SENT, reason="TCP_STATE", has_socket=True, state=TcpState.CLOSE),
            "reset sent: TCP_STATE, CLOSE",
        ),
        (Event(0, EventKind.RESET_SENT, has_socket=True), "reset sent: no reason given"),
        (Event(0, EventKind.RESET_RECEIVED), "reset received"),
        (
            Event(0, EventKind.RESET_PACKET, maker=Maker.NETFILTER, incoming=False, segment=SEGMENT),
            "segment with RST from a REJECT rule (RA seq 7 ack 9, 5 bytes)",
        ),
        (
            Event(0, EventKind.RESET_PACKET, incoming=True, segment=SEGMENT, usual_ttl=57),
            "segment with RST arrived with TTL 61, others from there 57 (RA seq 7 ack 9, 5 bytes)",
        ),
        (Event(0, EventKind.RETRANSMISSION, state=TcpState.ESTABLISHED), "retransmission, ESTABLISHED"),
        (
            Event(0, EventKind.DROP, reason="NETFILTER_DROP", incoming=True, details={"location": "nft_do_chain"}),
            "received segment dropped: NETFILTER_DROP in nft_do_chain",
        ),
        (Event(0, EventKind.DROP, reason="X", incoming=False), "segment to send dropped: X"),
        (
            Event(0, EventKind.RULES, details={"deleted rule in inet t": 6, "deleted table inet t": 1}),
            "rules committed: deleted 6 rules in inet t, deleted table inet t",
        ),
        (Event(0, EventKind.RULES), "rules committed: nothing changed"),
        (Event(0, EventKind.STAGE, reason="frozen"), "criu: frozen"),
        (Event(0, EventKind.LOSS, lost=3, reason="full"), "lost, at least 3 records: full"),
    ],
)
def test_every_kind_has_its_words(event: Event, words: str) -> None:
    assert timeline.what(event) == words
    assert plain(timeline.event_line(event, {}, 0)).endswith(words)


def test_every_kind_has_a_tone() -> None:
    for kind in EventKind:
        assert timeline.tone(Event(0, kind))


def test_a_row_names_the_namespace_the_ends_and_the_process() -> None:
    event = Event(1_500_000, EventKind.RESET_RECEIVED, 77, ENDS, owner_pid=5, owner_command="server")
    clock, *cells = timeline.event_cells(event, {77: "app"}, 3_000_000_000)
    assert clock.endswith(":03.001500")
    assert cells == ["app", "10.0.0.1:7022 > 10.0.0.2:40000", "server 5", "reset received"]
    assert timeline.event_cells(replace(event, pid=6, command="ss"), {}, 0)[1:4] == (
        "77", "10.0.0.1:7022 > 10.0.0.2:40000", "ss 6"
    )  # fmt: skip
    assert timeline.event_cells(Event(0, EventKind.LOSS), {}, 0)[1:4] == ("-", "-", "-")


def test_a_listening_socket_stands_alone() -> None:
    alone = Connection(ENDS.local, Endpoint("0.0.0.0", 0))
    assert timeline.connection(Event(0, EventKind.STATE, connection=alone)) == "10.0.0.1:7022"


def test_what_was_found_out_stands_below() -> None:
    found = Attribution(1, Cause.NO_SOCKET, ENDS, 77, Effect.TAKEN, "NO_SOCKET", "nobody", 2)
    assert timeline.attribution_cells(found, {}, 0)[-1] == "= reset (no-socket): nobody"
    assert timeline.why(replace(found, cause=Cause.DROP_RULE)) == "silent (drop-rule): nobody"


def test_text_from_outside_is_harmless() -> None:
    hostile = "\x1b[31m\u202eevil"
    event = Event(0, EventKind.RULES, 77, pid=5, command=hostile, details={f"added rule in {hostile} x": 1})
    row = timeline.text_row(timeline.event_cells(event, {77: hostile}, 0))
    assert "\x1b" not in row
    assert "\u202e" not in row
    found = Attribution(1, Cause.PEER, ENDS, 77, Effect.TAKEN, hostile, hostile, 2)
    assert "\x1b" not in "".join(timeline.attribution_cells(found, {}, 0))
