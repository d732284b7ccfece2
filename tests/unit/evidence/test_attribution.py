"""Attribution over made events: what no single host shows, and the order in which it is told."""

from dataclasses import replace

import pytest

from workbench.evidence import Backend, Connection, Endpoint, Rule, TcpState
from workbench.evidence.attribution import Attributor, Cause, attribute
from workbench.evidence.event import ACK, PSH, RST, SYN, Event, EventKind, Maker, Segment
from workbench.evidence.reset_trail import SETTLED_NS, Effect

A, B = Endpoint("10.0.0.1", 7022), Endpoint("10.0.0.2", 40000)
WAY = Connection(A, B)
HERE, THERE = 1, 2
DATA = Segment(500, 100, PSH | ACK, 64, 64, 5)
RESET = Segment(100, 0, RST, 0, 64, 0)
MS = 1_000_000


def sent(at_ms: float, reason: str, **more: object) -> Event:
    given = {"has_socket": False, "segment": DATA, **more}
    return Event(round(at_ms * MS), EventKind.RESET_SENT, HERE, WAY, reason=reason, **given)  # type: ignore[arg-type]


def left(at_ms: float, maker: Maker, **more: object) -> Event:
    given = {"segment": RESET, "incoming": False, "maker": maker, **more}
    return Event(round(at_ms * MS), EventKind.RESET_PACKET, HERE, WAY, **given)  # type: ignore[arg-type]


def arrived(at_ms: float, **more: object) -> Event:
    given = {"segment": RESET, "incoming": True, **more}
    return Event(round(at_ms * MS), EventKind.RESET_PACKET, THERE, WAY.reversed, **given)  # type: ignore[arg-type]


def received(at_ms: float) -> Event:
    return Event(round(at_ms * MS), EventKind.RESET_RECEIVED, THERE, WAY.reversed)


def closed(at_ms: float, pid: int | None, before: TcpState = TcpState.ESTABLISHED) -> Event:
    return Event(round(at_ms * MS), EventKind.STATE, HERE, WAY, pid=pid, before=before, state=TcpState.CLOSE)


def dropped(at_ms: float, reason: str = "NETFILTER_DROP", segment: Segment = DATA) -> Event:
    return Event(
        round(at_ms * MS), EventKind.DROP, HERE, WAY, reason=reason, incoming=True, segment=segment,
        details={"location": "nft_do_chain"},
    )  # fmt: skip


def lifted(at_ms: float, change: str) -> Event:
    return Event(round(at_ms * MS), EventKind.RULES, HERE, pid=9, command="nft", details={change: 1})


def read_late(change: str) -> Event:
    return replace(lifted(90, change), since_ns=40 * MS)


def listened(at_ms: float, state: TcpState) -> Event:
    of_all = Connection(A, Endpoint("0.0.0.0", 0))
    before = TcpState.LISTEN if state is TcpState.CLOSE else TcpState.CLOSE
    return Event(round(at_ms * MS), EventKind.STATE, HERE, of_all, pid=7, before=before, state=state)


def causes(*events: Event) -> list[Cause]:
    return [found.cause for found in attribute(events)]


def test_nothing_happened() -> None:
    assert attribute([]) == []


@pytest.mark.parametrize(
    ("reason", "more", "cause"),
    [
        ("NO_SOCKET", {}, Cause.NO_SOCKET),
        ("", {}, Cause.NO_SOCKET),  # kernels before 6.10 give no reason
        ("NO_SOCKET", {"segment": replace(DATA, flags=SYN)}, Cause.REFUSED),
        ("TCP_FLAGS", {"has_socket": True, "state": TcpState.LISTEN}, Cause.LISTENER),
        ("TCP_ABORT_ON_CLOSE", {"has_socket": True, "pid": 5}, Cause.UNREAD_DATA),
        ("TCP_STATE", {"has_socket": True, "state": TcpState.CLOSE, "pid": 5}, Cause.ABORTED),
        ("TCP_DISCONNECT_WITH_DATA", {"has_socket": True, "pid": 5}, Cause.ABORTED),
        ("TCP_STATE", {"has_socket": True, "state": TcpState.ESTABLISHED, "pid": 5}, Cause.DESTROYED),
        ("TCP_TIMEWAIT_SOCKET", {"has_socket": True}, Cause.TIME_WAIT),
        ("TCP_KEEPALIVE_TIMEOUT", {"has_socket": True}, Cause.TIMED_OUT),
        ("TCP_RFC7323_PAWS", {"has_socket": True}, Cause.KERNEL),
        ("SOMETHING_NEW", {}, Cause.KERNEL),
    ],
)
def test_reasons_of_this_kernel(reason: str, more: dict[str, object], cause: Cause) -> None:
    (found,) = attribute([sent(1, reason, **more), left(1, Maker.KERNEL), arrived(2), received(2)])
    assert (found.cause, found.effect, found.reason) == (cause, Effect.TAKEN, reason)
    assert found.connection == WAY
    assert found.netns == HERE
    assert found.settled_ns == 2 * MS


