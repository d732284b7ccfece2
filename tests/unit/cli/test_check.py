"""``workbench check`` from the command line to the exit status, on files."""

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.contract.json_schema import violations
from tests.unit.checks.made import CHAIN, PAIR
from workbench.cli.main import run

ROOT = Path(__file__).parents[3]
SCHEMA = json.loads((ROOT / "docs/formats/check.schema.json").read_text())
HEALTHY = "(00.000000) CRIU run id = f09b143c\n(00.055362) Dumping finished successfully\n"
FORMATS = ("text", "json", "jsonl", "sarif", "junit")


@pytest.fixture(autouse=True)
def _no_own_checks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.delenv("FORCE_COLOR", raising=False)


@pytest.fixture
def leftover(tmp_path: Path) -> str:
    path = tmp_path / "rules"
    path.write_text(CHAIN)
    return str(path)


@pytest.fixture
def healthy(tmp_path: Path) -> str:
    path = tmp_path / "dump.log"
    path.write_text(HEALTHY)
    return str(path)


def _own(tmp_path: Path, body: str) -> None:
    directory = tmp_path / "config" / "workbench" / "checks"
    directory.mkdir(parents=True)
    headings = ("What it looks at", "Why it matters", "What to do", "When it is wrong", "References")
    page = "It is so.\n\n" + "\n\n".join(f"{heading}\n{'-' * len(heading)}\nText." for heading in headings)
    imports = "from workbench.checking import Fix, Problem, Quote, Severity, Subject\n"
    head = f'"""{page}"""\n{imports}CODE, NAME, SINCE = "X001", "own", "1.0"\n'
    directory.joinpath("X001_own.py").write_text(head + body)


