"""Checks on captures that were recorded live (tests/e2e/capture/record_captures.py)."""

from pathlib import Path

import pytest

from workbench.checking.check import Check
from workbench.checking.loading import entries, load
from workbench.checking.running import judge
from workbench.cli.sources import read_sources

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings"
CHECKS = tuple(check for entry in entries() if not entry.own and isinstance(check := load(entry), Check))


@pytest.mark.parametrize(
    ("name", "codes", "said"),
    [
        ("captures/reset.pcapng", {"PKT001"}, "reset its connection to 10.77.0.1:80."),
        ("captures/silence.pcapng", {"PKT002"}, "and got no answer until the capture ended"),
        ("captures/closed-window.pcapng", {"PKT003"}, "its program does not read what 10.77.0.1:80 sends"),
        ("captures/forged-reset.pcapng", {"PKT004"}, "what its receiver waited for: it is ignored"),
        ("podman/between.pcap", set(), ""),
        ("podman/started-anew.pcap", {"PKT001"}, "10.88.0.55:7000 reset its connection"),
        ("podman/restored-twice.pcap", {"PKT001", "PKT002"}, "10.88.0.55:7001 reset its connection"),
    ],
)
def test_what_a_capture_alone_tells(name: str, codes: set[str], said: str) -> None:
    gathered = read_sources([str(RECORDINGS / name)])
    assert gathered.unreadable == ()
    report = judge(CHECKS, gathered.evidence)
    assert report.broken == ()
    assert {finding.code for finding in report.findings} == codes
    assert any(said in finding.problem.message for finding in report.findings) or not codes
