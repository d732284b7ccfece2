"""Recorded events as evidence for the application."""

import json
from pathlib import Path

import pytest

from tests.sample import APP, CLI
from tests.sample_events import BEGAN_NS, reset
from workbench.cli.event_rows import event_row
from workbench.errors import WorkbenchError
from workbench.evidence import Gap
from workbench.read.events_source import EventsSource

WALL_NS = 1_700_000_000_000_000_000


def test_a_file_of_events_is_evidence_of_nothing_else(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    names = {APP: "app", CLI: "host"}
    file.write_text("".join(json.dumps(event_row(event, WALL_NS, names)) + "\n" for event in reset()))
    source = EventsSource(file)
    evidence = source.evidence()
    assert (source.label, source.is_live) == (str(file), False)
    assert evidence.events == reset()
    assert (evidence.monotonic_ns, round(evidence.taken * 1e9, -6)) == (BEGAN_NS, BEGAN_NS + WALL_NS)
    assert not isinstance(evidence.namespaces, Gap)
    assert {(each.inode, each.names, each.is_host) for each in evidence.namespaces} == {
        (APP, ("app",), False), (CLI, ("host",), True),
    }  # fmt: skip
    assert isinstance(evidence.sockets, Gap)
    source.close()


def test_another_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "other.jsonl"
    file.write_text("{}\n")
    with pytest.raises(WorkbenchError):
        EventsSource(file)
