"""Why nothing flows: each cause on evidence that differs from a healthy connection in one thing."""

from dataclasses import replace
from typing import Any

import pytest

from tests.sample import APP, CLI, CLIENT_END, CONNECTION, SERVER_END, evidence, process, socket, tcp_info
from workbench.evidence import (
    Address,
    Backend,
    Evidence,
    Gap,
    Link,
    Network,
    Route,
    Rule,
    Sequences,
    Socket,
    SocketTimer,
    TcpState,
)
from workbench.evidence.event import ACK, Event, EventKind, Segment
from workbench.evidence.silence import Answer, Silent
from workbench.evidence.silence_branches import why_silent
from workbench.evidence.silence_watch import watch_of

SERVER = Sequences(1000, 1000, 1000, 5000, 5000, 64000, 64000, 5000)
CLIENT = Sequences(5000, 5000, 5000, 1000, 1000, 64000, 64000, 1000)
NETWORK = Network(
    (Link(APP, 2, "eth0", "veth", up=True, mtu=1500),),
    (Address(APP, "eth0", "10.0.0.2", 24, "global"), Address(CLI, "eth0", "10.0.0.1", 24, "global")),
    (Route(APP, "10.0.0.0/24", None, "eth0"),),
)


def end(cookie: int, **changes: Any) -> Socket:
    ours, theirs = (SERVER_END, CLIENT_END) if cookie == 1 else (CLIENT_END, SERVER_END)
    netns = APP if cookie == 1 else CLI
    return replace(socket(cookie, ours, theirs, TcpState.ESTABLISHED), **{
        "netns": netns, "recv_q": 0, "send_q": 0, "timer": SocketTimer.NONE, "timer_ms": 0, "retransmits": 0,
        "info": tcp_info(), **changes,
    })  # fmt: skip


def host(
    server: Socket | None = None,
    client: Socket | None = None,
    ours: Sequences = SERVER,
    theirs: Sequences = CLIENT,
    **changes: Any,
) -> Evidence:
    """Both ends at rest; of the client nothing with ``client=None`` and ``alone``."""
    sockets = (server or end(1), *(() if changes.pop("alone", False) else (client or end(2),)))
    values: dict[str, Any] = {
        "sockets": sockets, "sequences": {1: ours, 2: theirs}, "rules": (), "locks": (), "network": NETWORK,
        "conntrack": (), "processes": {},
    }  # fmt: skip
    return replace(evidence(), **{**values, **changes})


def ask(last: Evidence, first: Evidence | None = None, events: tuple[Event, ...] = ()) -> Answer:
    watch = watch_of(CONNECTION, APP, first or last, last, events)
    assert watch is not None
    return why_silent(watch)


def drop(reason: str, **changes: Any) -> Event:
    values: dict[str, Any] = {"segment": Segment(1, 1, ACK, 1, 64, 100), "incoming": True, **changes}
    return Event(1, EventKind.DROP, APP, CONNECTION, reason=reason, **values)


WAITS: dict[str, Any] = {"send_q": 500, "timer": SocketTimer.RTO, "timer_ms": 900, "retransmits": 3}
INVALID = Rule(APP, Backend.NFTABLES, "inet", "t", "input", "ct state invalid drop", 0, hook="input", verdict="drop")
OTHER_RULE = replace(INVALID, text="tcp dport 7022 drop")
BEYOND = replace(CLIENT, rcv_nxt=1300, copied_seq=1300)
BEHIND = replace(CLIENT, rcv_nxt=700, copied_seq=700)


