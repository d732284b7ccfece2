"""The log of a failed operation names its cause."""

from dataclasses import replace
from pathlib import Path

from tests.sample_operation import dump_plan, finished
from workbench.operation.diagnosis import Diagnosis, diagnose
from workbench.operation.progress import Outcome, Progress
from workbench.operation.request import DumpRequest
from workbench.read.criu_log import parse_line

LOG = """\
(00.000001) Version: 4.2.1 (gitid 0)
(00.020000) Dumping TCP connection
(00.020001) Error (criu/sk-inet.c:191): inet: Connected TCP socket, consider using --tcp-established option.
(00.020002) Error (criu/cr-dump.c:1628): Dump files (pid: 4645) failed with -1
(00.021000) Error (criu/cr-dump.c:2111): Dumping FAILED.
"""


def _failed(directory: Path) -> Progress:
    lines = tuple(parse_line(number, text, "dump.log") for number, text in enumerate(LOG.splitlines(), 1))
    plan = dump_plan(request=DumpRequest(4645, str(directory)))
    return replace(finished(), plan=plan, outcome=Outcome.FAILED, log=lines, images=str(directory))


def test_the_cause_is_named_with_its_line_and_page(tmp_path: Path) -> None:
    (tmp_path / "dump.log").write_text(LOG)
    diagnosis = diagnose(_failed(tmp_path))
    assert [cause.name for cause in diagnosis.causes] == ["tcp-flag-missing-dump"]
    assert 3 in [quote.line for quote in diagnosis.causes[0].problem.quotes]
    assert "--tcp-established" in diagnosis.pages[diagnosis.causes[0].code]


def test_that_criu_died_is_no_news_to_its_operation(tmp_path: Path) -> None:
    cut = "(00.000000) CRIU run id = fbdf6662\n(00.001000) Lock network\n" + "(00.020000) Dumping TCP connection\n" * 4
    (tmp_path / "dump.log").write_text(cut)
    assert diagnose(_failed(tmp_path)) == Diagnosis()


def test_what_did_not_fail_or_has_no_log_is_not_judged(tmp_path: Path) -> None:
    (tmp_path / "dump.log").write_text(LOG)
    failed = _failed(tmp_path)
    assert diagnose(replace(failed, outcome=Outcome.SUCCEEDED)) == Diagnosis()
    assert diagnose(replace(failed, log=())) == Diagnosis()
    (tmp_path / "dump.log").unlink()
    assert diagnose(failed) == Diagnosis()
