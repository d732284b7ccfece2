"""Findings as rows and lines, and which row each of them concerns."""

from dataclasses import replace

from tests.sample import APP, CONNECTION, HOSTILE, LOCK_NAME, SERVER_END, evidence, judgement, socket
from workbench.checking import Finding, Problem, Severity, Subject
from workbench.evidence import Endpoint, Gap, ImageDirectory, TcpState
from workbench.evidence.lock_map import LockUse
from workbench.present.connections import connections_table
from workbench.present.findings import (
    Found,
    brief_lines,
    cause_lines,
    causes_by_line,
    commands,
    finding_detail,
    findings_table,
    folded,
    found,
    mark,
)
from workbench.present.header import header_line
from workbench.present.judgement import NOTHING_JUDGED, Judgement
from workbench.present.line import Tone, plain, plain_lines
from workbench.present.netfilter import netfilter_table
from workbench.present.operation import log_lines
from workbench.present.processes import processes_table
from workbench.present.remedy import hint_of, locks_of, recovers
from workbench.present.situation import Situation

JUDGED = judgement()
SITUATION = Situation(evidence(), JUDGED)


def _finding(subject: Subject, severity: Severity = Severity.WARNING) -> Finding:
    return Finding("XYZ001", "made-up", Problem(severity, subject, "Something."), severity)


def _marks(situation: Situation) -> list[str]:
    return [row.mark[0] for row in connections_table(situation).rows]


def test_consequences_are_folded_under_their_cause() -> None:
    assert [(each.finding.code, len(each.consequences)) for each in found(JUDGED.findings)] == [
        ("NFT002", 1),
        ("ENV002", 0),
    ]
    table = findings_table(SITUATION)
    assert [row.cells[1] for row in table.rows] == ["NFT002", "SCK006", "ENV002"]
    assert [row.cells[2] for row in folded(table).rows] == ["+1", ""]


def test_two_findings_of_one_check_on_one_subject_have_keys_of_their_own() -> None:
    twice = _finding(Subject("host", "a"))
    rows = findings_table(Situation(evidence(), Judgement((twice, twice)))).rows
    assert rows[0].key != rows[1].key


def test_without_findings_the_table_says_who_could_not_look() -> None:
    said = findings_table(Situation(evidence(), Judgement(passed=1, unseen=("a", "b")))).empty
    assert said == "Nothing found; 1 check passed, 2 could not look (? says at what)."
    assert "being asked" in findings_table(Situation(evidence(), NOTHING_JUDGED)).empty


def test_a_finding_in_full_tells_what_to_do_what_follows_evidence_and_page() -> None:
    text = plain_lines(finding_detail(next(found(JUDGED.findings)), JUDGED, "x removes it"))
    for part in (
        "error NFT002  netlock-on-live-connection  nftables lock in network namespace app",
        "here   x removes it, after a look at the plan",
        f"       $ nft delete table inet {LOCK_NAME}   (safe)",
        "then   SCK006 It has retransmitted 3 times without an answer.",
        "  | rules  output: ip saddr . tcp sport . ip daddr . tcp dport @conns4 drop",
        "What NFT002 means",
        "Rules that CRIU makes, in every namespace, and `criu` processes.",
    ):
        assert part in text
    assert not any(set(line) == {"-"} for line in text)


def test_the_commands_of_a_fix_can_be_typed() -> None:
    assert commands(JUDGED.findings[0]) == [f"nft delete table inet {LOCK_NAME}"]
    assert commands(JUDGED.findings[1]) == []


def test_a_lock_marks_its_connection_its_process_and_its_own_row_and_nothing_else() -> None:
    assert _marks(SITUATION) == ["!", " ", " ", " ", " "]
    assert {row.cells[0] for row in processes_table(SITUATION).rows if row.mark[0] == "!"} == {"4645"}
    marked = [row.subject for row in netfilter_table(SITUATION).rows if row.mark[0] == "!"]
    assert len(marked) == 1
    assert isinstance(marked[0], LockUse)


def test_the_same_connection_in_another_namespace_is_not_marked() -> None:
    other = socket(9, SERVER_END, CONNECTION.peer, TcpState.ESTABLISHED, netns=APP + 5)
    assert JUDGED.concerning(other) == ()
    assert [each.code for each in JUDGED.concerning(replace(other, netns=APP))] == ["NFT002"]


