import json
from dataclasses import replace

import pytest

from workbench.cli.document import evidence_header, table, write_section
from workbench.cli.processes import process_row
from workbench.evidence import (
    Container,
    Evidence,
    Gap,
    Namespaces,
    Process,
)

EVIDENCE = Evidence(0.25, 0, ("live",), partial=(Gap("sockets", "one\x1b is missing", "run as root", 8),))


def test_a_process_row() -> None:
    process = Process(
        42,
        7,
        100,
        "evil\n",
        ("a\x1b", "b"),
        0,
        "root",
        "S",
        1,
        42,
        42,
        0,
        Namespaces(net=77),
        Container("docker", "0a"),
    )
    row = process_row(process, {77: "app"})
    assert row["command"] == "evil\\n"
    assert row["argv"] == ["a\\x1b", "b"]
    assert (row["netns"], row["netns_name"]) == (77, "app")
    assert row["container"] == {"engine": "docker", "id": "0a"}
    assert process_row(replace(process, namespaces=Namespaces(), container=None), {})["container"] is None


def test_json_says_what_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert write_section(EVIDENCE, "sockets", [{"a": 1}], (), "json") == 0
    printed = capsys.readouterr()
    document = json.loads(printed.out)
    assert (document["schema"], document["sockets"]) == (1, [{"a": 1}])
    assert document["evidence"]["taken"] == "1970-01-01T00:00:00.250+00:00"
    assert document["evidence"]["gaps"] == [
        {"section": "sockets", "reason": "one\\x1b is missing", "remedy": "run as root", "netns": 8}
    ]
    assert printed.err == "workbench: sockets: one\\x1b is missing; run as root\n"


def test_json_lines_are_rows(capsys: pytest.CaptureFixture[str]) -> None:
    write_section(EVIDENCE, "sockets", [{"a": 1}, {"a": 2}], (), "jsonl")
    assert capsys.readouterr().out == '{"a": 1}\n{"a": 2}\n'


def test_a_section_that_cannot_be_read_fails(capsys: pytest.CaptureFixture[str]) -> None:
    gap = Gap("sockets", "no proc")
    assert write_section(Evidence(0, 0, ("live",), sockets=gap), "sockets", gap, (), "json") == 2
    printed = capsys.readouterr()
    assert json.loads(printed.out)["sockets"] == []
    assert "no proc" in printed.err


def test_the_host_is_named_only_if_it_was_asked_for() -> None:
    assert evidence_header(EVIDENCE)["host"] is None


def test_numbers_stand_to_the_right() -> None:
    assert table(("PID", "NAME"), [("7", "x"), ("4645", "server")]) == [" PID  NAME", "   7  x", "4645  server"]
    assert table(("PID", "NAME"), []) == ["PID  NAME"]
