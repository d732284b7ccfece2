"""What is written, what is left out when there is no room, and the file itself."""

from dataclasses import replace
from pathlib import Path

import pytest

from workbench.bundle.key import fingerprint, host_key
from workbench.bundle.redaction import Redaction
from workbench.bundle.write import Material, Shot, make, save
from workbench.errors import WorkbenchError
from workbench.evidence import Evidence, Sysctl
from workbench.evidence.recording import RecordedFinding
from workbench.read.bundle import Bundle

KEY = bytes(range(32))
SYSCTLS = tuple(Sysctl(None, f"net.ipv4.tcp_mem{number}", str(number * 7919 % 10007)) for number in range(4000))


def shots(count: int, size: int = 4000) -> list[Shot]:
    """Moments that have nothing in common."""
    return [
        Shot(f"{number}", Evidence(float(number), number, ("live",), sysctls=SYSCTLS[number * 10 : number * 10 + size]))
        for number in range(count)
    ]


def test_sections_that_do_not_change_are_written_once() -> None:
    evidence = Evidence(1.0, 1, ("live",), sysctls=SYSCTLS)
    later = replace(evidence, taken=2.0)
    bundle = make(Material("", (Shot("a", evidence), Shot("b", later))), Redaction(KEY))
    assert sum(member.name.endswith("sysctls.json") for member in bundle.members) == 1
    first, second = bundle.manifest.moments
    assert first.sections == second.sections


def test_moments_from_the_middle_go_first() -> None:
    whole = make(Material("", shots(9)), Redaction(KEY))
    assert whole.manifest.left_out == ()
    smaller = make(Material("", shots(9)), Redaction(KEY), largest=whole.size // 2 + (64 << 10))
    titles = [moment.title for moment in smaller.manifest.moments]
    assert 2 <= len(titles) < 9
    assert (titles[0], titles[-1]) == ("0", "8")
    assert smaller.manifest.left_out[0].what == f"{9 - len(titles)} of 9 moments"


def test_then_the_end_of_what_is_largest() -> None:
    whole = make(Material("", shots(1)), Redaction(KEY))
    largest = (64 << 10) + whole.size // 2
    smaller = make(Material("", shots(1)), Redaction(KEY), largest=largest)
    assert smaller.size <= largest
    (omission,) = smaller.manifest.left_out
    assert "of 4000 sysctls of moment 1" in omission.what


def test_checks_are_asked_about_what_is_left(tmp_path: Path) -> None:
    asked: list[Evidence] = []

    def judge(evidence: Evidence) -> tuple[RecordedFinding, ...]:
        asked.append(evidence)
        return (RecordedFinding(0, "X001", "x", "note", "host x", "It is so."),)

    bundle = make(Material("", shots(2, 5)), Redaction(KEY), judge=judge)
    assert [each.moment for each in bundle.findings] == [0, 1]
    assert all(evidence.redacted for evidence in asked)
    save(bundle, tmp_path / "b.zip")
    opened = Bundle(str(tmp_path / "b.zip"))
    assert opened.findings() == bundle.findings
    assert opened.evidence().sysctls == asked[1].sysctls
    opened.close()


def test_a_file_is_whole_or_not_there(tmp_path: Path) -> None:
    bundle = make(Material("", shots(1, 5)), Redaction(KEY))
    path = tmp_path / "b.zip"
    save(bundle, path)
    with pytest.raises(WorkbenchError):
        save(bundle, path)
    save(bundle, path, replacing=True)
    with pytest.raises(WorkbenchError):
        save(bundle, tmp_path / "none" / "b.zip")
    assert [each.name for each in tmp_path.iterdir()] == ["b.zip"]


def test_the_key_is_made_once_and_is_its_owners_alone(tmp_path: Path) -> None:
    state = tmp_path / "state"
    key = host_key(state)
    assert len(key) == 32
    assert host_key(state) == key
    assert [each.name for each in state.iterdir()] == ["bundle.key"]
    assert (state / "bundle.key").stat().st_mode & 0o777 == 0o600
    assert fingerprint(key) not in key.hex()
    (state / "bundle.key").write_bytes(b"short")
    with pytest.raises(WorkbenchError):
        host_key(state)
    with pytest.raises(WorkbenchError):
        host_key(state / "bundle.key")
