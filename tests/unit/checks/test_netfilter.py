"""Checks of netfilter rules, on rules as iptables-save and nft print them."""

from dataclasses import replace

import pytest

from tests.unit.checks.made import (
    CHAIN,
    CRIU,
    HOST,
    IMAGE,
    LINE,
    NETNS,
    PAIR,
    SERVER,
    SOCKET,
    TABLE,
    TARGET,
    ask,
    host,
    one,
    only,
    rules,
)
from workbench.checking import Severity
from workbench.evidence import Evidence, TcpState, UnfinishedOperation

FORMS = [pytest.param(PAIR, id="pair"), pytest.param(CHAIN, id="chain"), pytest.param(TABLE, id="table")]
HALF = "".join(line for line in PAIR.splitlines(keepends=True) if "OUTPUT" not in line)
KUBE = "*filter\n:KUBE-FIREWALL - [0:0]\n-A KUBE-FIREWALL -m mark --mark 0x8000/0x8000 -j DROP\nCOMMIT\n"
MARKED = """\
table inet f {
\tchain input {
\t\ttype filter hook input priority filter; policy accept;
\t\tMATCH drop
\t}
}
"""
OPERATION = UnfinishedOperation("o1", "dump", 0.0, "locked", 50, "server", NETNS, "/images", (LINE,), False, False)


def _without_socket(text: str) -> Evidence:
    return host(**rules(text), sockets=(), processes={1: SERVER})


@pytest.mark.parametrize("text", FORMS)
def test_a_leftover_in_each_form(text: str) -> None:
    finding = one("NFT001", _without_socket(text))
    assert finding.name == "netlock-leftover"
    assert finding.severity is (Severity.ERROR if text is CHAIN else Severity.WARNING)
    assert any(fix.command and not fix.safe for fix in finding.problem.fixes)


@pytest.mark.parametrize("text", FORMS)
def test_a_leftover_in_a_saved_list_of_rules_is_why_the_network_is_dead(text: str) -> None:
    assert one("NFT001", only(**rules(text, 0))).severity is Severity.ERROR


@pytest.mark.parametrize("text", FORMS)
def test_a_lock_of_a_running_criu_is_no_leftover(text: str) -> None:
    evidence = host(**rules(text), sockets=(), processes={90: CRIU})
    assert ask("NFT001", evidence) == ask("NFT002", evidence) == ask("NFT003", evidence) == []


def test_a_lock_whose_images_wait_is_no_leftover() -> None:
    assert ask("NFT001", host(**rules(PAIR), sockets=(), images=(IMAGE,))) == []


def test_the_commands_lift_each_form() -> None:
    commands = [fix.command for fix in one("NFT001", _without_socket(TABLE)).problem.fixes if fix.command]
    assert commands == [("nft", "delete", "table", "inet", "CRIU-660e2a43-99b0-4c54-a4")]
    commands = [fix.command for fix in one("NFT001", _without_socket(CHAIN)).problem.fixes if fix.command]
    assert [command[2:] for command in commands] == [
        ("-t", "filter", "-D", "INPUT", "-j", "CRIU"), ("-t", "filter", "-D", "OUTPUT", "-j", "CRIU"),
        ("-F", "CRIU"), ("-X", "CRIU"),
    ]  # fmt: skip
    commands = [fix.command for fix in one("NFT001", _without_socket(PAIR)).problem.fixes if fix.command]
    assert [command[:6] for command in commands] == [
        ("iptables-nft", "-w", "-t", "filter", "-D", chain) for chain in ("INPUT", "OUTPUT")
    ]


def test_a_table_with_a_rule_of_somebody_else_is_not_deleted() -> None:
    text = TABLE.replace("\t\tmeta mark 0x0000c114 accept\n", "\t\ttcp dport 22 accept\n", 1)
    assert all(not fix.command for fix in one("NFT001", _without_socket(text)).problem.fixes)


@pytest.mark.parametrize("text", FORMS)
def test_a_lock_on_a_live_connection(text: str) -> None:
    evidence = host(**rules(text), sockets=(replace(SOCKET, retransmits=4),))
    finding = one("NFT002", evidence)
    assert finding.severity is Severity.ERROR
    assert "server 50 fd 4" in finding.problem.message
    assert "4 times" in finding.problem.message
    assert all(fix.safe for fix in finding.problem.fixes)
    assert ask("NFT001", evidence) == []


