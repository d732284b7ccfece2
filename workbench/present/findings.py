"""Findings for people: the table with root causes on top, one in full with the page of its check, one in a line."""

import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from workbench.checking.finding import RANK, Finding, Fix, Severity
from workbench.present.judgement import Judgement, worst
from workbench.present.line import Line, Piece, Tone, heading, line
from workbench.present.situation import Situation
from workbench.present.table import Column, Row, Table, make_table
from workbench.present.text import printable
from workbench.present.units import count

COLUMNS = (
    Column("severity", "HOW BAD", "b", 7, 7),
    Column("code", "CODE", "c", 6, 7),
    Column("follows", "+", "f", 2, 4, leaves=2, right=True),
    Column("about", "ABOUT", "a", 12, 36, leaves=1),
    Column("message", "WHAT IS WRONG", "w", 24, 400),
)
SEVERITY_TONES = {Severity.ERROR: Tone.BAD, Severity.WARNING: Tone.WARNING, Severity.NOTE: Tone.DIM}
_QUOTES = 12
_FACT = 200
_BRIEF = 2
"""Findings that a detail names at its top."""


@dataclass(frozen=True, slots=True)
class Found:
    """A finding with what merely follows from it."""

    finding: Finding
    consequences: tuple[Finding, ...] = ()

    @property
    def all(self) -> tuple[Finding, ...]:
        return (self.finding, *self.consequences)


def found(findings: Sequence[Finding]) -> Iterator[Found]:
    """Each root cause with its consequences, which follow it in ranked findings."""
    start = 0
    for end in range(1, len(findings) + 1):
        if end == len(findings) or findings[end].explained_by is None:
            yield Found(findings[start], tuple(findings[start + 1 : end]))
            start = end


def findings_table(situation: Situation) -> Table:
    """Root causes, each followed by rows of what it explains."""
    rows: list[Row] = []
    seen: dict[tuple[str, ...], int] = {}
    for root in found(situation.judgement.findings):
        for finding in root.all:
            subject = finding.problem.subject
            name = (finding.code, subject.kind, subject.title)
            seen[name] = seen.get(name, 0) + 1
            rows.append(_row(root if finding is root.finding else Found(finding), (*name, seen[name]), len(rows)))
    return make_table(COLUMNS, rows, _nothing(situation.judgement))


def folded(table: Table) -> Table:
    """Without the rows of consequences."""
    rows = [row for row in table.rows if isinstance(row.subject, Found) and row.subject.finding.explained_by is None]
    return make_table(table.columns, rows, table.empty)


def finding_detail(subject: Found, judgement: Judgement, hint: str = "") -> list[Line]:
    """All about a finding: what, what to do (``hint``: here), what follows, the evidence, the page of its check."""
    finding = subject.finding
    lines = [_title(finding), line(printable(finding.problem.message))]
    if finding.explained_by:
        lines.append(line(("follows from ", Tone.DIM), (finding.explained_by, Tone.STRONG)))
    if hint:
        lines.append(line(("here   ", Tone.DIM), (hint, Tone.STRONG), ", after a look at the plan"))
    for fix in finding.problem.fixes:
        lines += _fix(fix)
    for consequence in subject.consequences:
        lines.append(line(("then   ", Tone.DIM), _code(consequence), printable(f" {consequence.problem.message}")))
    lines += _evidence(finding)
    page = judgement.pages.get(finding.code)
    if page:
        lines += [line(), *page_lines(finding.code, page)]
    return lines


def page_lines(code: str, page: str) -> Iterator[Line]:
    """The page of a check: paragraphs flow, headings stand out."""
    text = page.splitlines()
    yield heading(f"What {code} means")
    for blank, group in groupby(enumerate(text), lambda item: not item[1]):
        numbered = list(group)
        if blank:
            yield line()
        elif len(numbered) > 1 and set(numbered[1][1]) == {"-"}:
            yield heading(numbered[0][1])
            if numbered[2:]:
                yield from _paragraph([each for _, each in numbered[2:]])
        else:
            yield from _paragraph([each for _, each in numbered])


def brief_lines(findings: Sequence[Finding], width: int, hint: str) -> list[Line]:
    """Findings in a line or two each, for the top of another detail; ``hint`` says which keys lead on.

    What follows from one of them is left out.
    """
    codes = {finding.code for finding in findings}
    roots = [finding for finding in findings if finding.explained_by not in codes]
    lines: list[Line] = []
    for finding in roots[:_BRIEF]:
        room = max(2 * (width - 7) - len(finding.code) - len(hint) - 4, 24)
        tone = SEVERITY_TONES[finding.severity]
        sign = "!" if finding.severity is not Severity.NOTE else "-"
        said = printable(finding.problem.message, room)
        pieces = [(f"{sign:7}", tone), (f"{finding.code} ", Tone.STRONG), (said, tone)]
        lines.append(line(*pieces, (f" ({hint})" if not lines else "", Tone.DIM)))
    if len(roots) > _BRIEF:
        lines.append(line(("!      ", Tone.DIM), f"and {len(roots) - _BRIEF} more below"))
    return lines