def test_findings_on_sockets_rules_images_and_processes_reach_their_rows() -> None:
    found_here = evidence()
    assert not isinstance(found_here.rules, Gap)
    assert not isinstance(found_here.images, Gap)
    assert not isinstance(found_here.processes, Gap)
    image, rule = found_here.images[0], found_here.rules[-1]
    listener = socket(3, SERVER_END, Endpoint("0.0.0.0", 0), TcpState.LISTEN)
    subjects: dict[str, tuple[dict[str, object], object]] = {
        "socket": ({"cookie": 3}, listener),
        "rule": ({"netns": rule.netns, "rule": rule.text}, rule),
        "image": ({"path": image.path}, image),
        "process": ({"pid": 4646}, found_here.processes[4646]),
    }
    for kind, (keys, subject) in subjects.items():
        finding = _finding(Subject(kind, "", keys))
        judged = Judgement((finding,))
        assert judged.concerning(subject) == (finding,)
        others = [each for name, (_, each) in subjects.items() if name != kind]
        assert [judged.concerning(each) for each in others] == [(), (), ()]


def test_a_finding_about_images_concerns_the_connection_that_they_hold() -> None:
    finding = _finding(Subject("socket", "", {"connection": str(CONNECTION), "path": "/img"}))
    assert _marks(Situation(evidence(), Judgement((finding,))))[0] == "!"
    assert Judgement((finding,)).concerning(ImageDirectory("/img", True, 0, 0.0, (), ())) == (finding,)


def test_notes_leave_no_sign() -> None:
    assert mark([_finding(Subject("host", ""), Severity.NOTE)])[0] == " "
    assert mark([_finding(Subject("host", ""), Severity.NOTE), JUDGED.findings[2]]) == ("!", Tone.WARNING)


def test_in_a_line_consequences_are_left_out_and_the_key_is_named() -> None:
    lines = plain_lines(brief_lines(JUDGED.findings[:2], 80, "Enter explains"))
    assert len(lines) == 1
    assert lines[0].startswith("!      NFT002 A lock that CRIU left")
    assert lines[0].endswith("(Enter explains)")


def test_the_header_counts_what_is_wrong() -> None:
    text = plain(header_line("host-a", evidence(), "live 1 s", 100, paused=False, judgement=JUDGED))
    assert "1 error  1 warning" in text
    assert "error" not in plain(header_line("host-a", evidence(), "live 1 s", 100, paused=False))


def test_the_lock_in_the_way_of_a_row_can_be_removed_from_it() -> None:
    root = next(found(JUDGED.findings))
    rows = connections_table(SITUATION).rows
    for subject in (root, rows[0].subject, SITUATION.processes[4645], SITUATION.lock_uses[0]):
        assert [lock.name for lock in locks_of(subject, SITUATION)] == [LOCK_NAME]
        assert hint_of(subject, SITUATION) == "x removes it"
    for subject in (Found(JUDGED.findings[2]), rows[2].subject, SITUATION.processes[1]):
        assert locks_of(subject, SITUATION) == ()
        assert hint_of(subject, SITUATION) == ""


def test_an_interrupted_operation_is_put_right_by_the_same_key() -> None:
    subject = Found(_finding(Subject("operation", "dump of server", {"operation": "x"})))
    assert recovers(subject)
    assert hint_of(subject, SITUATION) == "x puts it right"


def test_hostile_text_is_escaped_in_every_line() -> None:
    hostile = judgement(HOSTILE)
    lines = finding_detail(next(found(hostile.findings)), hostile)
    lines += [*cause_lines(hostile.findings), *brief_lines(hostile.findings, 60, "")]
    cells = [cell for row in findings_table(Situation(evidence(), hostile)).rows for cell in row.cells]
    assert all(text.isprintable() for text in (*plain_lines(lines), *cells))


def test_the_line_that_is_evidence_of_the_cause_says_so() -> None:
    from tests.sample_operation import log
    from workbench.checking import Quote

    quoted = replace(JUDGED.findings[0].problem, quotes=(Quote("dump.log", "", 4),))
    causes = causes_by_line([replace(JUDGED.findings[0], problem=quoted)])
    lines = plain_lines(log_lines(log(), None, causes))
    assert lines[4].strip() == "^ NFT002 netlock-on-live-connection"
    assert len(lines) == len(log()) + 1
