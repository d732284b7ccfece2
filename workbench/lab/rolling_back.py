"""Generations of the server, taken and rolled back to by the commands that a person would type."""

import json
import os
import shutil
import subprocess
import sys
from typing import Any

from workbench.errors import WorkbenchError
from workbench.lab import marker
from workbench.lab.lab import Lab

TIMEOUT_S = 120.0


def save_generation(lab: Lab) -> dict[str, object]:
    """The server stands still until its images are in memory, and runs on while they are written out."""
    document = _done(lab, "save", str(lab.server_pid), "--yes")
    stats = document["dump_stats"] or {}
    written = {step["name"]: step["ms"] for step in document["steps"]}.get("on disk")
    return {"stood_still_ms": stats.get("frozen_us", 0) / 1000, "on_disk_ms": written}


def roll_back(lab: Lab, *, to: int) -> dict[str, object]:
    """The server becomes what it was at that generation; its peers are reset."""
    document = _done(lab, "to", str(lab.server_pid), str(to), "--yes")
    verdicts = [proof["verdict"] for proof in document["proof"]]
    found: dict[str, object] = {
        "took_ms": document["elapsed_ms"],
        "came_back": verdicts.count("continued"),
        "reset": verdicts.count("reset"),
        "clients_saw": [one.ended for one in lab.await_verified(1, TIMEOUT_S)],
    }
    if set(verdicts) - {"continued", "reset"}:
        raise WorkbenchError(f"the roll-back: {document['proof']}")
    forget(lab)
    return found


def forget(lab: Lab) -> None:
    """No generation is left, nor what they were in."""
    _run(lab, "forget", str(lab.server_pid))
    shutil.rmtree(marker.memory_directory(lab.id, "generations"), ignore_errors=True)


def _done(lab: Lab, *words: str) -> dict[str, Any]:
    said = _run(lab, *words, "--format", "json")
    try:
        document: dict[str, Any] = json.loads(said)
    except ValueError:
        raise WorkbenchError(f"workbench rollback said nothing that can be read: {said[:200]}") from None
    if document.get("outcome") != "succeeded":
        raise WorkbenchError(f"the {words[0]}: {document.get('error') or document.get('obstacles')}")
    return document


def environment(lab: Lab) -> dict[str, str]:
    """Of a workbench that keeps generations and journals within the lab."""
    memory = marker.memory_directory(lab.id, "generations")
    memory.mkdir(mode=0o700, exist_ok=True)
    own = {marker.VARIABLE: lab.id, "WORKBENCH_STATE": str(lab.state), "WORKBENCH_MEMORY": str(memory)}
    return {**os.environ, **own}


def _run(lab: Lab, *words: str) -> str:
    command = [sys.executable, "-m", "workbench.main", "rollback", *words]
    known = environment(lab)
    done = subprocess.run(command, env=known, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    return done.stdout or done.stderr