@pytest.mark.parametrize(
    ("last", "events", "why", "said"),
    [
        (host(), (), Silent.NOTHING_TO_SEND, "silent rightly"),
        (host(alone=True, network=Gap("network", "no")), (), Silent.NOTHING_TO_SEND, "of the other end nothing"),
        (host(ours=replace(SERVER, repair=True)), (), Silent.IN_REPAIR, "TCP_REPAIR"),
        (host(theirs=replace(CLIENT, repair=True)), (), Silent.IN_REPAIR, "TCP_REPAIR"),
        (host(rules=(INVALID,)), (drop("NETFILTER_DROP"),), Silent.CONNTRACK_INVALID, "calls its segments invalid"),
        (host(rules=(OTHER_RULE,)), (drop("NETFILTER_DROP"),), Silent.DROPPED, "a rule of netfilter"),
        (host(theirs=BEYOND), (), Silent.OUT_OF_STEP, "do not agree"),
        (host(theirs=BEHIND), (), Silent.OUT_OF_STEP, "do not agree"),
        (host(end(1, **WAITS), alone=True, network=Gap("network", "no")), (drop("TCP_ACK_UNSENT_DATA"),) * 2,
         Silent.OUT_OF_STEP, "do not agree"),
        (host(end(1, **WAITS), alone=True), (), Silent.PEER_GONE, "no socket has the other end"),
        (host(alone=True), (), Silent.TIMER_OFF, "without keepalive"),
        (host(end(1, send_q=500)), (), Silent.TIMER_OFF, "500 bytes wait"),
        (host(processes={1: process(1, "server", APP, state="T")}, server=end(1, holders=())), (),
         Silent.NOTHING_TO_SEND, ""),
        (host(end(1, recv_q=300), ours=replace(SERVER, copied_seq=4700)), (), Silent.NOT_READING, "300 bytes"),
        (host(end(1, send_q=500, timer=SocketTimer.PROBE), end(2, recv_q=900), replace(SERVER, snd_wnd=0)), (),
         Silent.ZERO_WINDOW, "does not read the 900 bytes"),
        (host(end(1, **WAITS), alone=True, network=Gap("network", "no")), (), Silent.UNANSWERED, "nothing answers"),
        (host(end(1, state=TcpState.LAST_ACK)), (), Silent.UNKNOWN, "does not tell"),
    ],
)  # fmt: skip
def test_each_cause_is_told_from_the_others(last: Evidence, events: tuple[Event, ...], why: Silent, said: str) -> None:
    answer = ask(last, events=events)
    assert (answer.why, answer.netns) == (why, APP)
    assert said in answer.sentence
    assert answer.proof


def test_what_flows_is_not_silent() -> None:
    answer = ask(host(ours=replace(SERVER, snd_una=1400, snd_nxt=1400, write_seq=1400)), host())
    assert answer.why is Silent.FLOWS
    assert "400 bytes" in answer.sentence


def test_a_lock_stands_before_all_that_comes_of_it() -> None:
    locked = evidence()
    assert not isinstance(locked.rules, Gap)
    last = host(end(1, **WAITS), ours=replace(SERVER, repair=True), rules=locked.rules, locks=locked.locks)
    answer = ask(last, events=(drop("NETFILTER_DROP"),))
    assert answer.why is Silent.LOCKED
    assert any("1 segments dropped" in proof.text for proof in answer.proof)


def test_a_program_that_is_stopped_is_told() -> None:
    stopped = process(4645, "server", APP, state="T")
    ours = next(each for each in evidence().sockets if each.pid == 4645)  # type: ignore[union-attr]
    answer = ask(host(end(1, holders=ours.holders), processes={4645: stopped}))
    assert answer.why is Silent.STOPPED
    assert "server 4645" in answer.sentence


def test_probes_are_no_sign_of_wrong_numbers() -> None:
    probe = drop("TCP_OLD_SEQUENCE", segment=Segment(1, 1, ACK, 1, 64, 0))
    alone = host(end(1, **WAITS), alone=True, network=Gap("network", "no"))
    assert ask(alone, events=(probe,) * 5).why is Silent.UNANSWERED
    assert ask(host(end(1, recv_q=300)), events=(drop("TCP_OLD_SEQUENCE"),) * 5).why is Silent.NOT_READING


def test_an_address_behind_a_real_device_may_be_another_hosts() -> None:
    wire = replace(NETWORK, links=(Link(APP, 2, "eth0", None, up=True, mtu=1500),))
    assert ask(host(end(1, **WAITS), alone=True, network=wire)).why is Silent.UNANSWERED


def test_a_connection_that_is_gone_has_no_answer() -> None:
    assert watch_of(CONNECTION, CLI, host(), host()) is None
