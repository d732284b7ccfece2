"""The same is found in a bundle as in what it was made of: by checks, in recordings, and in all that CRIU prints."""

import io
from pathlib import Path

import pytest

from tests.contract.log_messages import AROUND, CONSOLE, LOCK, SOCKETS, TCP
from workbench.bundle.archive import write_archive
from workbench.bundle.judged import LibraryJudge
from workbench.bundle.redaction import Redaction
from workbench.bundle.write import Material, Shot, make
from workbench.cli.sources import read_sources
from workbench.evidence import Evidence
from workbench.evidence.recording import RecordedFinding
from workbench.read.bundle import Bundle
from workbench.read.log_digest import read_digest

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings"
REDACTION = Redaction(bytes(range(32)))
JUDGE = LibraryJudge()
MESSAGES = (*TCP, *LOCK, *SOCKETS, *AROUND, *CONSOLE)
NETFILTER = sorted(path.stem for path in (RECORDINGS / "netfilter").glob("*.nft"))


def verdicts(findings: tuple[RecordedFinding, ...]) -> list[tuple[str, str, str | None]]:
    """What was found, whatever it is called; the order among equals depends on names."""
    return sorted((each.code, each.severity, each.explained_by or "") for each in findings)


def through_bundle(evidence: Evidence, path: Path) -> Evidence:
    made = make(Material("", (Shot("", evidence),)), REDACTION, judge=JUDGE)
    file = io.BytesIO()
    write_archive(file, made.members)
    path.write_bytes(file.getvalue())
    bundle = Bundle(str(path))
    try:
        assert verdicts(bundle.findings()) == verdicts(made.findings)
        return bundle.evidence()
    finally:
        bundle.close()


def same_verdicts(evidence: Evidence, path: Path) -> int:
    """Assert it; gives how many findings there were."""
    before = verdicts(JUDGE(evidence))
    assert verdicts(JUDGE(through_bundle(evidence, path / "bundle.zip"))) == before
    return len(before)


def test_every_message_of_criu_means_the_same(tmp_path: Path) -> None:
    found = 0
    for _, text in MESSAGES:
        kind, _, rest = text.partition(": ")
        kind, rest = (kind, rest) if kind in {"dump", "restore"} else ("output", text)
        log = tmp_path / f"{kind}.log"
        log.write_text(rest + "\n")
        before = Evidence(0.0, 0, (str(log),), logs=(read_digest(log),))
        prepared = make(Material("", (Shot("", before),)), REDACTION, judge=JUDGE)
        assert verdicts(prepared.findings) == verdicts(JUDGE(before)), text
        found += len(prepared.findings)
    assert found > len(MESSAGES) / 2


@pytest.mark.parametrize("recording", sorted(path.parent.name for path in RECORDINGS.glob("*/scenario.txt")))
def test_every_recording_is_judged_alike(recording: str, tmp_path: Path) -> None:
    place = RECORDINGS / recording
    names = ["images", "nft-list-ruleset.txt", "iptables-nft-save.txt", "ip6tables-nft-save.txt"]
    paths = [place / name for name in names]
    gathered = read_sources(str(path) for path in paths if path.is_dir() or path.stat().st_size)
    assert gathered.unreadable == ()
    same_verdicts(gathered.evidence, tmp_path)


def test_images_of_every_state_are_judged_alike(tmp_path: Path) -> None:
    found = 0
    for place in sorted((RECORDINGS / "images").iterdir()):
        found += same_verdicts(read_sources([str(place)]).evidence, tmp_path)
    assert found


def test_both_ends_are_compared_alike(tmp_path: Path) -> None:
    found = 0
    for place in sorted((RECORDINGS / "pairs").iterdir()):
        found += same_verdicts(read_sources(map(str, sorted(place.iterdir()))).evidence, tmp_path)
    assert found


def test_locks_are_judged_alike(tmp_path: Path) -> None:
    found = 0
    for name in NETFILTER:
        paths = sorted((RECORDINGS / "netfilter").glob(f"{name}.*"))
        for path in paths:
            found += same_verdicts(read_sources([str(path)]).evidence, tmp_path)
    assert found > len(NETFILTER)
