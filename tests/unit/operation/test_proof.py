"""Each fault that a restore could have, one at a time, must be found; what a sound restore changes must not."""

from dataclasses import replace

import pytest

from workbench.evidence import (
    Backend,
    Connection,
    Endpoint,
    Gap,
    ImageSocket,
    Lock,
    LockScope,
    Queue,
    Sequences,
    Socket,
    SocketTimer,
    TcpInfo,
    TcpState,
)
from workbench.operation.progress import End, Proof, Verdict
from workbench.operation.proof import After, prove
from workbench.repair.record import ReadSocket

WE, PEER = Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.1", 56692)
CONNECTION = Connection(WE, PEER)
RECEIVED, SENT = b"not yet read", b"sent and not acknowledged, then never sent"
NEAR_THE_END = (1 << 32) - 20
"""Sequence numbers run over their end within the queues."""

SEQUENCES = Sequences(
    snd_una=NEAR_THE_END,
    snd_nxt=(NEAR_THE_END + len(SENT) - 10) % (1 << 32),
    write_seq=(NEAR_THE_END + len(SENT)) % (1 << 32),
    rcv_nxt=5,
    copied_seq=(5 - len(RECEIVED)) % (1 << 32),
    snd_wnd=65536,
    rcv_wnd=50000,
    rcv_wup=5,
    snd_wl1=5,
    max_window=65536,
)
IMAGE = ImageSocket(
    inode=0x3B4A,
    family=2,
    state=TcpState.ESTABLISHED,
    connection=CONNECTION,
    holders=((77, 4),),
    sequences=SEQUENCES,
    queue=Queue(RECEIVED, SENT, 10),
    mss_clamp=1460,
    snd_wscale=10,
    rcv_wscale=7,
    options=7,
    timestamp=1000,
    socket_options={"TCP_NODELAY": 1, "SO_REUSEPORT": 0},
)
HELD = ReadSocket(
    connection=CONNECTION,
    family=2,
    state=TcpState.ESTABLISHED,
    cookie=9,
    sequences=SEQUENCES,
    queue=Queue(RECEIVED, SENT, 10),
    mss_clamp=1460,
    options=7,
    snd_wscale=10,
    rcv_wscale=7,
    timestamp=1001,
    segments_in=0,
    socket_options={"TCP_NODELAY": 1, "SO_REUSEPORT": 1, "TCP_CONGESTION": "bbr"},
    was_in_repair=True,
)
INFO = TcpInfo(
    rto_us=200_000, rtt_us=0, rttvar_us=0, backoff=0, probes=0, options=7, snd_wscale=10, rcv_wscale=7, snd_mss=1460,
    rcv_mss=536, advmss=1460, pmtu=1500, snd_cwnd=10, snd_ssthresh=0x7FFFFFFF, rcv_ssthresh=0, unacked=0, sacked=0,
    lost=0, retrans=0, total_retrans=0, last_data_sent_ms=0, last_data_recv_ms=0, last_ack_recv_ms=0, segs_in=3,
)  # fmt: skip


def listed(state: TcpState = TcpState.ESTABLISHED, **changes: object) -> Socket:
    sock = Socket(
        netns=1, family=2, state=state, local=WE, peer=PEER, inode=99, cookie=9, uid=0, recv_q=0, send_q=0, info=INFO
    )
    return replace(sock, **changes)  # type: ignore[arg-type]


MOVED = replace(
    SEQUENCES,
    snd_una=SEQUENCES.write_seq,
    snd_nxt=SEQUENCES.write_seq,
    rcv_nxt=105,
    copied_seq=105,
)
FLOWING = After(End(listed(), MOVED))


def judge(
    image: ImageSocket = IMAGE,
    held: ReadSocket | Gap | None = HELD,
    after: After | None = FLOWING,
    before: dict[str, int | str] | None = None,
) -> Proof:
    (proof,) = prove(
        [image],
        {} if held is None else {image.connection: held},
        {} if after is None else {image.connection: after},
        {image.connection: before or {}},
    )
    return proof


