"""``workbench compare`` from its arguments to its exit status."""

import json
from pathlib import Path

import pytest

from workbench.cli.main import run

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings"
PAIRS = RECORDINGS / "pairs"
PODMAN = RECORDINGS / "podman"


def compared(*arguments: object) -> int:
    return run(["compare", *map(str, arguments)])


def test_what_changed_is_said_with_its_arithmetic(capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(PAIRS / "dumped-twice" / "images", PAIRS / "dumped-twice" / "images-later") == 0
    said = capsys.readouterr().out
    assert "104,128 bytes more acknowledged by the peer" in said
    assert "everything fits together" in said
    assert "LISTEN" not in said


def test_what_does_not_fit_makes_the_status_1(capsys: pytest.CaptureFixture[str]) -> None:
    both = PAIRS / "ends-out-of-step"
    assert compared(both / "images", both / "images-caller") == 1
    assert "  ! rcv_nxt" in capsys.readouterr().out


def test_nothing_in_common_is_incomplete() -> None:
    assert compared(PAIRS / "both-ends" / "images", PODMAN / "peer-before.ss") == 3


def test_several_files_of_one_side_and_json(capsys: pytest.CaptureFixture[str]) -> None:
    rules = RECORDINGS / "established" / "nft-list-ruleset.txt"
    first, second = PODMAN / "peer-before.ss", f"{PODMAN / 'peer-dumped.ss'},{rules}"
    assert compared(first, second, "--format", "json") == 0
    document = json.loads(capsys.readouterr().out)
    assert [pair["relation"] for pair in document["pairs"]] == ["same end"] * 2
    changes = {change["what"]: change["after"] for pair in document["pairs"] for change in pair["changes"]}
    assert changes == {"timer": "rto", "retransmissions": "2", "send queue": "8"}
    assert document["rules_compared"] is False
    assert document["second"]["sources"] == second.split(",")


def test_all_shows_what_did_not_change(capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(PODMAN / "peer-before.ss", PODMAN / "peer-before.ss", "--all") == 0
    assert capsys.readouterr().out.count("ESTABLISHED") == 2


@pytest.mark.parametrize("bad", ["nowhere", str(PODMAN / "between.pcap") + ",nowhere"])
def test_a_side_that_cannot_be_read_is_one_line(bad: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert compared(PODMAN / "peer-before.ss", bad) == 2
    streams = capsys.readouterr()
    assert streams.out == ""
    assert len(streams.err.splitlines()) == 1


def test_moments_of_a_bundle(capsys: pytest.CaptureFixture[str]) -> None:
    bundle = RECORDINGS / "bundles" / "format-1.zip"
    assert compared(f"{bundle}@1", f"{bundle}@2") in {0, 1}
    assert "in both" in capsys.readouterr().out
    assert compared(f"{bundle}@1", f"{bundle}@999") == 2
    assert "its moments are: 1 " in capsys.readouterr().err
