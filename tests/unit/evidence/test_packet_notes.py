"""What is noted of segments: transcripts of connections, each with what it must show."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from workbench.evidence import Capture, CaptureInterface, Connection, Endpoint, Packet
from workbench.evidence.captured_reset import captured_reset
from workbench.evidence.event import ACK, FIN, PSH, RST, SYN
from workbench.evidence.packet import chosen
from workbench.evidence.packet_notes import Followed, follow
from workbench.evidence.packet_sign import Sign
from workbench.read.pcap import read_capture

A, B = Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 80)
OUT, BACK = Connection(A, B), Connection(B, A)
ISN_A, ISN_B = (1 << 32) - 5, 7000
"""Both come round, or begin, within the first bytes."""
MS = 1_000_000
RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings" / "podman"


class Talk:
    """Segments by relative numbers, in milliseconds."""

    def __init__(self, *, shake: bool = True, scale: int | None = 0) -> None:
        self.packets: list[Packet] = []
        if shake:
            self.say(0, OUT, 0, None, SYN, wscale=scale)
            self.say(1, BACK, 0, 1, SYN | ACK, wscale=scale)
            self.say(2, OUT, 1, 1)

    def say(self, at: float, way: Connection, seq: int, ack: int | None, flags: int = ACK, **fields: Any) -> "Talk":
        isn, other = (ISN_A, ISN_B) if way == OUT else (ISN_B, ISN_A)
        number = (isn + seq) % (1 << 32)
        answer = 0 if ack is None else (other + ack) % (1 << 32)
        window = fields.pop("window", 1000)
        packet = Packet(round(at * MS), 0, way, number, answer, flags, window, 0, 64)
        self.packets.append(replace(packet, **fields))
        return self

    def data(self, at: float, seq: int, ack: int, length: int = 10, **fields: Any) -> "Talk":
        return self.say(at, OUT, seq, ack, ACK | PSH, length=length, **fields)

    def answer(self, at: float, seq: int, ack: int, length: int = 0, **fields: Any) -> "Talk":
        return self.say(at, BACK, seq, ack, length=length, **fields)

    @property
    def followed(self) -> Followed:
        return follow(self.packets)

    def signs(self, *, last: int = 1) -> list[list[tuple[Sign, int]]]:
        return [[(note.sign, note.value) for note in one.notes] for one in self.followed.segments[-last:]]


def test_an_exchange_without_anything_notable_counts_from_zero() -> None:
    talk = Talk().data(3, 1, 1).answer(4, 1, 11, 20).say(5, OUT, 11, 21).say(6, OUT, 11, 21, FIN | ACK)
    talk.answer(7, 21, 12).say(8, BACK, 21, 12, FIN | ACK).say(9, OUT, 12, 22)
    followed = talk.followed
    assert all(not one.notes for one in followed.segments)
    assert [(one.seq, one.ack) for one in followed.segments] == [
        (0, None), (0, 1), (1, 1), (1, 1), (1, 11), (11, 21), (11, 21), (21, 12), (21, 12), (12, 22),
    ]  # fmt: skip
    (flow,) = followed.flows
    assert (flow.connection, flow.packets, flow.sent[OUT], flow.sent[BACK]) == (OUT, 10, 10, 20)
    assert (flow.waiting, flow.closed_windows, flow.signs) == ((), (), {})


def test_without_a_handshake_the_first_byte_is_one() -> None:
    followed = Talk(shake=False).data(0, 500, 900).answer(1, 900, 510).followed
    assert [(one.seq, one.ack) for one in followed.segments] == [(1, 1), (1, 11)]
    assert all(not one.notes for one in followed.segments)


def test_retransmissions() -> None:
    talk = Talk().data(3, 1, 1).data(203, 1, 1)
    assert talk.signs() == [[(Sign.RETRANSMISSION, 0)]]
    talk.answer(204, 1, 11).data(205, 1, 1)
    assert talk.signs(last=2) == [[(Sign.RESUMED, 201 * MS)], [(Sign.SPURIOUS_RETRANSMISSION, 0)]]


def test_a_fast_retransmission_follows_duplicate_acknowledgements() -> None:
    talk = Talk().data(3, 1, 1).answer(4, 1, 11)
    talk.data(5, 11, 1).data(6, 21, 1).data(7, 31, 1).answer(8, 1, 11).answer(9, 1, 11).data(10, 11, 1)
    assert talk.signs(last=3) == [[(Sign.DUP_ACK, 1)], [(Sign.DUP_ACK, 2)], [(Sign.FAST_RETRANSMISSION, 0)]]


def test_gaps_and_what_fills_them() -> None:
    talk = Talk().data(3, 21, 1)
    assert talk.signs() == [[(Sign.GAP, 20)]]
    assert talk.data(4, 1, 1).signs() == [[(Sign.OUT_OF_ORDER, 0)]]
    assert talk.data(500, 11, 1).signs() == [[(Sign.RETRANSMISSION, 0)]]
    late = Talk().data(3, 11, 1, tsval=50, tsecr=1).data(300, 1, 1, tsval=40, tsecr=1)
    assert late.signs() == [[(Sign.OUT_OF_ORDER, 0)]]


def test_acknowledgements_of_what_was_not_seen_and_ones_that_go_back() -> None:
    talk = Talk().answer(3, 1, 101)
    assert talk.signs() == [[(Sign.ACK_UNSEEN, 100)]]
    assert talk.answer(4, 1, 51).signs() == [[(Sign.ACK_BACK, 50)]]


def test_keepalives_and_probes_into_a_closed_window() -> None:
    talk = Talk().data(3, 1, 1).answer(4, 1, 11).say(5, OUT, 10, 1).answer(6, 1, 11)
    assert talk.signs(last=2) == [[(Sign.KEEPALIVE, 0)], [(Sign.KEEPALIVE_ANSWER, 0)]]
    closed = Talk().data(3, 1, 1, 1000).answer(4, 1, 1001, window=0)
    closed.say(300, OUT, 1000, 1).answer(301, 1, 1001, window=0)
    assert closed.signs(last=3) == [
        [(Sign.ZERO_WINDOW, 0)], [(Sign.WINDOW_PROBE, 0)], [(Sign.KEEPALIVE_ANSWER, 0), (Sign.ZERO_WINDOW, 0)],
    ]  # fmt: skip
    (flow,) = closed.followed.flows
    assert flow.closed_windows == ((BACK, 4 * MS),)
    closed.answer(400, 1, 1001, window=500)
    assert closed.signs() == [[(Sign.WINDOW_OPENED, 0)]]
    assert closed.followed.flows[0].closed_windows == ()


def test_windows() -> None:
    talk = Talk(scale=2).data(3, 1, 1).answer(4, 1, 11, window=100)
    assert talk.answer(5, 1, 11, window=50).signs() == [[(Sign.WINDOW_SHRUNK, 200)]]
    assert talk.data(6, 11, 1, 200).signs() == [[(Sign.WINDOW_FULL, 0)]]
    rounded = Talk(scale=7).data(3, 1, 1).answer(4, 1, 11, window=100).data(5, 11, 1, 100).answer(6, 1, 111, window=100)
    assert rounded.signs() == [[]]
    unknown = Talk(shake=False).data(3, 1, 1).answer(4, 1, 11, window=100).answer(5, 1, 11, window=99)
    assert unknown.signs() == [[(Sign.WINDOW_SHRUNK, 0)]]
    one_sided = Talk(shake=False)
    one_sided.say(0, OUT, 0, None, SYN, wscale=7).say(1, BACK, 0, 1, SYN | ACK).say(2, OUT, 1, 1, window=100)
    assert one_sided.answer(3, 1, 1, 100).signs() == [[(Sign.WINDOW_FULL, 0)]]


def test_resets() -> None:
    def reset(seq: int, **fields: Any) -> list[tuple[Sign, int]]:
        talk = Talk().data(3, 1, 1).answer(4, 1, 11, 20).say(5, OUT, 11, 21)
        return talk.say(6, BACK, seq, None, RST, **fields).signs()[0]

    assert reset(21) == [(Sign.RESET, 0)]
    assert reset(22) == [(Sign.RESET_CHALLENGED, 1)]
    assert reset(1021) == [(Sign.RESET_OUT_OF_WINDOW, 1000)]
    assert reset(20) == [(Sign.RESET_OUT_OF_WINDOW, -1)]
    assert reset(21, ttl=63) == [(Sign.ODD_TTL, 64), (Sign.RESET, 0)]
    refused = Talk(shake=False).say(0, OUT, 0, None, SYN).say(1, BACK, 0, 1, RST | ACK)
    assert refused.signs() == [[(Sign.RESET, 0)]]
    strange = Talk(shake=False).say(0, OUT, 0, None, SYN).say(1, BACK, 0, 2, RST | ACK)
    assert strange.signs() == [[(Sign.RESET_OUT_OF_WINDOW, 1)]]


def test_who_waits_in_the_end() -> None:
    talk = Talk().data(3, 1, 1).data(203, 1, 1).data(603, 1, 1)
    (flow,) = talk.followed.flows
    (waiting,) = flow.waiting
    assert (waiting.way, waiting.since_ns, waiting.segments) == (OUT, 3 * MS, 3)
    assert talk.say(700, BACK, 1, None, RST).followed.flows[0].waiting == ()


def test_the_same_segment_at_another_interface_is_a_copy() -> None:
    talk = (
        Talk(shake=False).data(0, 1, 1).data(0.01, 1, 1, interface=1).answer(1, 1, 11, interface=1).answer(1.1, 1, 11)
    )
    assert talk.signs(last=4) == [[], [(Sign.COPY, 0)], [], [(Sign.COPY, 0)]]
    twice = Talk(shake=False).data(0, 1, 1, incoming=False).data(0.01, 1, 1, incoming=True)
    assert twice.signs() == [[(Sign.COPY, 0)]]
    assert twice.followed.flows[0].packets == 1


def test_a_new_connection_of_the_same_ends() -> None:
    talk = Talk().say(50, OUT, 5000, None, SYN).say(51, BACK, 9000, 5001, SYN | ACK)
    followed = talk.followed
    assert len(followed.flows) == 2
    assert [(one.seq, one.ack) for one in followed.segments[-2:]] == [(0, None), (0, 1)]
    repeated = Talk(shake=False).say(0, OUT, 0, None, SYN).say(1000, OUT, 0, None, SYN)
    assert repeated.signs() == [[(Sign.RETRANSMISSION, 0)]]


def capture(packets: Sequence[Packet]) -> Capture:
    return Capture("x", (CaptureInterface("eth0"),), tuple(packets))


def test_which_reset_was_captured() -> None:
    talk = Talk().data(3, 1, 1).answer(4, 1, 11).say(10, BACK, 1, None, RST, incoming=True)
    found = captured_reset([capture(talk.packets)], BACK, 12 * MS)
    assert found is not None
    assert (found.believed, found.odd_ttl, found.left_there) == (True, False, None)
    assert captured_reset([capture(talk.packets)], OUT, 12 * MS) is None
    assert captured_reset([capture(talk.packets)], BACK, 12_000 * MS) is None
    forged = Talk().data(3, 1, 1).answer(4, 1, 11).say(10, BACK, 1, None, RST, ttl=200)
    found = captured_reset([capture(forged.packets)], BACK, 12 * MS)
    assert found is not None
    assert (found.odd_ttl, found.ttl, found.believed) == (True, 64, True)
    far = Talk().data(3, 1, 1).answer(4, 1, 11).say(10, BACK, 5000, None, RST)
    found = captured_reset([capture(far.packets)], BACK, 12 * MS)
    assert found is not None
    assert found.believed is False


def test_recordings_of_a_restore() -> None:
    flow = follow(read_capture(RECORDINGS / "between.pcap").packets).flows[0]
    assert {Sign.RETRANSMISSION: 1, Sign.KEEPALIVE: 1, Sign.RESUMED: 1}.items() <= flow.signs.items()
    twice = follow(read_capture(RECORDINGS / "restored-twice.pcap").packets).flows[0]
    assert twice.signs[Sign.ACK_BACK] >= 3
    assert twice.waiting
    anew = follow(read_capture(RECORDINGS / "started-anew.pcap").packets)
    assert all(len(flow.resets) == 1 for flow in anew.flows)


def test_segments_of_one_connection_in_several_captures() -> None:
    first = capture(Talk().data(3, 1, 1).packets)
    other = Connection(Endpoint("10.0.0.9", 1), B)
    second = capture(
        [replace(packet, way=other) for packet in Talk().packets] + Talk(shake=False).data(2.5, 1, 1).packets
    )
    found = chosen([first, second], BACK)
    assert [packet.at_ns for packet in found.packets] == [0, 1 * MS, 2 * MS, round(2.5 * MS), 3 * MS]
    assert [packet.interface for packet in found.packets] == [0, 0, 0, 1, 0]
    assert len(found.interfaces) == 2


SEGMENT = st.builds(
    Packet, st.integers(0, 1 << 40), st.integers(0, 2), st.sampled_from([OUT, BACK]), st.integers(0, (1 << 32) - 1),
    st.integers(0, (1 << 32) - 1), st.integers(0, 255), st.integers(0, 65535), st.integers(0, 65535),
    st.integers(0, 255), wscale=st.none() | st.integers(0, 255), tsval=st.none() | st.integers(0, (1 << 32) - 1),
)  # fmt: skip


@given(st.lists(SEGMENT, max_size=20))
def test_whatever_the_segments(packets: list[Packet]) -> None:
    followed = follow(packets)
    assert [one.packet for one in followed.segments] == packets