def test_what_was_dumped_and_flows_both_ways_goes_on() -> None:
    proof = judge()
    assert proof.verdict is Verdict.CONTINUED
    assert proof.bytes_checked == len(RECEIVED) + len(SENT)
    assert f"{len(SENT)} bytes acknowledged" in proof.sentence
    assert "100 bytes received since" in proof.sentence
    assert proof.facts["rcv_nxt"] == {"before": 5, "restored": 5, "after": 105}


def test_the_odd_byte_of_a_buffer_is_not_missed() -> None:
    cases = (("SO_RCVBUF", 4720460, False), ("SO_SNDBUF", 4720459, True), ("TCP_MAXSEG", 4720460, True))
    for name, after, missed in cases:
        image = replace(IMAGE, socket_options={name: 4720461})
        assert (name in judge(image, replace(HELD, socket_options={name: after})).sentence) is missed


def test_a_socket_that_was_left_running_may_have_announced_more_window() -> None:
    idle = replace(SEQUENCES, snd_una=SEQUENCES.write_seq, snd_nxt=SEQUENCES.write_seq, rcv_wup=0)
    image = replace(IMAGE, sequences=idle, queue=Queue(RECEIVED, b"", 0))
    verdicts = {}
    for wider in (0, 7, -7):
        held = replace(HELD, sequences=replace(idle, rcv_wup=5, rcv_wnd=49995 + wider), queue=Queue(RECEIVED, b"", 0))
        (proof,) = prove([image], {CONNECTION: held}, {CONNECTION: FLOWING}, stayed=True)
        verdicts[wider] = proof.verdict
    assert verdicts == {0: Verdict.CONTINUED, 7: Verdict.CONTINUED, -7: Verdict.LOST}


OFF_BY_ONE = [
    (name, off)
    for name in ("snd_una", "snd_nxt", "write_seq", "rcv_nxt", "copied_seq", "snd_wnd", "max_window", "snd_wl1")
    for off in (-1, 1)
    if (name, off) != ("snd_nxt", 1)  # an unsent byte may have been sent into the lock
]


@pytest.mark.parametrize(("name", "off"), OFF_BY_ONE)
def test_a_number_off_by_one_is_found(name: str, off: int) -> None:
    wrong = (getattr(SEQUENCES, name) + off) % (1 << 32)
    proof = judge(held=replace(HELD, sequences=replace(SEQUENCES, **{name: wrong})))
    assert proof.verdict is Verdict.LOST
    assert name in proof.sentence


@pytest.mark.parametrize("name", ["rcv_wnd", "rcv_wup"])
def test_a_receive_window_that_lost_a_byte_is_found(name: str) -> None:
    proof = judge(held=replace(HELD, sequences=replace(SEQUENCES, **{name: getattr(SEQUENCES, name) - 1})))
    assert proof.verdict is Verdict.LOST
    assert "window" in proof.sentence


@pytest.mark.parametrize("name", ["rcv_wnd", "rcv_wup"])
def test_with_nothing_to_retransmit_the_receive_window_is_exact(name: str) -> None:
    idle = replace(SEQUENCES, snd_una=SEQUENCES.write_seq, snd_nxt=SEQUENCES.write_seq)
    image = replace(IMAGE, sequences=idle, queue=Queue(RECEIVED, b"", 0))
    held = replace(HELD, sequences=idle, queue=Queue(RECEIVED, b"", 0))
    assert judge(image, held).verdict is Verdict.CONTINUED
    wrong = replace(held, sequences=replace(idle, **{name: getattr(idle, name) + 1}))
    assert judge(image, wrong).verdict is Verdict.LOST


def test_unsent_bytes_may_have_been_sent_into_the_lock() -> None:
    sent = replace(HELD, sequences=replace(SEQUENCES, snd_nxt=SEQUENCES.write_seq), queue=Queue(RECEIVED, SENT, 0))
    assert judge(held=sent).verdict is Verdict.CONTINUED


