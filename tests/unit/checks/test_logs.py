"""Checks of logs: the same words mean different things in different runs."""

from pathlib import Path

import pytest

from workbench.checking import Finding, Severity
from workbench.checking.loading import entries, load
from workbench.checking.running import judge
from workbench.evidence import Evidence
from workbench.read.log_digest import read_digest

ROOT = Path(__file__).parents[3]
CHECKS = tuple(load(entry) for entry in entries() if entry.code.startswith("LOG"))
RECORDED = sorted(ROOT.glob("fixtures/recordings/**/*.log"))
REPAIR = "(00.2) Error (soccr/soccr.c:87): Can't turn TCP repair mode ON: Operation not permitted"
BIND = "(00.2)  5: Error (criu/sk-inet.c:1): inet: Can't bind inet socket (id 3): Cannot assign requested address"
RULE = "iptables: Bad rule (does a matching rule exist in that chain?)."
FAILED = "(00.4) Error (criu/cr-restore.c:1): Restoring FAILED."
DUMP_FAILED = "(00.4) Error (criu/cr-dump.c:1): Dumping FAILED."
SUCCESS = "(00.4) Restore finished successfully. Tasks resumed."


def _socket(state: str, address: str = "10.0.0.1", word: str = "Dumping") -> str:
    pid = "" if word == "Dumping" else " 5: "
    about = f"family AF_INET    type SOCK_STREAM port 80 state {state} src_addr {address}"
    return f"(00.1) {pid}inet: \t{word}: ino  0x2 {about}"


def _ask(path: Path) -> tuple[Finding, ...]:
    report = judge(CHECKS, Evidence(0.0, 0, (str(path),), logs=(read_digest(path),)))
    assert report.broken == ()
    return report.findings


def _first(tmp_path: Path, *lines: str, name: str = "restore.log") -> tuple[str, str] | None:
    path = tmp_path / name
    path.write_text("\n".join(lines) + "\n")
    findings = _ask(path)
    return (findings[0].name, str(findings[0].severity)) if findings else None


def test_there_are_recordings() -> None:
    assert len(RECORDED) >= 10


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: "/".join(path.parts[-3:]))
def test_recorded_logs_of_runs_that_went_well_are_quiet(path: Path) -> None:
    assert [finding.code for finding in _ask(path)] == []


@pytest.mark.parametrize("path", RECORDED[:2], ids=lambda path: "/".join(path.parts[-3:]))
def test_a_log_cut_anywhere_shows_no_cause(path: Path, tmp_path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    for end in range(1, len(lines), max(1, len(lines) // 25)):
        cut = tmp_path / path.name
        cut.write_bytes(b"".join(lines[:end]) + lines[end][:20])
        assert {finding.code for finding in _ask(cut)} <= {"LOG098"}


def test_a_log_that_ends_in_the_middle(tmp_path: Path) -> None:
    path = next(path for path in RECORDED if path.name == "dump.log")
    lines = path.read_text().splitlines()
    cut = next(number for number, line in enumerate(lines) if "Dumping TCP connection" in line)
    assert _first(tmp_path, *lines[: cut + 5], name="dump.log") == ("run-cut-short", "warning")


@pytest.mark.parametrize(
    ("state", "kernel", "name"),
    [
        ("TCP_CLOSE_WAIT", "", "tcp-half-closed-old-kernel"),
        ("8", "", "tcp-half-closed-old-kernel"),
        ("TCP_ESTABLISHED", "", "tcp-kernel-regression"),
        ("TCP_ESTABLISHED", "6.16.7", "tcp-kernel-regression"),
        ("TCP_ESTABLISHED", "5.15.0", "missing-capability"),
        ("1", "", "missing-capability"),
    ],
)
def test_why_repair_mode_was_refused(tmp_path: Path, state: str, kernel: str, name: str) -> None:
    running = [f"(00.0) Running on h Linux {kernel} #1 SMP"] if kernel else []
    assert _first(tmp_path, *running, _socket(state), REPAIR, DUMP_FAILED, name="dump.log") == (name, "error")


@pytest.mark.parametrize(
    ("lines", "name"),
    [
        ([_socket("1", "10.0.0.1", "Restore"), BIND], "ip-missing"),
        ([_socket("1", "fd99::1", "Restore"), BIND], "ip-missing"),
        ([_socket("1", "fe80::1", "Restore"), BIND], "ipv6-address-not-ready"),
        (
            [_socket("1", "fd99::1", "Restore"), BIND, "inet6 fd99::1/64 scope global tentative"],
            "ipv6-address-not-ready",
        ),
        (["(00.0)  1: \tRunning ip addr restore", _socket("1", "fd99::1", "Restore"), BIND], "ipv6-address-not-ready"),
    ],
)
def test_an_address_that_is_absent_or_not_ready(tmp_path: Path, lines: list[str], name: str) -> None:
    assert _first(tmp_path, *lines, FAILED) == (name, "error")


@pytest.mark.parametrize(
    ("lines", "log", "answer"),
    [
        (
            [RULE, "(00.3) Error (criu/netfilter.c:9): Iptables configuration failed", FAILED],
            "restore.log",
            ("netlock-rule-missing", "error"),
        ),
        ([RULE, SUCCESS], "restore.log", ("netlock-rule-missing", "warning")),
        ([REPAIR, RULE, DUMP_FAILED], "dump.log", ("tcp-half-closed-old-kernel", "error")),
        ([BIND, RULE, FAILED], "restore.log", ("ip-missing", "error")),
        (
            ["$ criu restore -d", RULE, SUCCESS, "read: Connection reset by peer"],
            "output.log",
            ("rst-after-restore", "error"),
        ),
        (["iptables-restore: line 3 failed: Bad rule", DUMP_FAILED], "dump.log", ("run-failed", "error")),
    ],
)
def test_a_missing_rule_is_noise_or_death(tmp_path: Path, lines: list[str], log: str, answer: tuple[str, str]) -> None:
    assert _first(tmp_path, *lines, name=log) == answer


def test_what_followed_becomes_a_note_that_names_the_cause(tmp_path: Path) -> None:
    path = tmp_path / "restore.log"
    changed = "(00.3)  5: Error (criu/files-reg.c:1): File a has bad size 1 (expect 2)"
    path.write_text(f"{BIND}\n{changed}\n{FAILED}\n")
    findings = _ask(path)
    assert [finding.severity for finding in findings] == [Severity.ERROR, Severity.NOTE, Severity.NOTE]
    assert {finding.explained_by for finding in findings[1:]} == {"LOG011"}


def test_a_first_run_that_went_well_does_not_hide_the_second(tmp_path: Path) -> None:
    lines = ("(00.1) Dumping finished successfully", BIND, FAILED)
    assert _first(tmp_path, *lines, name="output.log") == ("ip-missing", "error")


def test_a_second_try_that_went_well_clears_the_first(tmp_path: Path) -> None:
    assert _first(tmp_path, BIND, FAILED, SUCCESS) is None


def test_advice_is_for_the_engine_that_the_log_names(tmp_path: Path) -> None:
    path = tmp_path / "output.log"
    refused = "(00.1) Error (criu/sk-inet.c:1): inet: Connected TCP socket, consider using --tcp-established option."
    path.write_text(f"# docker checkpoint create web c1\n{refused}\n")
    assert "/etc/criu/runc.conf" in _ask(path)[0].problem.fixes[0].text
    path.write_text(f"# podman container checkpoint web\n{refused}\n")
    assert "--tcp-established" in _ask(path)[0].problem.fixes[0].text
