"""The summary of a preflight as text and as JSON."""

import json
from dataclasses import replace
from pathlib import Path

from tests.contract.json_schema import violations
from tests.unit.checks.made import LISTENER, SERVER, SOCKET, TARGET, host
from workbench.checking import Severity
from workbench.checking.running import judge
from workbench.checking.survival import Answer
from workbench.cli.formats import json as json_format
from workbench.cli.formats import text as text_format
from workbench.cli.formats.outcome import Outcome, Style, outcome_of
from workbench.evidence import Evidence

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/formats/check.schema.json").read_text())


def outcome(evidence: Evidence) -> Outcome:
    report = judge((), evidence)
    return outcome_of(evidence, report, report.findings, Severity.NOTE)


def target(command: str = "server") -> Evidence:
    processes = {50: replace(SERVER, command=command)}
    return host(sockets=(replace(SOCKET, recv_q=10), replace(LISTENER, recv_q=1)), processes=processes, target=TARGET)


def test_text_tells_it_in_sentences() -> None:
    lines = [*text_format.lines(outcome(target()), Style())]
    assert "options that the dump and the restore need: --tcp-established" in lines
    assert any("10 bytes not read" in line for line in lines)
    assert not any("restored listening" in line for line in lines)
    verbose = [*text_format.lines(outcome(target()), Style(verbose=True))]
    assert any(line.startswith(f"  {Answer.REFUSED.words}: 10.0.0.2:7022 LISTEN") for line in verbose)
    assert [*text_format.lines(outcome(target()), Style(quiet=True))] == []


def test_without_a_target_nothing_is_told() -> None:
    lines = [*text_format.lines(outcome(host()), Style())]
    assert len(lines) == 1
    assert "preflight" not in json_format.document(outcome(host()))


def test_json_keeps_to_the_schema() -> None:
    document = json.loads("".join(json_format.lines(outcome(target()), Style())))
    assert list(violations(document, SCHEMA, SCHEMA)) == []
    told = document["preflight"]
    assert told["options"] == ["--tcp-established"]
    assert told["queues"][0]["lost_when_closed"] == 10
    assert {each["verdict"] for each in told["verdicts"]} == {"ok", "ok with an option", "CRIU refuses"}


def test_hostile_names_are_printable() -> None:
    hostile = target("a\x1b[2Jb")
    shown = "".join(text_format.lines(outcome(hostile), Style(verbose=True)))
    assert "\x1b" not in shown
    assert "\\u001b" not in "".join(json_format.lines(outcome(hostile), Style()))
