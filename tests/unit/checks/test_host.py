"""Checks of the host, of operations and of connection tracking."""

from dataclasses import replace

import pytest

from tests.unit.checks.made import HOST, IMAGE, LINE, NETNS, PAIR, RESTORE, TARGET, ask, checked, host, one, rules
from workbench.checking import Severity
from workbench.checking.running import Report, judge
from workbench.evidence import ConntrackEntry, CriuTool, Sysctl, UnfinishedOperation

OLD = CriuTool("/usr/sbin/criu", "3.17.1", False, "path", "vdso: Unexpected rt vDSO area bounds")
OPERATION = UnfinishedOperation("o1", "dump", 0.0, "locked", 50, "server", NETNS, "/images", (LINE,), False, False)
STRICT = (Sysctl(NETNS, "net.netfilter.nf_conntrack_tcp_loose", "0"),)
INVALID = "*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m conntrack --ctstate INVALID -j DROP\nCOMMIT\n"


def _causes(report: Report) -> list[tuple[str, str | None]]:
    return [(finding.code, finding.explained_by) for finding in report.findings]


def test_no_criu() -> None:
    bare = replace(HOST, criu=None)
    assert one("ENV001", host(host=bare)).severity is Severity.NOTE
    assert one("ENV001", host(host=bare, target=TARGET)).severity is Severity.ERROR
    assert ask("ENV001", host()) == []


@pytest.mark.parametrize(
    ("kernel", "criu", "needed"),
    [("6.18.44", "3.17.1", "4.2"), ("6.13.1", "4.0", "4.1"), ("6.12.9", "3.17.1", None), ("6.18.1", "4.2", None)],
)
def test_a_kernel_that_criu_does_not_know(kernel: str, criu: str, needed: str | None) -> None:
    tool = replace(OLD, version=criu, works=None)
    found = ask("ENV002", host(host=replace(HOST, kernel_release=kernel, criu=tool)))
    assert [finding.problem.facts["needed"] for finding in found] == ([needed] if needed else [])


def test_a_criu_that_was_seen_to_work_is_not_accused_of_its_version() -> None:
    assert ask("ENV002", host(host=replace(HOST, criu=replace(OLD, works=True)))) == []


def test_a_failed_trial_follows_from_the_version() -> None:
    evidence = host(host=replace(HOST, criu=OLD))
    report = judge([checked("ENV003"), checked("ENV002")], evidence)
    assert [(finding.code, finding.explained_by) for finding in report.findings] == [
        ("ENV002", None),
        ("ENV003", "ENV002"),
    ]


@pytest.mark.parametrize("works", [True, None])
def test_a_criu_without_a_failed_trial(works: bool | None) -> None:
    assert ask("ENV003", host(host=replace(HOST, criu=replace(OLD, works=works)))) == []


def test_privilege() -> None:
    user = replace(HOST, uid=1000, capabilities=frozenset())
    assert "CAP_NET_ADMIN" in one("ENV004", host(host=user, target=TARGET)).problem.message
    assert ask("ENV004", host(target=TARGET)) == []


def test_tools_of_the_network_lock() -> None:
    def without(*tools: str) -> object:
        return replace(HOST, features={**HOST.features, **dict.fromkeys(tools, False)})

    assert one("ENV005", host(host=without("iptables"), target=TARGET)).severity is Severity.WARNING
    assert one("ENV005", host(host=without("iptables", "nft"), target=TARGET)).severity is Severity.ERROR
    assert ask("ENV005", host(target=TARGET)) == []
    assert ask("ENV005", host(host=without("iptables"), target=RESTORE)) == []


def test_tcp_repair() -> None:
    refused = replace(HOST, features={"tcp_repair": False})
    assert "this kernel" in one("ENV006", host(host=refused)).problem.message
    assert ask("ENV006", host(host=replace(refused, uid=1000))) == []
    assert ask("ENV006", host()) == []


def test_an_unfinished_operation_explains_what_it_left() -> None:
    evidence = host(**rules(PAIR), sockets=(), unfinished=(OPERATION,))
    report = judge([checked(code) for code in ("NFT001", "OPS001")], evidence)
    assert [(finding.code, finding.explained_by) for finding in report.findings] == [
        ("OPS001", None),
        ("NFT001", "OPS001"),
    ]


@pytest.mark.parametrize("alive", [{"workbench_alive": True}, {"criu_alive": True}])
def test_an_operation_that_still_runs(alive: dict[str, bool]) -> None:
    assert ask("OPS001", host(unfinished=(replace(OPERATION, **alive),))) == []  # type: ignore[arg-type]


def test_a_dump_that_waits() -> None:
    evidence = host(**rules(PAIR), sockets=(), images=(IMAGE,))
    finding = one("OPS002", evidence)
    assert (finding.severity, finding.problem.facts["images"]) == (Severity.NOTE, "/images")
    assert ask("OPS002", host()) == []


def test_conntrack_that_will_call_it_invalid() -> None:
    evidence = host(**rules(INVALID), images=(IMAGE,), sysctls=STRICT, target=RESTORE)
    assert one("CNT001", evidence).severity is Severity.WARNING
    assert ask("CNT001", replace(evidence, sysctls=())) == []
    assert ask("CNT001", replace(evidence, rules=())) == []
    tracked = ConntrackEntry(NETNS, LINE.reversed, "ESTABLISHED", 100)
    assert ask("CNT001", replace(evidence, conntrack=(tracked,))) == []
