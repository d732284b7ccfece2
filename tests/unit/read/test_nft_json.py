"""The JSON of nft means the same as its text."""

import json
from pathlib import Path

import pytest

from workbench.evidence import Backend
from workbench.read.netfilter_dump import read_netfilter_dump
from workbench.read.nft_json import is_nft_json, nft_text
from workbench.read.nft_ruleset import read_nft_ruleset

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings"


@pytest.mark.parametrize("name", ["established", "established-iptables", "established-v6"])
def test_a_recorded_lock_is_the_same_in_both(name: str) -> None:
    document = (RECORDINGS / name / "nft-list-ruleset.json").read_text()
    assert is_nft_json(document)
    found = read_netfilter_dump(nft_text(document))
    said = read_netfilter_dump((RECORDINGS / name / "nft-list-ruleset.txt").read_text())
    assert found.sets == said.sets
    assert [(rule.text, rule.packets, rule.hook, rule.priority) for rule in found.rules] == [
        (rule.text, rule.packets, rule.hook, rule.priority) for rule in said.rules
    ]
    (lock,), (same,) = found.locks, said.locks
    assert (lock.connections, lock.directions, lock.packets) == (same.connections, same.directions, same.packets)


def document(*expressions: object, comment: str | None = None) -> str:
    rule = {"family": "ip", "table": "t", "chain": "c", "handle": 4, "expr": list(expressions)}
    return json.dumps(
        {
            "nftables": [
                {"metainfo": {"version": "1.0.6"}},
                {"table": {"family": "ip", "name": "t", "handle": 1}},
                {"chain": {"family": "ip", "table": "t", "name": "c", "handle": 2}},
                {"rule": rule | ({"comment": comment} if comment else {})},
            ]
        }
    )


def meta(key: str) -> object:
    return {"meta": {"key": key}}


def match(left: object, right: object, op: str = "==") -> object:
    return {"match": {"op": op, "left": left, "right": right}}


# pairs as nft 1.0.6 prints both
@pytest.mark.parametrize(
    ("expression", "text"),
    [
        (match(meta("iifname"), "eth0"), 'iifname "eth0"'),
        (match(meta("mark"), 49428, "!="), "meta mark != 0x0000c114"),
        (match({"ct": {"key": "state"}}, ["established", "related"]), "ct state { established, related }"),
        (match({"payload": {"protocol": "ip", "field": "saddr"}}, {"prefix": {"addr": "10.0.0.0", "len": 8}}),
         "ip saddr 10.0.0.0/8"),
        (match({"payload": {"protocol": "tcp", "field": "dport"}}, {"range": [1, 9]}), "tcp dport 1-9"),
        (match({"payload": {"protocol": "tcp", "field": "dport"}}, {"set": [22, 80]}), "tcp dport { 22, 80 }"),
        ({"reject": {"type": "tcp reset"}}, "reject with tcp reset"),
        ({"reject": None}, "reject"),
        ({"jump": {"target": "CRIU"}}, "jump CRIU"),
        ({"mangle": {"key": {"meta": {"key": "mark"}}, "value": 1}}, "meta mark set 0x00000001"),
        ({"dnat": {"addr": "10.0.0.1", "port": 80}}, "dnat to 10.0.0.1:80"),
        ({"masquerade": None}, "masquerade"),
        ({"limit": {"rate": 5, "per": "second"}}, "limit rate 5/second"),
        ({"log": {"prefix": "x "}}, 'log prefix "x "'),
        ({"xt": {"type": "target", "name": "MARK"}}, 'xt target "MARK"'),
        ({"unheard": {"of": 1}}, '{"unheard": {"of": 1}}'),
    ],
)  # fmt: skip
def test_expressions_in_the_words_of_nft(expression: object, text: str) -> None:
    (rule,) = read_nft_ruleset(nft_text(document(expression)), 0).rules
    assert (rule.text, rule.handle, rule.backend) == (text, 4, Backend.NFTABLES)


def test_a_comment_and_a_name_make_no_lines_of_their_own() -> None:
    text = nft_text(document({"drop": None}, comment='x"\n}\n}\ntable ip CRIU-1 {'))
    assert read_nft_ruleset(text, 0).tables == [("ip", "t", 1)]


@pytest.mark.parametrize("content", ["{", "[]", '{"nftables": 3}', '{"nftables": [3]}', "[" * 100_000, '{"x": 1}'])
def test_what_is_no_such_document_gives_nothing(content: str) -> None:
    assert nft_text(content) == ""