def test_findings_make_the_status_one(leftover: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", leftover]) == 1
    said = capsys.readouterr().out
    assert said.startswith("error NFT001 netlock-leftover: ")
    assert "$ iptables-legacy -w -F CRIU" in said
    assert said.splitlines()[-1].startswith("1 error; ")


def test_a_healthy_log_makes_it_zero(healthy: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", healthy]) == 0
    assert capsys.readouterr().out.startswith("nothing found; ")
    assert run(["check", "-q", healthy]) == 0
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("level", "status"), [("error", 1), ("warning", 1), ("note", 1), ("never", 0)])
def test_the_fail_level_decides(leftover: str, level: str, status: int) -> None:
    assert run(["check", "--fail-level", level, leftover]) == status


def test_a_text_of_which_no_line_is_known_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "passwd"
    path.write_text("root:x:0:0:root:/root:/bin/bash\nnobody:x:65534:65534::/:/bin/false\n")
    run(["check", str(path)])
    assert "passwd is known as one of a log, of rules or of a list" in capsys.readouterr().err
    path.write_text(HEALTHY)
    run(["check", str(path)])
    assert "is known as" not in capsys.readouterr().err


def test_hiding_findings_does_not_change_the_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "rules"
    lines = PAIR.splitlines(keepends=True)
    path.write_text("".join([*lines[:-1], *lines[3:5], lines[-1]]))
    options = ["check", "--select", "NFT004", str(path)]
    assert run(options) == 1
    assert "warning NFT004" in capsys.readouterr().out
    assert run([*options, "--min-severity", "error"]) == 1
    assert "1 less severe not shown" in capsys.readouterr().out


@pytest.mark.parametrize("form", FORMATS)
def test_the_format_never_changes_the_status(leftover: str, healthy: str, form: str) -> None:
    assert run(["check", "--format", form, leftover]) == 1
    assert run(["check", "--format", form, healthy]) == 0
    assert run(["check", "--format", form, leftover, "/nowhere"]) == 2


def test_selection(leftover: str, capsys: pytest.CaptureFixture[str]) -> None:
    for words in (["--select", "NFT"], ["--select", "nft001,SCK"], ["--select", "NFT", "--ignore", "NFT006"]):
        assert run(["check", *words, leftover]) == 1
    for words in (["--ignore", "NFT"], ["--select", "SCK"], ["--ignore", "netlock-leftover"]):
        assert run(["check", *words, leftover]) == 0
    capsys.readouterr()
    assert run(["check", "--select", "netlock-leftovr", leftover]) == 2
    assert "did you mean netlock-leftover?" in capsys.readouterr().err
    assert run(["check", "--ignore", "NTF", leftover]) == 2
    assert "did you mean NFT?" in capsys.readouterr().err


def test_a_broken_check_makes_the_status_three(
    tmp_path: Path, healthy: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _own(tmp_path, "def check(log):\n    1 / 0\n")
    assert run(["check", healthy]) == 3
    assert "X001 broke: ZeroDivisionError" in capsys.readouterr().out


def test_strict_counts_only_what_was_asked_for(healthy: str) -> None:
    assert run(["check", "--strict", healthy]) == 0


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "is empty"),
        (bytes(range(256)) * 40, "neither text nor anything known"),
        (bytes(range(32, 256)) * 40, "neither text nor anything known"),
        (b"\x1f\x8b" + bytes(20), "cannot be unpacked"),
        (b"\xd4\xc3\xb2\xa1" + bytes(2), "no packet capture"),
        (b"\x19CVT" + bytes(20), "name the directory that it lies in"),
        ("Error".encode("utf-16"), "iconv"),
    ],
)
def test_what_cannot_be_judged_is_one_sentence_and_the_rest_still_counts(
    tmp_path: Path, leftover: str, content: bytes, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad"
    bad.write_bytes(content)
    assert run(["check", str(bad), leftover]) == 2
    streams = capsys.readouterr()
    assert said in streams.err
    assert len(streams.err.splitlines()) == 1
    assert "error NFT001" in streams.out


def test_a_text_of_which_no_line_is_known_was_the_wrong_file(
    tmp_path: Path, leftover: str, capsys: pytest.CaptureFixture[str]
) -> None:
    strange = tmp_path / "notes.txt"
    strange.write_text("buy milk\nand bread\n")
    assert run(["check", str(strange)]) == 2
    out, err = capsys.readouterr()
    assert not out
    assert "no line of" in err
    assert run(["check", str(strange), leftover]) == 2
    assert "error NFT001" in capsys.readouterr().out
    assert run(["check", "--format", "json", str(strange)]) == 2
    document = json.loads(capsys.readouterr().out)
    assert [gap["section"] for gap in document["evidence"]["gaps"] if "no line of" in gap["reason"]] == ["sources"]


def test_one_line_that_a_check_knows_is_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    excerpt = tmp_path / "excerpt"
    excerpt.write_text("soccr: Can't bind inet socket back: Cannot assign requested address\n")
    assert run(["check", str(excerpt)]) == 1
    assert not capsys.readouterr().err


def test_directories_pipes_and_what_is_not_there(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    for path, said in ((tmp_path, "without images"), (pipe, "no regular file"), (tmp_path / "no", "There is no")):
        assert run(["check", str(path)]) == 2
        out, err = capsys.readouterr()
        assert said in err
        assert not out
    assert run(["check", "\0"]) == 2
    assert "\0" not in capsys.readouterr().err


def test_a_log_cut_in_the_middle_with_long_lines_and_odd_bytes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "dump.log"
    path.write_bytes(b"(00.000000) CRIU run id = f0\n\xff\xfe\x1b[31m" + b"x" * 10_000_000 + b"\n(00.01) Dumping proc")
    assert run(["check", str(path)]) in {0, 1}
    assert "\x1b" not in capsys.readouterr().out


def test_json_keeps_to_its_schema(leftover: str, healthy: str, capsys: pytest.CaptureFixture[str]) -> None:
    for sources in ([leftover], [healthy], [leftover, healthy, "/nowhere"], ["/nowhere"]):
        run(["check", "--format", "json", *sources])
        document = json.loads(capsys.readouterr().out)
        assert list(violations(document, SCHEMA, SCHEMA)) == []
    assert document["evidence"]["gaps"][0]["reason"] == "There is no file or directory /nowhere"


def test_a_document_that_does_not_keep_to_the_schema_is_seen() -> None:
    assert list(violations({"schema": 2}, SCHEMA, SCHEMA))


def test_json_lines_are_findings(leftover: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["check", "--format", "jsonl", leftover])
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [row["code"] for row in rows] == ["NFT001"]
    assert [item for row in rows for item in violations(row, SCHEMA["$defs"]["finding"], SCHEMA)] == []


def test_sarif_has_results_for_findings_only(leftover: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["check", "--format", "sarif", leftover])
    log = json.loads(capsys.readouterr().out)
    (only,) = log["runs"]
    assert log["version"] == "2.1.0"
    assert [(result["ruleId"], result["level"]) for result in only["results"]] == [("NFT001", "error")]
    rules = only["tool"]["driver"]["rules"]
    assert rules[only["results"][0]["ruleIndex"]]["id"] == "NFT001"
    assert only["invocations"][0]["executionSuccessful"] is True


def test_junit_has_a_case_for_each_check(leftover: str, capsys: pytest.CaptureFixture[str]) -> None:
    run(["check", "--format", "junit", leftover])
    suite = ET.fromstring(capsys.readouterr().out)
    cases = {case.get("name", "")[:6]: case for case in suite}
    assert len(cases) == int(suite.get("tests", 0))
    assert cases["NFT001"].find("failure") is not None
    assert cases["NFT003"].find("failure") is None
    assert cases["SCK001"].find("skipped") is not None
    assert suite.get("failures") == "1"


@pytest.mark.parametrize("form", FORMATS)
def test_hostile_text_stays_text(tmp_path: Path, healthy: str, form: str, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = "\\x1b[31m</failure>]]>\\u202e\\udc80\\x00\\n"
    _own(
        tmp_path,
        f"def check(log):\n    text = '{hostile}'\n"
        "    yield Problem(Severity.ERROR, Subject('log', text, {text: text}), text, {text: [text, {text}]},\n"
        "                  (Quote(text, text, 1),), (Fix(text, (text, text)),))\n",
    )
    assert run(["check", "--format", form, "--select", "X", healthy]) == 1
    said = capsys.readouterr().out
    assert not set("\x1b\u202e\udc80\0") & set(said)
    if form == "junit":
        ET.fromstring(said)
    elif form in {"json", "sarif"}:
        json.loads(said)


def test_output_into_a_file(tmp_path: Path, leftover: str, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "report.json"
    assert run(["check", "--format", "json", "-o", str(path), leftover]) == 1
    assert json.loads(path.read_text())["findings"]
    assert capsys.readouterr().out == ""
    assert run(["check", "-o", str(tmp_path / "no" / "file"), leftover]) == 2


def test_colour_only_where_it_is_wanted(
    leftover: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run(["check", leftover])
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setenv("FORCE_COLOR", "1")
    run(["check", leftover])
    assert "\x1b[31;1merror\x1b[0m" in capsys.readouterr().out
    run(["check", "--no-color", leftover])
    assert "\x1b" not in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    run(["check", leftover])
    assert "\x1b" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--for", "dump"], "add --pid PID"),
        (["--for", "restore"], "add an image directory"),
        (["--pid", "999999999"], "no process 999999999"),
        (["--container", "no-such-container"], "no container no-such-container"),
        (["--netns", "no-such-namespace"], "no network namespace no-such-namespace"),
        (["--connection", "10.0.0.1-80"], "is no connection"),
    ],
)
def test_a_part_of_the_host_that_is_not_there(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", *words]) == 2
    assert said in capsys.readouterr().err


def test_this_host_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["check", "--format", "json", "--pid", str(os.getpid())]) in {0, 1}
    document = json.loads(capsys.readouterr().out)
    assert document["evidence"]["sources"] == ["live"]
    assert document["checks"]["broken"] == []
    assert list(violations(document, SCHEMA, SCHEMA)) == []


def test_preflight_of_a_process_of_ours(capsys: pytest.CaptureFixture[str]) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, start_new_session=True) as child:
        run(["check", "--format", "json", "--for", "dump", "--pid", str(child.pid)])
        document = json.loads(capsys.readouterr().out)
        child.communicate(b"\n")
    judged = {*document["checks"]["passed"], *(finding["code"] for finding in document["findings"])}
    assert {"SCK001", "SCK002", "SCK010", "PRC002", "PRC004"} <= judged
    assert document["checks"]["broken"] == []


def test_a_small_log_is_answered_without_anything_heavy(healthy: str) -> None:
    script = (
        "import sys; from workbench.main import main; status = main(['check', sys.argv[1]]);"
        "print(status, *sorted({name.partition('.')[0] for name in sys.modules}))"
    )
    done = subprocess.run([sys.executable, "-c", script, healthy], capture_output=True, text=True, check=True)
    status, *loaded = done.stdout.splitlines()[-1].split()
    assert status == "0"
    assert not {"textual", "rich", "scapy", "numpy", "pyroute2", "iptc", "pycriu", "google"} & set(loaded)


def test_explain_and_the_catalogue(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explain", "nft001"]) == 0
    by_code = capsys.readouterr().out
    assert by_code.startswith("NFT001 netlock-leftover (since ")
    assert run(["explain", "netlock-leftover"]) == 0
    assert by_code.strip() in capsys.readouterr().out
    assert run(["explain", "NFT"]) == 2
    assert run(["explain", "NFT999"]) == 2
    assert "did you mean NFT" in capsys.readouterr().err
    assert run(["checks", "--format", "json"]) == 0
    catalogue = json.loads(capsys.readouterr().out)
    assert {"code", "name", "title", "since"} <= catalogue["checks"][0].keys()
    assert run(["checks"]) == 0
    assert "NFT001" in capsys.readouterr().out
