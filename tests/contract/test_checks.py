"""What holds for every check of the library."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.checks.made import HOST, IMAGE, NETWORK, RESTORE, TARGET, host
from workbench.checking.check import Check
from workbench.checking.loading import Entry, declared, entries, library_directory, load
from workbench.checking.pages import pages
from workbench.checking.requirements import FAMILIES, forbidden_imports, sections_of
from workbench.checking.running import judge
from workbench.evidence import Address, Evidence, Gap

ROOT = Path(__file__).parents[2]
SECTIONS = (
    "host", "sysctls", "namespaces", "processes", "descriptors", "sockets", "sequences", "rules", "locks", "network",
    "conntrack", "images", "unfinished",
)  # fmt: skip
LIBRARY = tuple(entry for entry in entries() if not entry.own)


def _id(entry: Entry) -> str:
    return entry.code


def _loaded() -> tuple[Check, ...]:
    return tuple(check for entry in LIBRARY if isinstance(check := load(entry), Check))


@pytest.mark.parametrize("entry", LIBRARY, ids=_id)
def test_it_loads_with_all_that_a_check_must_have(entry: Entry) -> None:
    check = load(entry)
    assert isinstance(check, Check), check.error


@pytest.mark.parametrize("entry", LIBRARY, ids=_id)
def test_its_text_declares_what_it_is(entry: Entry) -> None:
    check, known = load(entry), declared(entry)
    assert isinstance(check, Check)
    assert isinstance(known, Check)
    assert replace(known, judge=check.judge) == check


@pytest.mark.parametrize("entry", LIBRARY, ids=_id)
def test_it_imports_only_evidence_and_checking(entry: Entry) -> None:
    assert forbidden_imports(entry.path) == []


@pytest.mark.parametrize("entry", LIBRARY, ids=_id)
def test_its_page_says_enough(entry: Entry) -> None:
    check = load(entry)
    assert isinstance(check, Check)
    assert len(check.title) <= 120
    for heading, text in sections_of(check.page):
        assert len(text) >= (10 if heading == "References" else 20), heading


@pytest.mark.parametrize("entry", LIBRARY, ids=_id)
def test_it_is_seen_to_fire_in_some_test(entry: Entry) -> None:
    tests = [path for path in ROOT.glob("tests/**/*.py") if path != Path(__file__)]
    assert any(entry.code in path.read_text() or entry.name in path.read_text() for path in tests)


def test_nothing_else_lies_in_the_directory() -> None:
    files = {path.name for path in library_directory().iterdir()} - {"__pycache__"}
    assert files == {entry.path.name for entry in LIBRARY}


def test_codes_are_unique_and_names_within_a_family() -> None:
    codes = Counter(entry.code for entry in LIBRARY)
    names = Counter((entry.code[:3], entry.name) for entry in LIBRARY)
    assert [code for code, number in codes.items() if number > 1] == []
    assert [name for name, number in names.items() if number > 1] == []
    assert {entry.code[:3] for entry in LIBRARY} <= FAMILIES.keys()


def test_causes_that_are_followed_exist() -> None:
    """``follows`` names checks by text: a typo would silently explain nothing."""
    names = {entry.name for entry in LIBRARY}
    followed = {
        word
        for entry in LIBRARY
        for part in entry.path.read_text().split("follows=(")[1:]
        for word in part.partition(")")[0].replace('"', "").replace(",", " ").split()
        if word.replace("-", "").isalnum() and "-" in word
    }
    assert followed <= names


def _healthy() -> list[Evidence]:
    network = replace(NETWORK, addresses=(Address(host().namespaces[0].inode, "eth0", "10.0.0.2", 24, "global"),))  # type: ignore[index]
    quiet = host()
    skipped = replace(IMAGE, lock_method="skip")
    return [
        quiet,
        replace(quiet, sockets=(), processes={}, sequences={}),
        replace(quiet, target=TARGET),
        replace(quiet, sockets=(), processes={}, network=network, images=(skipped,), target=RESTORE),
        replace(quiet, images=(IMAGE,)),
    ]


@pytest.mark.parametrize(
    "evidence", _healthy(), ids=["host", "empty host", "before a dump", "before a restore", "images"]
)
def test_all_are_quiet_where_nothing_is_wrong(evidence: Evidence) -> None:
    report = judge(_loaded(), evidence)
    assert report.broken == ()
    assert [finding.code for finding in report.findings] == []


def test_none_breaks_where_everything_is_missing() -> None:
    gaps = {name: Gap(name, "not permitted", "run as root") for name in (*SECTIONS, "log", "logs", "target")}
    report = judge(_loaded(), Evidence(0.0, 0, ("live",), **gaps))  # type: ignore[arg-type]
    assert report.broken == ()
    assert len(report.skipped) == len(LIBRARY)


@pytest.mark.parametrize("missing", SECTIONS)
def test_none_breaks_or_fires_where_one_section_is_missing(missing: str) -> None:
    for evidence in _healthy():
        report = judge(_loaded(), replace(evidence, **{missing: Gap(missing, "not permitted")}))  # type: ignore[arg-type]
        assert report.broken == ()
        assert [finding.code for finding in report.findings] == []


def test_the_pages_in_the_documentation_are_up_to_date() -> None:
    written = {path.name: path.read_text() for path in ROOT.glob("docs/checks/*.md")}
    assert written == pages(load(entry) for entry in LIBRARY), "run: make docs"


def test_the_host_of_these_tests_is_healthy() -> None:
    assert HOST.criu is not None
    assert HOST.criu.works