def test_the_decision_may_be_told_after_its_segment_and_what_that_did() -> None:
    events = [left(1, Maker.TCP), arrived(1.1), received(1.2), sent(1.3, "TCP_ABORT_ON_CLOSE", has_socket=True)]
    assert causes(*events) == [Cause.UNREAD_DATA]


def test_each_retransmission_is_answered_by_a_reset_of_its_own() -> None:
    events = [
        event for at in (1, 201, 601) for event in (sent(at, "NO_SOCKET"), left(at, Maker.KERNEL), arrived(at + 0.1))
    ]
    assert causes(*events) == [Cause.NO_SOCKET] * 3


@pytest.mark.parametrize(
    ("before", "cause"),
    [
        ((closed(1, None),), Cause.TIMED_OUT),
        ((closed(1, 7),), Cause.NO_SOCKET),
        ((closed(1, None, TcpState.LAST_ACK),), Cause.NO_SOCKET),
        ((closed(1, 7), lifted(5, "deleted table inet CRIU-0123")), Cause.LOCK_LIFTED),
        ((closed(1, 7), dropped(3), lifted(5, "deleted rule in ip filter")), Cause.LOCK_LIFTED),
        ((closed(1, 7), lifted(5, "deleted rule in ip filter")), Cause.NO_SOCKET),
        ((closed(1, 7), lifted(3, "deleted rule in ip filter"), dropped(5)), Cause.NO_SOCKET),
        ((closed(1, 7), replace(lifted(5, "deleted table inet CRIU-0123"), netns=THERE)), Cause.NO_SOCKET),
        # It gave up behind the lock: that the lock is gone does not bring it back.
        ((dropped(1), closed(2, None), lifted(5, "deleted rule in ip filter")), Cause.TIMED_OUT),
        ((closed(1, None, TcpState.FIN_WAIT1),), Cause.TIMED_OUT),
        ((closed(1, None, TcpState.FIN_WAIT2),), Cause.NO_SOCKET),
        # Read after the reset: what it had dropped before shows that it was lifted in between.
        ((dropped(1), closed(2, 7), read_late("deleted rule in ip filter")), Cause.LOCK_LIFTED),
        (
            (dropped(1), closed(2, 7), replace(read_late("deleted rule in ip filter"), since_ns=60 * MS)),
            Cause.NO_SOCKET,
        ),
        ((closed(2, 7), read_late("deleted table inet CRIU-0123")), Cause.NO_SOCKET),
        ((listened(3, TcpState.CLOSE),), Cause.NOT_ACCEPTED),
        ((listened(3, TcpState.CLOSE), listened(4, TcpState.LISTEN)), Cause.NO_SOCKET),
        ((listened(3, TcpState.CLOSE), closed(4, 7)), Cause.NO_SOCKET),
    ],
)
def test_why_nobody_owned_it(before: tuple[Event, ...], cause: Cause) -> None:
    found = [one for one in attribute([*before, sent(50, "NO_SOCKET")]) if one.cause is not Cause.DROP_RULE]
    assert [one.cause for one in found] == [cause]


def test_a_socket_that_was_reset_itself_did_not_time_out() -> None:
    reset = Event(MS, EventKind.RESET_RECEIVED, HERE, WAY)
    found = attribute([reset, closed(1, None), sent(50, "NO_SOCKET")])[-1]
    assert found.cause is Cause.NO_SOCKET
    assert "itself been reset" in found.sentence


def test_a_segment_that_no_socket_made_is_a_rules() -> None:
    assert causes(dropped(1), left(1, Maker.NETFILTER), arrived(2), received(2)) == [Cause.REJECT_RULE]


def test_over_ipv6_tcp_too_makes_segments_without_a_socket() -> None:
    assert causes(sent(1, "NO_SOCKET"), left(1, Maker.NETFILTER), arrived(2), received(2)) == [Cause.NO_SOCKET]


@pytest.mark.parametrize(
    ("usual", "cause"), [(64, Cause.PEER), (None, Cause.PEER), (57, Cause.MIDDLEBOX)]
)  # fmt: skip
def test_from_the_network(usual: int | None, cause: Cause) -> None:
    assert causes(arrived(1, usual_ttl=usual), received(1)) == [cause]


def test_from_the_network_though_the_other_end_is_here() -> None:
    alive = Event(0, EventKind.RETRANSMISSION, HERE, WAY)
    assert causes(alive, arrived(1, usual_ttl=64), received(1)) == [Cause.MIDDLEBOX]


def test_another_host_that_refuses() -> None:
    taken = replace(received(1), state=TcpState.SYN_SENT)
    assert causes(arrived(1, usual_ttl=64), taken) == [Cause.REFUSED]


