"""Every message that CRIU is known to print is recognised for what it is, or as harmless."""

from pathlib import Path

import pytest

from tests.contract.log_messages import AROUND, CONSOLE, HARMLESS, LOCK, SOCKETS, TCP
from workbench.checking import Finding, Severity
from workbench.checking.loading import entries, load
from workbench.checking.running import judge
from workbench.evidence import Evidence
from workbench.read.log_digest import read_digest

CHECKS = tuple(load(entry) for entry in entries() if entry.code.startswith("LOG"))
MESSAGES = (*TCP, *LOCK, *SOCKETS, *AROUND, *CONSOLE)


def _findings(path: Path, text: str) -> tuple[Finding, ...]:
    kind, _, rest = text.partition(": ")
    kind, rest = (kind, rest) if kind in ("dump", "restore") else ("output", text)
    log = path / f"{kind}.log"
    log.write_text(rest + "\n")
    report = judge(CHECKS, Evidence(0.0, 0, (str(log),), logs=(read_digest(log),)))
    assert report.broken == ()
    return report.findings


@pytest.mark.parametrize(("name", "text"), MESSAGES, ids=[text[:60] for _, text in MESSAGES])
def test_the_first_error_is_the_cause(name: str, text: str, tmp_path: Path) -> None:
    errors = [finding.name for finding in _findings(tmp_path, text) if finding.severity is Severity.ERROR]
    assert errors == ([] if name == HARMLESS else [name])


def test_every_cause_is_among_them() -> None:
    """But the log that ends in the middle, which no message tells."""
    known = {entry.name for entry in entries() if entry.code.startswith("LOG")}
    assert known - {name for name, _ in MESSAGES} == {"run-cut-short"}


@pytest.mark.parametrize(("name", "text"), TCP, ids=[text[:60] for _, text in TCP])
def test_success_after_it_makes_it_harmless(name: str, text: str, tmp_path: Path) -> None:
    text += "\n(09.000000) Restore finished successfully. Tasks resumed."
    after = [finding.name for finding in _findings(tmp_path, text) if finding.severity is Severity.ERROR]
    assert after == (["firewall-drops-criu-packet"] if name == "firewall-drops-criu-packet" else [])
