"""Which CRIU to use: the one on PATH if it passed a trial on this kernel, else the private one."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

from workbench.criu.places import cache_directory, private_prefix
from workbench.criu.trial import Trial, try_criu
from workbench.evidence import CriuTool, Gap

CHOICE_VARIABLE = "WORKBENCH_CRIU"
"""Environment variable that names the CRIU to use, without asking further."""


def candidates() -> Iterator[tuple[str, str]]:
    """Each CRIU that could be used, best first, with its origin: ``configured``, ``path``, ``private``."""
    if chosen := os.environ.get(CHOICE_VARIABLE):
        yield chosen, "configured"
        return
    if on_path := shutil.which("criu", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"):
        yield on_path, "path"
    private = private_prefix() / "sbin" / "criu"
    if private.exists():
        yield str(private), "private"


def version_of(criu: str) -> str | None:
    """What ``criu --version`` says, e.g. ``4.2.1``; None if it cannot be run."""
    try:
        done = subprocess.run([criu, "--version"], capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return None
    first = done.stdout.splitlines()[:1]
    return first[0].removeprefix("Version:").strip() if first else None


def _identity(criu: str) -> list[object]:
    """What a trial's result depends on: this file, and this kernel."""
    status = Path(criu).stat()
    return [str(Path(criu).resolve()), status.st_size, status.st_mtime_ns, os.uname().release, os.uname().version]


def _memory() -> Path:
    return cache_directory() / "criu-trials.json"


def remembered(criu: str) -> Trial | None:
    """The result of an earlier trial of this very file on this kernel."""
    try:
        entry = json.loads(_memory().read_text())[criu]
        if entry["identity"] == _identity(criu):
            return Trial(entry["works"], entry["detail"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None


def remember(criu: str, trial: Trial) -> None:
    """Keep a trial's result; it is only a cache, so that failing to write it does not matter."""
    path = _memory()
    try:
        known = json.loads(path.read_text())
    except (OSError, ValueError):
        known = {}
    if not isinstance(known, dict):
        known = {}
    try:
        known[criu] = {"identity": _identity(criu), "works": trial.works, "detail": trial.detail}
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(f".{os.getpid()}")
        fresh.write_text(json.dumps(known, indent=1))
        fresh.replace(path)
    except OSError:
        return


def tried(criu: str) -> Trial:
    """The remembered trial, or a new one (root only, half a second)."""
    trial = remembered(criu)
    if trial is None:
        trial = try_criu(criu)
        remember(criu, trial)
    return trial


def find_criu(*, trying: bool = False) -> CriuTool | Gap:
    """The CRIU to use: the first that is known to work, else the first that was not tried.

    With ``trying`` each candidate without a remembered result is tried now. Without, this costs a few
    milliseconds and changes nothing. If every candidate is known to fail, the best of them is returned with
    ``works`` False and the reason.
    """
    found: list[CriuTool] = []
    for path, origin in candidates():
        version = version_of(path)
        if version is None:
            continue
        trial = tried(path) if trying else remembered(path)
        works = trial.works if trial else None
        tool = CriuTool(path, version, works, origin, trial.detail if trial else "not tried on this kernel")
        if works:
            return tool
        found.append(tool)
    untried = [tool for tool in found if tool.works is None]
    if untried or found:
        return (untried or found)[0]
    return Gap("criu", "no CRIU was found on this host", "run `make setup`, which installs or makes one")
