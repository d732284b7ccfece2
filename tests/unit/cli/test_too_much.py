"""Recordings that are larger than what is looked at: what is cut off is told, and nothing waits or fills the memory."""

import json
import os
import struct
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.peak import taken
from workbench.cli import sources
from workbench.cli.opened import opened
from workbench.cli.sources import read_sources
from workbench.errors import WorkbenchError
from workbench.evidence import Gap
from workbench.read import events_file, netfilter_dump, text_lines

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings"
SS = "ESTAB 0 0 10.0.0.1:{0} 10.0.0.2:80\n"
CONNTRACK = "tcp 6 100 ESTABLISHED src=10.0.0.1 dst=10.0.0.2 sport={0} dport=80 src=10.0.0.2 dst=10.0.0.1\n"
RULES = "*filter\n" + "-A INPUT -s 10.0.0.{0}/32 -p tcp -j DROP\n" * 20
FILLER = "(00.000001) something\n"


@pytest.mark.parametrize(
    ("section", "text"),
    [("sockets", SS), ("conntrack", CONNTRACK), ("sockets", FILLER + SS), ("conntrack", FILLER + CONNTRACK)],
)
def test_a_long_listing_is_read_as_far_as_told(
    section: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(text_lines, "LINES", 10)
    path = tmp_path / "listing"
    path.write_text("".join(text.format(1000 + number) for number in range(20)))
    evidence = read_sources([str(path)]).evidence
    assert 0 < len(getattr(evidence, section)) <= 10
    assert [(gap.section, gap.reason) for gap in evidence.partial] == [
        (section, f"only the first 10 lines of {path} were looked at")
    ]


def test_a_long_line_counts_as_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_lines, "SIZE", 1000)
    path = tmp_path / "listing"
    path.write_text(SS.format(1) + "\t" + "x" * 1000 + "\n" + SS.format(2))
    evidence = read_sources([str(path)]).evidence
    assert [gap.section for gap in evidence.partial] == ["sockets"]


@pytest.mark.parametrize(
    ("place", "name", "limit"), [(netfilter_dump, "MOST_LINES", 10), (sources, "RULES_LIMIT", 200)]
)
def test_many_rules_are_read_as_far_as_told(
    place: object, name: str, limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(place, name, limit)
    path = tmp_path / "rules"
    path.write_text(RULES.format(7))
    evidence = read_sources([str(path)]).evidence
    assert not isinstance(evidence.rules, Gap)
    assert 0 < len(evidence.rules) < 20
    assert [gap.section for gap in evidence.partial] == ["rules"]


def test_a_large_recording_of_events_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(events_file, "LARGEST_FILE", 10)
    path = tmp_path / "events.jsonl"
    path.write_text('{"kind": "state", "at_ns": 1}\n' * 3)
    with pytest.raises(WorkbenchError, match="is larger than"):
        opened([str(path)])


def test_nobody_waits_for_a_fifo_among_images(tmp_path: Path) -> None:
    (tmp_path / "inventory.json").write_text(json.dumps({"magic": "INVENTORY", "entries": []}))
    os.mkfifo(tmp_path / "tcp-stream-1.json")
    found = taken("check", str(tmp_path))
    assert found.status in {1, 2}


def many_sockets() -> bytes:
    return b"".join(b"ESTAB 0 0 10.%d.%d.1:80 10.0.0.2:80\n" % (n >> 8 & 255, n & 255) for n in range(150_000))


def many_rules() -> bytes:
    return b"*filter\n" + b"-A INPUT -s 10.0.0.1/32 -p tcp -j DROP\n" * 150_000


def blocks_of_nothing() -> bytes:
    head = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)
    interface = struct.pack("<IIHHII", 1, 20, 101, 0, 0, 20)
    return head + interface + struct.pack("<III", 0xBAD, 12, 12) * 1_100_000


@pytest.mark.parametrize("content", [many_sockets, many_rules, blocks_of_nothing])
def test_memory_and_time_are_bounded(content: Callable[[], bytes], tmp_path: Path) -> None:
    path = tmp_path / "much"
    path.write_bytes(content())
    found = taken("check", str(path))
    assert found.status in {0, 1}
    assert found.errors.count("\n") == 1
    assert "looked at" in found.errors
    assert found.mebibytes < 256
    assert found.processor_s < 20
