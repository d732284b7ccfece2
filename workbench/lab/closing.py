"""A dump that closes the connections, by the command that a person would type: what was foretold, observed, seen."""

import json
import os
import subprocess
import sys
from typing import Any

from workbench.errors import WorkbenchError
from workbench.lab import marker
from workbench.lab.lab import Lab

TIMEOUT_S = 120.0
PATIENCE_S = 20.0


def close_connections(lab: Lab) -> dict[str, object]:
    """The server is dumped with --tcp-close and restored; each client must see what the plan foretold."""
    dump = ("dump", str(lab.server_pid), "-D", str(lab.images), "--policy", "close")
    foretold = {each["connection"]: each for each in _said(lab, *dump, "--plan")["closings"]}
    done = _said(lab, *dump, "--yes")
    _succeeded(done)
    observed = {each["connection"]: each["seen"] for each in done["closed"]}
    _succeeded(_said(lab, "restore", "-D", str(lab.images), "--netns", lab.host.path, "--yes"))
    lab.await_verified(1 << 40, PATIENCE_S)  # more than ever comes: until all have ended
    rows = []
    for one in lab.talked():
        plan = foretold[str(one.connection)]
        rows.append({
            "connection": str(one.connection), "foretold": plan["peer_sees"], "seen": one.ended or "nothing",
            "observed": observed[str(one.connection)],
            "why": plan["why"], "lost_here": plan["lost_here"], "lost_at_peer": plan["lost_at_peer"],
            "written_and_not_verified": one.sent - one.to_server,
        })  # fmt: skip
    if wrong := [row for row in rows if not row["foretold"] == row["seen"] == row["observed"]]:
        row = wrong[0]
        said = f"not {row['foretold']} as foretold, or {row['observed']} as observed"
        raise WorkbenchError(f"{row['connection']} saw {row['seen']}, {said}")
    return {"connections": rows}


def _succeeded(document: dict[str, Any]) -> None:
    if document.get("outcome") != "succeeded":
        raise WorkbenchError(f"the {document.get('kind')}: {document.get('error') or document.get('obstacles')}")


def _said(lab: Lab, *words: str) -> dict[str, Any]:
    environment = {**os.environ, marker.VARIABLE: lab.id, "WORKBENCH_STATE": str(lab.state)}
    command = [sys.executable, "-m", "workbench.main", *words, "--format", "json"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    try:
        document: dict[str, Any] = json.loads(done.stdout)
    except ValueError:
        raise WorkbenchError(f"workbench {words[0]} said: {done.stderr.strip()[-300:]}") from None
    return document
