"""Checks on what real CRIU and real netfilter tools left: recordings of locks, images and logs."""

from pathlib import Path

import pytest

from workbench.checking import Severity
from workbench.checking.check import Check
from workbench.checking.loading import entries, load
from workbench.checking.running import Report, judge
from workbench.cli.sources import read_sources

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings"
CHECKS = tuple(check for entry in entries() if not entry.own and isinstance(check := load(entry), Check))
LOCKS = {
    "among-others": {"NFT001"}, "both-ends": {"NFT001"}, "chain": {"NFT001"}, "chain-without-jumps": {"NFT003"},
    "halves": {"NFT003"}, "mapped-fault": {"NFT003"}, "pairs": {"NFT001"}, "table": {"NFT001"},
    "table-among-others": {"NFT001", "NFT006"}, "table-by-pid": {"NFT001"}, "table-closed": {"NFT001"},
    "table-empty": {"NFT001"}, "twice": {"NFT001", "NFT004"},
}  # fmt: skip
"""What each recording of rules shows."""
SITUATIONS = sorted(path.parent for path in RECORDINGS.glob("*/images") if path.parent.name != "images")
DUMPS = sorted((RECORDINGS / "images").iterdir())


def _judged(*paths: Path) -> Report:
    gathered = read_sources([str(path) for path in paths])
    assert gathered.unreadable == ()
    report = judge(CHECKS, gathered.evidence)
    assert report.broken == ()
    return report


@pytest.mark.parametrize("path", sorted((RECORDINGS / "netfilter").iterdir()), ids=lambda path: path.name)
def test_recorded_rules(path: Path) -> None:
    expected = LOCKS[path.name.partition(".")[0]]
    assert {finding.code for finding in _judged(path).findings} == expected


@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda path: path.name)
def test_a_dump_with_its_lock_waits_to_be_restored_and_nothing_is_wrong(situation: Path) -> None:
    rules = [path for path in situation.glob("*.txt") if path.name != "scenario.txt" and path.stat().st_size]
    findings = _judged(situation / "images", *rules).findings
    assert {finding.severity for finding in findings} <= {Severity.NOTE}
    assert {finding.code for finding in findings} <= {"OPS002"}


@pytest.mark.parametrize("dump", DUMPS, ids=lambda path: path.name)
def test_nothing_is_wrong_with_sound_images(dump: Path) -> None:
    findings = _judged(dump).findings
    assert [finding.code for finding in findings] == (["IMG010"] if dump.name == "tcp-close" else [])


@pytest.mark.parametrize("name", ["inventory.img", "files.img"])
def test_a_missing_file(tmp_path: Path, name: str) -> None:
    for file in DUMPS[0].iterdir():
        if file.name != name:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    findings = _judged(tmp_path).findings
    assert findings[0].code == ("IMG001" if name == "inventory.img" else "IMG002")
    assert findings[0].severity is Severity.ERROR


def test_a_truncated_stream(tmp_path: Path) -> None:
    for file in (RECORDINGS / "images" / "unread").iterdir():
        cut = 1 if file.name.startswith("tcp-stream-") else 0
        content = file.read_bytes()
        (tmp_path / file.name).write_bytes(content[: len(content) - cut])
    (finding,) = _judged(tmp_path).findings
    assert (finding.code, finding.severity) == ("IMG002", Severity.ERROR)
    assert "tcp-stream-" in finding.problem.message