def test_more_sent_than_there_was_is_found() -> None:
    beyond = replace(SEQUENCES, snd_nxt=SEQUENCES.write_seq + 1)
    assert judge(held=replace(HELD, sequences=beyond)).verdict is Verdict.LOST


@pytest.mark.parametrize(
    ("queue", "clause"),
    [
        (Queue(RECEIVED[:-1], SENT, 10), "receive queue has 11 bytes, in the images 12"),
        (Queue(RECEIVED + b"!", SENT, 10), "receive queue has 13 bytes"),
        (Queue(b"N" + RECEIVED[1:], SENT, 10), "receive queue differs from the images at byte 0 of 12"),
        (Queue(RECEIVED, SENT[:-1] + b"X", 10), f"send queue differs from the images at byte {len(SENT) - 1}"),
        (Queue(RECEIVED, SENT[1:], 10), "send queue has"),
        (Queue(RECEIVED, SENT, 11), "11 bytes of its send queue count as never sent"),
    ],
)
def test_a_queue_that_is_not_the_dumped_one_is_found(queue: Queue, clause: str) -> None:
    proof = judge(held=replace(HELD, queue=queue))
    assert proof.verdict is Verdict.LOST
    assert clause in proof.sentence


@pytest.mark.parametrize(
    "change",
    [
        {"state": TcpState.CLOSE_WAIT},
        {"mss_clamp": 1459},
        {"snd_wscale": 9},
        {"rcv_wscale": 8},
        {"options": 6},
        {"options": 3},
    ],
)
def test_another_state_or_tcp_option_is_found(change: dict[str, object]) -> None:
    assert judge(held=replace(HELD, **change)).verdict is Verdict.LOST  # type: ignore[arg-type]


def test_ecn_is_never_restored_and_not_counted() -> None:
    assert judge(image=replace(IMAGE, options=7 | 8)).verdict is Verdict.CONTINUED


def test_the_windows_of_a_half_closed_connection_come_from_the_play_acted_segment() -> None:
    state = TcpState.CLOSE_WAIT
    image = replace(IMAGE, state=state)
    grown = replace(SEQUENCES, snd_wnd=42991616, max_window=42991616, rcv_wnd=1073677312)
    after = After(End(listed(state), MOVED))
    assert judge(image, replace(HELD, state=state, sequences=grown), after).verdict is Verdict.CONTINUED
    shrunk = replace(grown, rcv_wnd=49999)
    assert judge(image, replace(HELD, state=state, sequences=shrunk), after).verdict is Verdict.LOST


def test_options_that_got_lost_are_named_but_do_not_end_a_connection() -> None:
    proof = judge(before={"TCP_CONGESTION": "cubic"})
    assert proof.verdict is Verdict.CONTINUED
    assert "TCP_CONGESTION cubic -> bbr" in proof.sentence
    assert "SO_REUSEPORT" not in proof.sentence


def test_a_lock_that_still_stands() -> None:
    lock = Lock(
        netns=1, backend=Backend.NFTABLES, scope=LockScope.CONNECTION, family="inet", table="CRIU-1", name="CRIU-1",
        connections=(CONNECTION,), directions=frozenset(("input", "output")), packets=None,
    )  # fmt: skip
    proof = judge(after=replace(FLOWING, locks=(lock,)))
    assert proof.verdict is Verdict.LOCKED
    assert "CRIU-1" in proof.sentence


def test_a_reset_that_was_seen() -> None:
    proof = judge(after=replace(FLOWING, reset="the peer's host had no such socket"))
    assert (proof.verdict, "no such socket" in proof.sentence) == (Verdict.RESET, True)


@pytest.mark.parametrize("now", [End(None, MOVED), End(listed(TcpState.CLOSE), MOVED)])
def test_a_closed_socket_with_an_open_descriptor_was_reset(now: End) -> None:
    assert judge(after=After(now)).verdict is Verdict.RESET