@pytest.mark.parametrize(
    ("before", "words"),
    [(TcpState.ESTABLISHED, "while 2 unread bytes"), (TcpState.CLOSE_WAIT, "while 1 unread byte was")],
)
def test_a_fin_is_no_byte(before: TcpState, words: str) -> None:
    reset = sent(2, "TCP_ABORT_ON_CLOSE", has_socket=True, pid=5, details={"unread": 2})
    (found,) = attribute([closed(1, 5, before), reset])
    assert words in found.sentence


def test_without_packets_nobody_can_say() -> None:
    assert causes(received(1)) == [Cause.UNKNOWN]


@pytest.mark.parametrize(
    ("reason", "state", "effect"),
    [
        ("TCP_RESET", TcpState.ESTABLISHED, Effect.CHALLENGED),
        ("TCP_RESET", TcpState.LISTEN, Effect.NOBODY),
        ("TCP_INVALID_SEQUENCE", TcpState.ESTABLISHED, Effect.IGNORED),
        ("NO_SOCKET", None, Effect.NOBODY),
        ("NETFILTER_DROP", None, Effect.BLOCKED),
    ],
)
def test_what_became_of_it(reason: str, state: TcpState | None, effect: Effect) -> None:
    thrown = replace(dropped(1, reason, RESET), netns=THERE, connection=WAY.reversed, state=state)
    (found,) = [one for one in attribute([arrived(1), thrown]) if one.cause is not Cause.DROP_RULE]
    assert found.effect is effect
    unreal = effect in {Effect.CHALLENGED, Effect.IGNORED}
    assert found.cause is (Cause.NOT_REAL if unreal else Cause.PEER)


def test_silence_is_told_once_until_rules_are_taken_away() -> None:
    events = [dropped(1), dropped(200), lifted(300, "deleted rule in ip filter"), dropped(400)]
    assert causes(*events) == [Cause.DROP_RULE] * 2
    assert causes(dropped(1), lifted(2, "added rule in ip filter"), dropped(3)) == [Cause.DROP_RULE]


def test_the_rule_is_named_if_only_one_fits() -> None:
    rules = [
        Rule(HERE, Backend.NFTABLES, "inet", "t", "c", text, index, index + 1, "input", 0, "drop")
        for index, text in enumerate(("tcp dport 7022 drop", "tcp dport 9 drop", "udp dport 7022 drop"))
    ]
    (found,) = attribute([dropped(1)], rules)
    assert found.rule is rules[0]
    assert "tcp dport 7022 drop" in found.sentence
    (found,) = attribute([dropped(1)], [rules[0], replace(rules[0], position=7, handle=8)])
    assert found.rule is None
    assert "one of 2 rules" in found.sentence


def test_what_is_not_settled_is_kept_back() -> None:
    attributor = Attributor()
    attributor.add([sent(1, "NO_SOCKET"), left(1, Maker.KERNEL)])
    assert attributor.settled(100 * MS) == []
    attributor.add([arrived(100), received(100)])
    (found,) = attributor.settled(MS + SETTLED_NS)
    assert found.effect is Effect.TAKEN
    assert attributor.settled() == [], "nothing is told twice, and nothing is left over"


def test_a_segment_is_known_again_behind_nat_of_its_own_host() -> None:
    renamed = Connection(Endpoint("10.0.0.1", 8080), B)
    answer = replace(left(1, Maker.KERNEL), connection=renamed)
    taken = replace(received(3), connection=renamed.reversed)
    (found,) = attribute([sent(1, "NO_SOCKET"), answer, replace(arrived(2), connection=renamed.reversed), taken])
    assert (found.connection, found.effect) == (WAY, Effect.TAKEN)


def test_where_addresses_are_translated_it_may_have_been_forgotten() -> None:
    rule = Rule(HERE, Backend.NFTABLES, "ip", "nat", "post", "oifname eth0 masquerade", 0, 1, "postrouting", 100, None)
    (found,) = attribute([sent(1, "NO_SOCKET")], [rule])
    assert found.cause is Cause.NO_SOCKET
    assert "NAT" in found.sentence
    (elsewhere,) = attribute([sent(1, "NO_SOCKET")], [replace(rule, netns=THERE)])
    assert "NAT" not in elsewhere.sentence


@pytest.mark.parametrize(("unread", "cause"), [(0, Cause.ABORTED), (3, Cause.UNREAD_DATA), (None, Cause.UNREAD_DATA)])
def test_a_close_with_nothing_unread_is_that_of_mptcp(unread: int | None, cause: Cause) -> None:
    details = {} if unread is None else {"unread": unread}
    assert causes(sent(1, "TCP_ABORT_ON_CLOSE", pid=7, command="x", has_socket=True, details=details)) == [cause]
