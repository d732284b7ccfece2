"""The pages of all checks as Markdown: ``python -m workbench.checking.pages DIRECTORY`` writes docs/checks."""

import sys
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from workbench.checking.check import Broken, Check
from workbench.checking.loading import entries, load
from workbench.checking.requirements import FAMILIES, sections_of
from workbench.errors import WorkbenchError

INDEX = "README.md"


def page(check: Check) -> str:
    """One check."""
    looked_at = ", ".join(f"`{name}`" for name in (*check.needs, *check.accepts))
    parts = [
        f"# {check.code} {check.name}",
        check.title,
        f"*{FAMILIES[check.code[:3]].capitalize()}; since {check.since}; judges {looked_at}.*",
        *(f"## {heading}\n\n{text}" for heading, text in sections_of(check.page)),
    ]
    return "\n\n".join(parts).replace("``", "`") + "\n"


def index(checks: Iterable[Check]) -> str:
    """All checks, family by family."""
    parts = ["# Checks", "`workbench explain CODE` shows the same pages. Made from the checks themselves: `make docs`."]
    for family, members in groupby(checks, lambda check: check.code[:3]):
        rows = [f"| [{item.code}]({item.code}.md) | {item.name} | {item.title} |" for item in members]
        parts.append("\n".join([f"## {family}: {FAMILIES[family]}", "", "| code | name | |", "|---|---|---|", *rows]))
    return "\n\n".join(parts).replace("``", "`") + "\n"


def pages(checks: Iterable[Check | Broken]) -> Mapping[str, str]:
    """Every page by the name of its file, the index among them; WorkbenchError for a check that is broken."""
    sound: list[Check] = []
    for item in checks:
        if isinstance(item, Broken):
            raise WorkbenchError(f"{item.check.path} is no valid check", item.error)
        sound.append(item)
    return {INDEX: index(sound)} | {f"{check.code}.md": page(check) for check in sound}


def write(directory: Path) -> None:
    """Write all pages of the library, and remove those of checks that are no more."""
    made = pages(load(entry) for entry in entries() if not entry.own)
    directory.mkdir(parents=True, exist_ok=True)
    for old in directory.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (directory / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/checks"))