def test_a_socket_that_is_gone_is_lost_unless_it_was_closing() -> None:
    assert judge(after=After(End(None))).verdict is Verdict.LOST
    closing = replace(IMAGE, state=TcpState.LAST_ACK)
    assert judge(closing, replace(HELD, state=TcpState.LAST_ACK), After(End(None))).verdict is Verdict.CONTINUED


def test_a_state_that_cannot_follow() -> None:
    assert judge(after=After(End(listed(TcpState.SYN_SENT), MOVED))).verdict is Verdict.LOST


def test_what_was_not_read_at_the_hold_counts_as_not_compared() -> None:
    proof = judge(held=Gap("queues", "the task was not blocked."))
    assert proof.bytes_checked == 0
    assert "not compared (the task was not blocked)" in proof.sentence
    assert "before its release" in judge(held=None).sentence


def test_what_was_not_looked_at_afterwards_is_not_proved() -> None:
    assert judge(after=None).verdict is Verdict.SILENT


def test_listening_sockets_need_no_proof() -> None:
    assert prove([replace(IMAGE, sequences=None, queue=None)], {}, {}) == ()


STILL = End(listed(timer=SocketTimer.RTO, timer_ms=150), SEQUENCES)
PEER_SEQUENCES = Sequences(
    snd_una=5, snd_nxt=5, write_seq=5, rcv_nxt=NEAR_THE_END, copied_seq=NEAR_THE_END, snd_wnd=50000, max_window=50000
)


def peer(**changes: object) -> End:
    sock = replace(listed(timer=SocketTimer.RTO, timer_ms=812), local=PEER, peer=WE)
    return End(sock, replace(PEER_SEQUENCES, **changes))  # type: ignore[arg-type]


def test_data_that_waits_for_our_retransmission() -> None:
    proof = judge(after=After(STILL, peer()))
    assert proof.verdict is Verdict.SILENT
    assert "our next retransmission is due in 150 ms" in proof.sentence


def test_data_that_waits_for_the_peers_retransmission() -> None:
    now = End(listed(), replace(MOVED, rcv_nxt=5, copied_seq=5))
    proof = judge(after=After(now, peer(snd_nxt=600, write_seq=600, rcv_nxt=MOVED.snd_una)))
    assert proof.verdict is Verdict.SILENT
    assert "the peer has 595 bytes for us, its next retransmission is due in 812 ms" in proof.sentence


def idle() -> tuple[ImageSocket, ReadSocket, Sequences]:
    quiet = replace(SEQUENCES, snd_una=SEQUENCES.write_seq, snd_nxt=SEQUENCES.write_seq)
    queue = Queue(RECEIVED, b"", 0)
    return replace(IMAGE, sequences=quiet, queue=queue), replace(HELD, sequences=quiet, queue=queue), quiet


def test_an_idle_connection_whose_ends_agree_goes_on() -> None:
    image, held, quiet = idle()
    proof = judge(image, held, After(End(listed(), quiet), peer(rcv_nxt=quiet.snd_nxt)))
    assert proof.verdict is Verdict.CONTINUED
    assert "nothing to send" in proof.sentence


@pytest.mark.parametrize(("name", "off"), [("rcv_nxt", 1), ("rcv_nxt", -1), ("snd_nxt", -1)])
def test_an_idle_connection_whose_ends_disagree_by_one_is_lost(name: str, off: int) -> None:
    image, held, quiet = idle()
    other = peer(rcv_nxt=quiet.snd_nxt)
    assert other.sequences
    wrong = replace(other.sequences, **{name: (getattr(other.sequences, name) + off) % (1 << 32)})
    if name == "snd_nxt":
        wrong = replace(wrong, snd_una=wrong.snd_nxt, write_seq=wrong.snd_nxt)
    proof = judge(image, held, After(End(listed(), quiet), replace(other, sequences=wrong)))
    assert proof.verdict is Verdict.LOST


