"""What a run says of resets that do not come as promised."""

from dataclasses import replace

from workbench.evidence.attribution import Attribution, Cause
from workbench.evidence.reset_trail import Effect
from workbench.lab.report import document, report_lines
from workbench.lab.run import Run
from workbench.lab.scenario import load

FOUND = Attribution(1, Cause.NO_SOCKET, None, 1, Effect.TAKEN, "NO_SOCKET", "nobody owned \x1b[31mit", 2)


def test_what_was_promised_and_came_is_fine() -> None:
    ran = Run(load("reset-no-lock"), resets=(FOUND, FOUND))
    assert not [sentence for sentence in ran.amiss if "reset" in sentence]


def test_what_was_promised_and_did_not_come_is_amiss() -> None:
    assert "no reset was attributed to no-socket" in Run(load("reset-no-lock")).amiss


def test_what_nobody_promised_is_amiss() -> None:
    ran = Run(load("reset-no-lock"), resets=(FOUND, replace(FOUND, cause=Cause.MIDDLEBOX)))
    assert [sentence for sentence in ran.amiss if "attributed to middlebox, which nobody expected" in sentence]


def test_reports_say_who_and_why() -> None:
    ran = Run(load("reset-no-lock"), resets=(FOUND,))
    rows = document(ran)["resets"]
    assert isinstance(rows, list)
    assert [(row["cause"], row["sentence"]) for row in rows] == [("no-socket", "nobody owned \\x1b[31mit")]
    assert any("no-socket: nobody owned" in line for line in report_lines(ran))
