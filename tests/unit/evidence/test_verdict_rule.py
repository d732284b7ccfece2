"""Which rules a segment may have met, by their texts."""

import pytest

from workbench.evidence import Backend, Connection, Endpoint, Rule
from workbench.evidence.event import Event, EventKind
from workbench.evidence.verdict_rule import culprits

MET = Event(
    0, EventKind.DROP, 1, Connection(Endpoint("10.0.0.1", 7022), Endpoint("10.0.0.2", 40000)), incoming=True
)  # fmt: skip


def rule(text: str, hook: str | None = "input", backend: Backend = Backend.NFTABLES, verdict: str = "drop") -> Rule:
    return Rule(1, backend, "inet", "t", "INPUT", text, 0, hook=hook, verdict=verdict)


@pytest.mark.parametrize(
    "text",
    [
        "tcp dport 7022 drop",
        "tcp sport 40000 drop",
        "tcp dport != 22 drop",
        "tcp dport 7000-7100 drop",
        "tcp dport { 22, 7022 } drop",
        "ip saddr 10.0.0.2 drop",
        "ip saddr 10.0.0.0/24 tcp dport 7022 drop",
        "ip daddr != 10.9.9.9 drop",
        "meta l4proto tcp drop",
        "-p tcp -m tcp --dport 7022 -j DROP",
        "-s 10.0.0.2/32 -p tcp -m multiport --dports 22,7022 -j DROP",
        "-p tcp -m tcp --dport 7000:7100 -j DROP",
        "-p tcp -m multiport --dports 22,7000:7100 -j DROP",
        "counter packets 1 bytes 60 drop",
        "policy drop",
    ],
)
def test_may_have_met_it(text: str) -> None:
    assert culprits([rule(text)], MET, resets=False)


@pytest.mark.parametrize(
    "text",
    [
        "tcp dport 22 drop",
        "tcp dport 40000 drop",
        "tcp dport != 7022 drop",
        "tcp dport { 22, 23 } drop",
        "ip saddr 10.0.0.3 drop",
        "ip daddr 10.0.0.2 drop",
        "udp dport 7022 drop",
        "-p udp -m udp --dport 7022 -j DROP",
        "-p tcp -m tcp --dport 22 -j DROP",
        "-s 10.0.0.9/32 -j DROP",
        "ip6 saddr fd00::1 drop",
    ],
)
def test_cannot_have_met_it(text: str) -> None:
    assert not culprits([rule(text)], MET, resets=False)


def test_the_hook_must_be_on_the_way() -> None:
    assert not culprits([rule("drop", "output")], MET, resets=False)
    assert culprits([rule("drop", "forward")], MET, resets=False)


def test_other_namespaces_and_verdicts_do_not_count() -> None:
    assert not culprits([rule("accept", verdict="accept")], MET, resets=False)
    assert not culprits([rule("drop")], Event(0, EventKind.DROP, 2, MET.connection), resets=False)


def test_the_function_that_dropped_it_tells_the_backend() -> None:
    rules = [rule("drop"), rule("-j DROP", None, Backend.LEGACY)]
    by = Event(0, EventKind.DROP, 1, MET.connection, incoming=True, details={"location": "ipt_do_table"})
    assert [one.backend for one in culprits(rules, by, resets=False)] == [Backend.LEGACY]
    by = Event(0, EventKind.DROP, 1, MET.connection, incoming=True, details={"location": "nft_do_chain"})
    assert [one.backend for one in culprits(rules, by, resets=False)] == [Backend.NFTABLES]


def test_a_rule_that_names_an_end_comes_before_one_that_drops_all() -> None:
    assert [one.text for one in culprits([rule("drop"), rule("tcp dport 7022 drop")], MET, resets=False)] == [
        "tcp dport 7022 drop"
    ]


def test_only_rules_that_reset_answer_with_one() -> None:
    rules = [
        rule("tcp dport 7022 reject with tcp reset", verdict="reject"),
        rule("tcp dport 7022 reject", verdict="reject"),
        rule("-p tcp -m tcp --dport 7022 -j REJECT --reject-with tcp-reset", verdict="reject"),
        rule("tcp dport 7022 drop"),
    ]
    assert culprits(rules, MET, resets=True) == [rules[0], rules[2]]