def test_no_lock_hurts_nobody() -> None:
    assert [ask(f"NFT00{number}", host()) for number in range(1, 7)] == [[]] * 6


def test_half_a_lock() -> None:
    finding = one("NFT003", _without_socket(HALF))
    assert "output is open" in finding.problem.message
    assert ask("NFT003", _without_socket(PAIR)) == []


def test_half_a_lock_whose_images_wait_is_not_safe_to_delete() -> None:
    finding = one("NFT003", host(**rules(HALF), sockets=(), images=(IMAGE,)))
    assert not any(fix.safe for fix in finding.problem.fixes)


def test_the_same_pair_twice() -> None:
    lines = PAIR.splitlines(keepends=True)
    twice = "".join([*lines[:-1], *lines[3:5], lines[-1]])
    finding = one("NFT004", _without_socket(twice))
    assert finding.problem.facts["times"] == 2
    assert len([fix for fix in finding.problem.fixes if fix.command]) == 2
    assert ask("NFT004", _without_socket(PAIR)) == []


def test_the_same_connection_in_two_backends() -> None:
    finding = one("NFT004", _without_socket(PAIR + TABLE))
    assert finding.problem.facts["backends"] == ["iptables-nft", "nftables"]


def test_both_ends_of_one_connection_are_not_twice() -> None:
    other = PAIR.replace("10.0.0.1", "x").replace("10.0.0.2", "10.0.0.1").replace("x", "10.0.0.2")
    other = other.replace("5000", "x").replace("7022", "5000").replace("x", "7022")
    lines = PAIR.splitlines(keepends=True)
    both = "".join([*lines[:-1], *other.splitlines(keepends=True)[3:5], lines[-1]])
    assert ask("NFT004", _without_socket(both)) == []


@pytest.mark.parametrize(
    "text", [PAIR, CHAIN.replace("*filter", "# Generated by iptables-save v1.8.9 (nf_tables)\n*filter")]
)
def test_a_lock_that_iptables_of_this_host_will_not_find(text: str) -> None:
    legacy = replace(HOST, features={"iptables_is_nft": False})
    finding = one("NFT005", replace_host(_without_socket(text), legacy))
    assert "iptables on this host is iptables-legacy" in finding.problem.message
    assert ask("NFT005", _without_socket(text)) == []
    assert ask("NFT005", replace_host(_without_socket(text), replace(HOST, features={}))) == []


def replace_host(evidence: Evidence, host: object) -> Evidence:
    return replace(evidence, host=host)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "text",
    [
        KUBE,
        MARKED.replace("MATCH", "meta mark & 0x00008000 == 0x00008000 counter packets 0 bytes 0"),
        MARKED.replace("MATCH", "meta mark 0x0000c114"),
    ],
)
def test_a_rule_that_drops_the_mark_of_criu(text: str) -> None:
    assert one("NFT006", host(**rules(text))).severity is Severity.NOTE
    half_closed = replace(SOCKET, state=TcpState.CLOSE_WAIT)
    assert one("NFT006", host(**rules(text), sockets=(half_closed,), target=TARGET)).severity is Severity.ERROR
    assert one("NFT006", host(**rules(text), target=TARGET)).severity is Severity.NOTE


@pytest.mark.parametrize("match", ["--mark 0x4000/0xffff", "! --mark 0xc114", "--mark 0x1", "--mark 0x0/0x8000"])
def test_rules_on_other_marks_are_nobodys_business(match: str) -> None:
    negated = "! " if match.startswith("!") else ""
    text = KUBE.replace("--mark 0x8000/0x8000", negated + match.removeprefix("! "))
    assert ask("NFT006", host(**rules(text))) == []


def test_an_unfinished_operation_explains_its_lock() -> None:
    evidence = host(**rules(PAIR), sockets=(), unfinished=(OPERATION,))
    assert one("NFT001", evidence).problem.subject.keys["operation"] == "o1"
