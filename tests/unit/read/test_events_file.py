"""Recorded timelines: what was written is read back, and nothing else is."""

import io
import json
from contextlib import redirect_stdout
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cli.event_output import EventOutput
from workbench.cli.main import run
from workbench.errors import WorkbenchError
from workbench.evidence import Backend, Connection, Endpoint, Evidence, Rule, TcpState
from workbench.evidence.attribution import Attribution, Cause
from workbench.evidence.event import Event, EventKind, Maker, Segment
from workbench.evidence.reset_trail import Effect
from workbench.read.events_file import read_events

A, B = Endpoint("10.0.0.1", 7022), Endpoint("fd00::2", 40000)
ENDS = Connection(A, B)
EVENTS = (
    Event(1_000_000_000, EventKind.STATE, 77, ENDS, 5, 9, "server", 9, "server", before=TcpState.CLOSE,
          state=TcpState.LISTEN),
    Event(1_000_001_000, EventKind.RESET_SENT, 77, ENDS, reason="NO_SOCKET", has_socket=False, details={"unread": 3}),
    Event(1_000_002_000, EventKind.RESET_PACKET, 78, ENDS.reversed, maker=Maker.FORWARDED, incoming=True,
          segment=Segment(1, 2, 4, 0, 64, 0, 7), usual_ttl=63),
    Event(1_000_003_000, EventKind.RULES, 77, pid=4, command="nft", details={"deleted rule in ip filter": 2}),
    Event(1_000_004_000, EventKind.LOSS, lost=12, reason="full"),
)  # fmt: skip
RULE = Rule(77, Backend.NFTABLES, "inet", "t", "c", "drop", 0, 4)
FOUND = (
    Attribution(1_000_001_000, Cause.NO_SOCKET, ENDS, 77, Effect.TAKEN, "NO_SOCKET", "nobody", 1_000_002_500,
                RULE, ends=frozenset({9, 4})),
)  # fmt: skip
WALL_NS = 1_700_000_000_000_000_000


def written(form: str) -> str:
    output = io.StringIO()
    with redirect_stdout(output):
        writer = EventOutput(form, WALL_NS)
        writer.begin()
        writer.write(EVENTS, FOUND, {77: "app"})
        writer.end(Evidence(0, 0, ("live",)), (), 12)
    return output.getvalue()


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_what_was_written_is_read_back(form: str, tmp_path: Path) -> None:
    file = tmp_path / "events"
    file.write_text(written(form))
    recorded = read_events(file)
    assert recorded.events == EVENTS
    assert recorded.attributions == FOUND
    assert recorded.wall_ns == WALL_NS
    assert recorded.names == {77: "app"}


def test_a_recording_is_shown_like_a_live_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(written("jsonl"))
    assert run(["events", str(file)]) == 0
    assert capsys.readouterr().out == written("text")
    assert run(["events", str(file), "--format", "jsonl"]) == 0
    assert capsys.readouterr().out == written("jsonl")
    assert run(["events", str(file), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["lost"] == 12


@pytest.mark.parametrize(
    ("words", "kinds"),
    [
        (("--netns", "app"), {"state", "reset-sent", "rules", "loss", "attribution"}),
        (("--netns", "78"), {"reset-packet", "loss"}),
        (("--pid", "4"), {"rules", "loss"}),
        (("--pid", "9"), {"state", "reset-sent", "reset-packet", "rules", "loss", "attribution"}),
        (("--connection", "10.0.0.1:1-10.0.0.2:2"), {"loss"}),
    ],
)
def test_it_is_narrowed_like_a_live_one(
    words: tuple[str, ...], kinds: set[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(written("jsonl"))
    assert run(["events", str(file), "--format", "jsonl", *words]) == 0
    assert {json.loads(line)["kind"] for line in capsys.readouterr().out.splitlines()} == kinds


@pytest.mark.parametrize("words", [("--seconds", "3"), ("--container", "x"), ("--criu-log", "y"), ("--netns", "other")])
def test_what_a_recording_does_not_have_is_refused(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "events.jsonl"
    file.write_text(written("jsonl"))
    assert run(["events", str(file), *words]) == 2
    assert words[0].lstrip("-") in capsys.readouterr().err or words[1] == "other"


def test_nothing_recorded_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "empty").write_bytes(b"")
    assert read_events(tmp_path / "empty").events == ()


@pytest.mark.parametrize("text", ["text", "{}", "[]", '{"kind": "state"}', '{\n "schema": 1}', "1\n2"])
def test_something_else_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "other").write_text(text)
    with pytest.raises(WorkbenchError, match="no recorded events"):
        read_events(tmp_path / "other")
    with pytest.raises(WorkbenchError, match="cannot be read"):
        read_events(tmp_path / "none")


@given(data=st.binary(max_size=200), cut=st.integers(0, 2000))
def test_damaged_files_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes, cut: int) -> None:
    file = tmp_path_factory.mktemp("damaged") / "events"
    file.write_bytes(written("jsonl").encode()[:cut] + data)
    try:
        read_events(file)
    except WorkbenchError as error:
        assert "no recorded events" in str(error)  # noqa: PT017 - either is fine


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("netns", [1]), ("pid", "4"), ("command", {"a": 1}), ("details", {"a": [1]}), ("incoming", "yes"),
        ("cookie", True), ("reason", 3), ("netns_name", ["x"]), ("segment", {"seq": "x"}),
        ("at_ns", None), ("details", []),
    ],
)  # fmt: skip
def test_a_field_of_another_type_is_refused(tmp_path: Path, field: str, value: object) -> None:
    row = json.loads(written("jsonl").splitlines()[0]) | {field: value}
    path = tmp_path / "events"
    path.write_text(json.dumps(row))
    with pytest.raises(WorkbenchError, match="holds no recorded events"):
        read_events(path)
