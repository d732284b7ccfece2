"""What a run came to: as a document for programs, and as lines for a person."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict

from workbench.evidence import Connection
from workbench.lab.measured import measured_lines
from workbench.lab.run import Run
from workbench.lab.verdicts import Judged
from workbench.operation.progress import Progress
from workbench.present.progress import VERDICT_WORDS
from workbench.present.progress import report_lines as operation_lines
from workbench.present.text import printable
from workbench.present.units import milliseconds

MOST_CONNECTIONS = 5
"""Connections that are shown one by one, those that are not as expected first."""


def document(ran: Run) -> dict[str, object]:
    """The run as JSON holds it; every text printable."""
    scenario = ran.scenario
    return {
        "schema": 1,
        "scenario": scenario.name,
        "result": "passed" if ran.passed else "failed",
        "expected": list(scenario.expectation.checks),
        "findings": [
            {
                "code": finding.code,
                "name": finding.name,
                "severity": finding.severity.value,
                "explained_by": finding.explained_by,
                "subject": {"kind": finding.problem.subject.kind, "title": printable(finding.problem.subject.title)},
                "message": printable(finding.problem.message),
            }
            for finding in ran.findings
        ],
        "resets": [
            {
                "cause": one.cause.value,
                "effect": one.effect.value,
                "from": str(one.connection and one.connection.local),
                "to": str(one.connection and one.connection.peer),
                "reason": printable(one.reason),
                "sentence": printable(one.sentence),
            }
            for one in ran.resets
        ],
        "proof": [_proof(scenario.server.listen, judged) for judged in ran.judged],
        "measured": [{"act": act, **_named(what)} for act, what in ran.measured],
        "left_behind": [printable(one) for one in ran.left_behind],
        "amiss": [printable(one) for one in ran.amiss],
        "times_ms": {lap.name: round(lap.milliseconds, 1) for lap in ran.laps},
        "operations": [_operation(one) for one in (ran.dump, ran.restore) if one is not None],
    }


def _proof(listen: str, judged: Judged) -> dict[str, object]:
    return {
        "connection": str(judged.connection) if judged.connection else f"{listen} -> not connected",
        "verdict": judged.verdict.value,
        "expected": judged.expected.value,
        "sentence": printable(judged.sentence),
        "bytes_checked": judged.bytes_checked,
        "facts": _plain(judged.facts),
    }


def _operation(progress: Progress) -> dict[str, object]:
    return {
        "kind": progress.plan.kind,
        "outcome": progress.outcome.value if progress.outcome else None,
        "error": printable(progress.error),
        "elapsed_ms": round(progress.elapsed_ms, 1),
        "steps": [{"name": step.name, "state": step.state.value, "ms": step.milliseconds} for step in progress.steps],
        "lock_ms": progress.lock_ms,
        "dump_stats": asdict(progress.dump_stats) if progress.dump_stats else None,
        "restore_stats": asdict(progress.restore_stats) if progress.restore_stats else None,
    }


def _named(values: Mapping[str, object]) -> dict[str, object]:
    return {printable(name): _plain(value) for name, value in values.items()}


def _plain(value: object) -> object:
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, Mapping):
        return _named({str(key): item for key, item in value.items()})
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return printable(str(value))


def report_lines(ran: Run, width: int | None = None) -> Iterator[str]:
    """The report: both operations, what the programs at both ends say, and whether the promise was kept."""
    for progress in (ran.dump, ran.restore):
        if progress is not None:
            yield ""
            yield from operation_lines(progress)
    if ran.judged:
        yield ""
        yield "What the programs at both ends verified, byte for byte"
    shown = sorted(ran.judged, key=lambda judged: judged.as_expected)
    for judged in shown[:MOST_CONNECTIONS]:
        yield from _judged_lines(judged)
    if len(shown) > MOST_CONNECTIONS:
        rest = shown[MOST_CONNECTIONS:]
        fine = sum(judged.as_expected for judged in rest)
        checked = sum(judged.bytes_checked for judged in rest)
        yield f"  and {len(rest)} more, {fine} of them as promised, {checked} bytes verified"
    for act, measured in ran.measured:
        yield ""
        yield f"Measured by {act}"
        yield from measured_lines(measured, width)
    if ran.resets:
        yield ""
        yield "Who reset its connections"
        for one in ran.resets:
            ends = f"{one.connection.local} > {one.connection.peer}  " if one.connection else ""
            yield f"  {ends}{one.cause}: {one.sentence}"
    if ran.findings:
        yield ""
        yield "Findings of the checks"
        for finding in ran.findings:
            yield f"  {finding.code} {finding.name}: {finding.problem.message}"
    yield ""
    yield "Times: " + ", ".join(f"{lap.name} {milliseconds(lap.milliseconds)}" for lap in ran.laps)
    yield "Left behind: " + ("; ".join(ran.left_behind) or "nothing")
    yield ""
    yield f"{ran.scenario.name}: {'passed' if ran.passed else 'FAILED'}"
    for sentence in ran.amiss:
        yield f"  {sentence}"


def _judged_lines(judged: Judged) -> Iterator[str]:
    connection: Connection | str = judged.connection or "a connection that could not be made"
    words, _ = VERDICT_WORDS[judged.verdict]
    promised = "" if judged.as_expected else f", but was promised: {VERDICT_WORDS[judged.expected][0]}"
    yield f"  {connection}  {words}{promised}"
    yield f"      {judged.sentence}"
    for name, way in (("to_server", "client to server"), ("to_client", "server to client")):
        match judged.facts.get(f"verified_{name}"):
            case {"before": before, "after": after}:
                yield f"      {way}: {before} bytes verified before, {after} after"
    yield f"      longest pause at the client: {judged.facts.get('longest_gap_ms')} ms"
