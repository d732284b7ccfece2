"""The report of an operation that failed names the cause that stands in CRIU's log."""

import argparse
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tests.sample_operation import dump_plan, finished
from workbench.cli.guided import carry_out
from workbench.operation.progress import Outcome, Progress
from workbench.operation.request import DumpRequest
from workbench.read.criu_log import parse_line

ERROR = "Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider using --tcp-established option."
LOG = f"""\
(00.000001) Version: 4.2.1 (gitid 0)
(00.020001) {ERROR}
(00.021000) Error (criu/cr-dump.c:2111): Dumping FAILED.
"""


class _Over:
    """An operation that is over as soon as it begins."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress

    def start(self, publish: Callable[[Progress], None]) -> None:
        publish(self._progress)

    def proceed(self) -> None: ...

    def turn_back(self) -> None: ...

    def wait(self, _timeout: float | None = None) -> Progress:
        return self._progress


def _report(directory: Path, form: str, capsys: pytest.CaptureFixture[str], **changes: object) -> tuple[int, str]:
    (directory / "dump.log").write_text(LOG)
    lines = tuple(parse_line(number, text, "dump.log") for number, text in enumerate(LOG.splitlines(), 1))
    plan = dump_plan(request=DumpRequest(4645, str(directory)), obstacles=())
    failed = replace(finished(), plan=plan, outcome=Outcome.FAILED, log=lines, images=str(directory))
    options = argparse.Namespace(plan=False, yes=True, hold=[], format=form)
    status = carry_out(plan, lambda _: _Over(replace(failed, **changes)), options)  # type: ignore[arg-type]
    return status, capsys.readouterr().out


def test_in_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = _report(tmp_path, "json", capsys)
    (cause,) = json.loads(out)["causes"]
    assert status == 1
    assert (cause["name"], cause["severity"], cause["code"]) == ("tcp-flag-missing-dump", "error", "LOG001")
    assert "--tcp-established" in cause["fix"][0]["text"]
    assert cause["evidence"][0]["line"] == 2


def test_in_words(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "--tcp-established" in _report(tmp_path, "text", capsys)[1]


def test_what_succeeded_has_no_cause(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status, out = _report(tmp_path, "json", capsys, outcome=Outcome.SUCCEEDED)
    assert (status, json.loads(out)["causes"]) == (0, [])