def test_an_idle_connection_to_a_remote_peer_needs_a_sign_of_life() -> None:
    image, held, quiet = idle()
    assert judge(image, held, After(End(listed(), quiet))).verdict is Verdict.CONTINUED
    deaf = listed(info=replace(INFO, segs_in=0))
    assert judge(image, held, After(End(deaf, quiet))).verdict is Verdict.SILENT


def test_a_closed_window_is_flow_control_not_silence() -> None:
    full = replace(SEQUENCES, snd_nxt=SEQUENCES.snd_una, snd_wnd=0)
    image = replace(IMAGE, sequences=full, queue=Queue(RECEIVED, SENT, len(SENT)))
    held = replace(HELD, sequences=full, queue=Queue(RECEIVED, SENT, len(SENT)))
    proof = judge(image, held, After(End(listed(), full), peer()))
    assert proof.verdict is Verdict.CONTINUED
    assert "its window is closed" in proof.sentence


def test_a_closed_window_with_data_in_flight_is_silence() -> None:
    now = End(listed(), replace(SEQUENCES, snd_wnd=0))
    assert judge(after=After(now, peer())).verdict is Verdict.SILENT


def test_a_single_byte_that_waits_is_not_nothing() -> None:
    image, held, quiet = idle()
    waiting = replace(quiet, write_seq=quiet.write_seq + 1, snd_nxt=quiet.write_seq + 1)
    proof = judge(image, held, After(End(listed(), waiting), peer(rcv_nxt=quiet.snd_nxt)))
    assert (proof.verdict, "1 byte not acknowledged yet" in proof.sentence) == (Verdict.SILENT, True)


def test_a_peer_that_has_finished_need_not_be_heard() -> None:
    image, held, quiet = idle()
    state = TcpState.CLOSE_WAIT
    deaf = listed(state, info=replace(INFO, segs_in=0))
    proof = judge(replace(image, state=state), replace(held, state=state), After(End(deaf, quiet)))
    assert (proof.verdict, "nothing more to send" in proof.sentence) == (Verdict.CONTINUED, True)


def test_a_closing_connection_that_ended_with_data_unacknowledged_was_reset() -> None:
    state = TcpState.LAST_ACK
    image, held = replace(IMAGE, state=state), replace(HELD, state=state)
    assert judge(image, held, After(End(None, SEQUENCES))).verdict is Verdict.RESET
    assert judge(image, held, After(End(None, MOVED))).verdict is Verdict.CONTINUED


def test_a_peer_on_this_host_that_is_gone() -> None:
    image, held, quiet = idle()
    assert judge(image, held, After(End(listed(), quiet), End(None))).verdict is Verdict.LOST


@pytest.mark.parametrize(("name", "value"), [("snd_una", NEAR_THE_END - 1), ("rcv_nxt", 4)])
def test_numbers_never_go_back(name: str, value: int) -> None:
    now = End(listed(), replace(MOVED, **{name: value}))  # type: ignore[arg-type]
    assert judge(after=After(now)).verdict is Verdict.LOST


def test_without_sequence_numbers_the_counters_of_sock_diag_serve() -> None:
    moving = listed(send_q=3, info=replace(INFO, bytes_acked=50, bytes_received=7))
    assert judge(after=After(End(moving))).verdict is Verdict.CONTINUED
    stuck = listed(send_q=3, timer=SocketTimer.RTO, timer_ms=40, info=replace(INFO, bytes_received=7))
    proof = judge(after=After(End(stuck)))
    assert (proof.verdict, "due in 40 ms" in proof.sentence) == (Verdict.SILENT, True)


def test_a_socket_that_was_closed_before_the_dump() -> None:
    image = replace(IMAGE, state=TcpState.CLOSE, queue=Queue(RECEIVED, b"", 0))
    shifted = replace(SEQUENCES, rcv_wnd=50001, rcv_wup=4, snd_wnd=0, snd_wl1=17, max_window=3)
    held = replace(HELD, state=TcpState.CLOSE, queue=Queue(RECEIVED, b"", 0), sequences=shifted)
    assert judge(image, held, After(End(None, SEQUENCES))).verdict is Verdict.CONTINUED
