"""Bundles made byte by byte, sound and otherwise."""

import hashlib
import io
import json
from collections.abc import Mapping
from typing import Any

from workbench.bundle.archive import Content, pack, write_archive
from workbench.evidence.recording import FORMAT

RULES = {"value": {"lengths": [0], "items": {}}}


def manifest(members: Mapping[str, bytes], /, **changes: Any) -> bytes:
    """One that fits these members; every member of a moment is a section of the only moment."""
    sections = {name.rpartition("/")[2].removesuffix(".json"): name for name in members if name.startswith("moments/")}
    row = {
        "format": FORMAT,
        "tool": "0.1.0",
        "title": "this host",
        "redacted": True,
        "redaction": [],
        "versions": {},
        "moments": [{"title": "now", "taken": 1.5, "monotonic_ns": 1, "sections": sections}],
        "members": [
            {"name": name, "size": len(content), "sha256": hashlib.sha256(content).hexdigest(), "origin": "evidence"}
            for name, content in members.items()
        ],
        "left_out": [],
    }
    return json.dumps({key: value for key, value in {**row, **changes}.items() if value is not ...}).encode()


def archive(members: Mapping[str, bytes]) -> bytes:
    file = io.BytesIO()
    contents: list[Content] = [pack(name, content) for name, content in members.items()]
    write_archive(file, contents)
    return file.getvalue()


def bundle(members: Mapping[str, bytes] | None = None, /, **changes: Any) -> bytes:
    """With a manifest in front."""
    members = {"moments/0001/rules.json": json.dumps(RULES).encode()} if members is None else members
    return archive({"manifest.json": manifest(members, **changes), **members})


def section(name: str, value: Any) -> bytes:
    """A bundle of one moment with one section."""
    content = value if isinstance(value, bytes) else json.dumps(value).encode()
    return bundle({f"moments/0001/{name}.json": content})
