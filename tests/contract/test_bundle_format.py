"""A bundle of every format that ever was is among the fixtures, and opens with all that it had."""

from pathlib import Path

import pytest

from workbench.bundle.judged import LibraryJudge
from workbench.evidence import Gap
from workbench.evidence.recording import FORMAT, SECTIONS
from workbench.read import bundle as reading
from workbench.read import bundle_migrations
from workbench.read.bundle import Bundle

BUNDLES = Path(__file__).parents[2] / "fixtures" / "recordings" / "bundles"
RECORDED = [BUNDLES / f"format-{number}.zip" for number in range(1, FORMAT + 1)]


def test_one_of_each_format_is_there() -> None:
    """Record today's with `python -m workbench.lab.record bundle`; keep the others."""
    assert [path.name for path in RECORDED if not path.exists()] == []
    assert set(bundle_migrations.STEPS) == set(range(1, FORMAT))


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_it_opens_with_all_that_it_had(path: Path) -> None:
    """A field or section that is not known any more was renamed or removed: that is a new format, with a migration."""
    bundle = Bundle(str(path))
    bundle.verify()
    titles = [moment.title for moment in bundle.moments]
    assert {"dump: before", "dump: images complete", "restore: restored", "restore: after"} <= set(titles)
    for number, moment in enumerate(bundle.moments):
        assert moment.sections.keys() <= set(SECTIONS)
        bundle.go(number)
        evidence = bundle.evidence()
        assert evidence.redacted
        assert [gap for gap in evidence.gaps if gap.section == "bundle"] == []
        assert not isinstance(evidence.sockets, Gap)
        assert evidence.sockets
    bundle.close()


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.stem)
def test_what_was_found_then_is_found_now(path: Path) -> None:
    bundle = Bundle(str(path))
    judge = LibraryJudge()
    found = bundle.findings()
    assert found
    for number in range(len(bundle.moments)):
        bundle.go(number)
        then = {(each.code, each.severity) for each in found if each.moment == number}
        assert then <= {(each.code, each.severity) for each in judge(bundle.evidence())}
    bundle.close()


def test_an_older_format_is_migrated_step_by_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if today's format were the third."""
    seen = []

    def step(number: int) -> bundle_migrations.Step:
        def migrate(member: str, found: object) -> object:
            seen.append((number, member))
            return found

        return migrate

    for module in (reading, bundle_migrations):
        monkeypatch.setattr(module, "FORMAT", FORMAT + 2)
    steps = {**bundle_migrations.STEPS, FORMAT: step(FORMAT), FORMAT + 1: step(FORMAT + 1)}
    monkeypatch.setattr(bundle_migrations, "STEPS", steps)
    bundle = Bundle(str(RECORDED[-1]))
    assert bundle.evidence().redacted
    bundle.close()
    assert seen[:2] == [(FORMAT, "manifest.json"), (FORMAT + 1, "manifest.json")]
    assert (FORMAT + 1, "sockets") in seen