def cause_lines(causes: Sequence[Finding]) -> Iterator[Line]:
    """Why an operation failed, and what to do; nothing if its log does not tell."""
    if not causes:
        return
    yield from (line(), heading("Why, and what to do"))
    for finding in causes[:_BRIEF]:
        yield line("  ", (finding.code, Tone.STRONG), f" {finding.name}")
        yield line("  ", printable(finding.problem.message))
        for fix in finding.problem.fixes:
            yield line("  -> ", printable(fix.text))
            if fix.command:
                yield line("     $ ", (command_text(fix), Tone.STRONG))
        yield line((f"  workbench explain {finding.code} tells more.", Tone.DIM))


def causes_by_line(causes: Sequence[Finding]) -> dict[int, str]:
    """By number of a line of the log: which finding it is evidence of."""
    return {
        quote.line: f"{finding.code} {finding.name}"
        for finding in reversed(causes)
        for quote in finding.problem.quotes
        if quote.line is not None
    }


def mark(findings: Sequence[Finding]) -> Piece:
    """The sign of a row that a warning or an error concerns; notes leave none."""
    severity = worst(findings) if findings else None
    if severity is None or severity is Severity.NOTE:
        return " ", Tone.NORMAL
    return "!", SEVERITY_TONES[severity]


def commands(finding: Finding) -> list[str]:
    """The commands of its fixes as they can be typed, in their order."""
    return [command_text(fix) for fix in finding.problem.fixes if fix.command]


def command_text(fix: Fix) -> str:
    """One command as it can be typed; printable, and then only as good as the names in it."""
    return printable(shlex.join(fix.command))


def counted(judgement: Judgement) -> list[Piece]:
    """``2 errors``, ``1 warning``: pieces for the header; nothing where there are none."""
    return [
        (f"  {count(number, severity.value)}", SEVERITY_TONES[severity])
        for severity in (Severity.ERROR, Severity.WARNING)
        if (number := judgement.count(severity))
    ]


def _row(subject: Found, key: tuple[object, ...], place: int) -> Row:
    finding = subject.finding
    problem = finding.problem
    about, message = printable(problem.subject.title), printable(problem.message, 400)
    then = len(subject.consequences)
    cells = (
        ("  " if finding.explained_by else "") + finding.severity.value,
        finding.code,
        f"+{then}" if then else "",
        about,
        message,
    )
    tone = SEVERITY_TONES[finding.severity]
    order = (place, finding.code, then, about, (RANK[finding.severity], message))
    quiet = Tone.DIM if finding.severity is Severity.NOTE else Tone.NORMAL
    return Row(key, cells, order, subject, (tone, Tone.STRONG if quiet is Tone.NORMAL else quiet, quiet, quiet, quiet))


def _nothing(judgement: Judgement) -> str:
    if not judgement.known:
        return "The checks are being asked ..."
    said = f"Nothing found; {count(judgement.passed, 'check')} passed"
    if judgement.unseen:
        said += f", {len(judgement.unseen)} could not look (? says at what)"
    if judgement.broken:
        said += f", {len(judgement.broken)} crashed: {printable(judgement.broken[0], 200)}"
    return f"{said}."


def _title(finding: Finding) -> Line:
    return line(
        (f"{finding.severity.value} {finding.code}", SEVERITY_TONES[finding.severity]),
        (f"  {finding.name}", Tone.STRONG),
        f"  {printable(finding.problem.subject.title)}",
    )


def _code(finding: Finding) -> Piece:
    return finding.code, Tone.STRONG


def _fix(fix: Fix) -> Iterator[Line]:
    yield line(("do     ", Tone.DIM), printable(fix.text))
    if fix.command:
        safe = ("   (safe)", Tone.GOOD) if fix.safe else ""
        yield line("       $ ", (command_text(fix), Tone.STRONG), safe)


def _evidence(finding: Finding) -> Iterator[Line]:
    problem = finding.problem
    facts = [(name, value) for name, value in problem.facts.items() if value not in (None, "", [], ())]
    if not (problem.quotes or facts):
        return
    yield from (line(), heading("Evidence"))
    for quote in problem.quotes[:_QUOTES]:
        where = f"{quote.source}:{quote.line}" if quote.line else quote.source
        yield line((f"  | {printable(where)}  ", Tone.DIM), printable(quote.text, 1000))
    if len(problem.quotes) > _QUOTES:
        yield line((f"  and {len(problem.quotes) - _QUOTES} more", Tone.DIM))
    for name, value in facts:
        yield line((f"  {printable(name)}: {printable(str(value), _FACT)}", Tone.DIM))


def _paragraph(text: Sequence[str]) -> Iterator[Line]:
    """Lines of one paragraph as one line; indented ones, such as commands, as they are."""
    if any(each.startswith((" ", "- ", "* ")) for each in text):
        yield from (line(printable(each).replace("``", "`")) for each in text)
    else:
        yield line(printable(" ".join(text)).replace("``", "`"))
