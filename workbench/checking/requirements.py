"""What the file of a check must have, and what it may import."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from itertools import pairwise
from pathlib import Path
from types import ModuleType

from workbench.checking.check import HEADINGS, Check
from workbench.checking.derived import DERIVED
from workbench.evidence import Evidence

FAMILIES = {
    "ENV": "host and CRIU",
    "PRC": "processes",
    "SCK": "sockets",
    "NFT": "netfilter",
    "CNT": "conntrack",
    "IMG": "images",
    "LOG": "logs",
    "PKT": "packets and events",
    "OPS": "operations",
}
"""What the letters of a code stand for; a user's own checks begin with X."""

SECTIONS = (frozenset(item.name for item in fields(Evidence)) | DERIVED.keys()) - {"taken", "monotonic_ns", "partial"}
"""What a check may ask for by the name of a parameter."""

ALLOWED_IMPORTS = frozenset({
    "__future__", "bisect", "collections", "dataclasses", "datetime", "difflib", "enum", "functools", "heapq",
    "ipaddress", "itertools", "math", "operator", "re", "statistics", "string", "struct", "textwrap", "typing",
})  # fmt: skip
"""What of the standard library a check may use: nothing that reads, writes, waits or starts anything."""

_NAME = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
_VERSION = re.compile(r"\d+\.\d+(?:\.\d+)?")


def faults(check: Check, module: ModuleType) -> list[str]:
    """What a loaded file lacks; a sentence each."""
    found = []
    if getattr(module, "CODE", None) != check.code:
        found.append(f"CODE is not {check.code}, as the file is called")
    if getattr(module, "NAME", None) != check.name or not _NAME.fullmatch(check.name):
        found.append(f"NAME is not {check.name}, as the file is called")
    if check.code[:3] not in FAMILIES and not check.code.startswith("X"):
        found.append(f"{check.code[:3]} is no family of codes")
    if not _VERSION.fullmatch(check.since):
        found.append("SINCE is not a version")
    if not check.title.endswith("."):
        found.append("the docstring does not begin with a sentence on one line")
    headings = [heading for heading, text in sections_of(check.page) if text]
    found.extend(f"the page has no text under {heading!r}" for heading in HEADINGS if heading not in headings)
    if sorted(headings) == sorted(HEADINGS) and headings != list(HEADINGS):
        found.append("the headings of the page are out of order")
    unknown = sorted({*check.needs, *check.accepts} - SECTIONS)
    found.extend(f"{name!r} is no section of evidence" for name in unknown)
    return found


def sections_of(page: str) -> Iterator[tuple[str, str]]:
    """Each heading of a page, underlined with dashes, with the text under it."""
    lines = page.splitlines()
    starts = [number for number, line in enumerate(lines[:-1]) if line and lines[number + 1] == "-" * len(line)] + [
        len(lines)
    ]
    for start, end in pairwise(starts):
        yield lines[start], "\n".join(lines[start + 2 : end]).strip()


def forbidden_imports(path: Path) -> list[str]:
    """Modules that the file imports and a check may not; SyntaxError for a file that is no Python."""
    wrong: list[str] = []
    for node in ast.walk(ast.parse(path.read_bytes(), str(path))):
        modules: list[str] = []
        if isinstance(node, ast.Import):
            modules = [item.name for item in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules = ["." * node.level + (node.module or "")]
        wrong.extend(name for name in modules if not _allowed(name))
    return wrong


def _allowed(module: str) -> bool:
    top, *within = module.split(".")
    return top in ALLOWED_IMPORTS or (top == "workbench" and within[:1] in (["evidence"], ["checking"]))
