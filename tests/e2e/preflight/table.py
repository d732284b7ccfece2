"""docs/what-criu-does.md out of the subjects: ``python -m tests.e2e.preflight.table`` writes it anew (root).

Its rows come from the verdicts on living subjects; that each is true of CRIU is what ``test_dump`` asserts.
"""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from tests.e2e.preflight.harness import ROOT, Subject, verdicts_of
from tests.e2e.preflight.kinds import KINDS, SECTIONS, Kind
from workbench.checking.survival import Answer, Verdict
from workbench.checking.survival.options import KEPT, VITAL
from workbench.checking.survival.verdict import worst

PAGE = ROOT / "docs" / "what-criu-does.md"
HEADER = "| what is open | verdict | option | what CRIU says | check |\n| --- | --- | --- | --- | --- |"
INTRODUCTION = """\
# What CRIU does to what a process has open

Made by `python -m tests.e2e.preflight.table`; not to be edited. Every row was tried with CRIU 4.2.1 and is tried again
by `tests/e2e/preflight`: a small program that has just this open, alone in a network namespace, is judged by
`workbench check --for dump`, dumped and, where that succeeds, restored and compared with what it was.

The verdicts: **ok**, it comes back as it was; **ok with an option**, likewise, and without the option CRIU refuses the
dump (a socket that was closed: the restore); **something is lost**, dump and restore succeed; **dumped, but cannot be
restored**, the dump succeeds, the process ends, and every restore fails; **CRIU refuses**, the dump fails and the
process runs on. Numbers in the messages are left out.

Not here, because this kernel lacks them: SCTP (refused, like any protocol that CRIU does not know), kTLS and TCP-AO
(neither is looked at: the connection is lost).
"""


def row(kind: Kind, verdicts: Sequence[Verdict]) -> str:
    """One line of the table."""
    answer = worst(verdicts)
    deciding = [each for each in verdicts if each.answer is answer]
    said = _texts(each.message for each in deciding)
    with_option = {Answer.NEEDS, Answer.REFUSED}
    options = [each.option for each in verdicts if each.option and each.answer in with_option]
    words = answer.words + (f": {kind.after}" if kind.after else "")
    cells = (kind.title, words, _texts(option.split(" ")[0] for option in options), said, kind.cause)
    return f"| {' | '.join(cells)} |"


def options_page(lost: Iterable[str]) -> str:
    """Which options survive: those that CRIU saves, and those that were set, and gone after the restore."""
    lost = sorted(set(lost))
    vital = [name for name in lost if name in VITAL]
    return f"""\
## Socket options

Saved and set again: {_listed(sorted(KEPT))}.

Lost without a word, each set to something else, dumped, restored and read again: {_listed(lost)}.

Without these of them a program behaves differently: {_listed(vital)}.

Not readable from outside, and lost: memberships in multicast groups, TCP_WINDOW_CLAMP of a connection (the kernel moves
it by itself), a program attached to a group of SO_REUSEPORT sockets.
"""


def page(found: dict[str, Sequence[Verdict]]) -> str:
    """The whole document."""
    parts = [INTRODUCTION]
    for title, kinds in SECTIONS.items():
        parts.append("\n".join((f"## {title}", "", HEADER, *(row(kind, found[kind.name]) for kind in kinds), "")))
    parts.append(options_page(name for verdicts in found.values() for name in lost_names(verdicts)))
    return "\n".join(parts)


def lost_names(verdicts: Sequence[Verdict]) -> list[str]:
    """Options that these verdicts call lost."""
    options = [each.facts.get("options") for each in verdicts if each.cause == "option-not-in-image"]
    return [name for each in options if isinstance(each, dict) for name in each]


def _texts(texts: Iterable[str]) -> str:
    return ", ".join(f"`{text}`" for text in dict.fromkeys(texts) if text)


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def main() -> None:
    found: dict[str, Sequence[Verdict]] = {}
    for kind in KINDS:
        with tempfile.TemporaryDirectory() as scratch:
            subject = Subject(kind.name, "criu", Path(scratch))
            try:
                found[kind.name] = verdicts_of(subject.evidence())
            finally:
                subject.close()
    PAGE.write_text(page(found))


if __name__ == "__main__":
    main()
