"""A machine without any CRIU, on PATH, private or as a Python package: its bundles are made and opened all the same."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.log_messages import AROUND, CONSOLE, LOCK, SOCKETS, TCP

TREE = Path(__file__).parents[3]
PROGRAM = Path(__file__).with_name("without_criu.py")
SECRET = "zq41kanarie"
PLANTED = (
    f"(00.000001) Error (criu/sk-inet.c:188): inet: Connected TCP socket {SECRET} /srv/{SECRET}/x 198.51.100.77\n"
    f"(00.000002) {SECRET} says {SECRET}\n"
    f"(00.000003) Error (criu/{SECRET}.c:1): Can't open {SECRET}\n"
)
REFUSED = "Error (criu/sk-inet.c:188): inet: Connected TCP socket, consider using --tcp-established option."
BARE = """
import runpy, sys
sys.modules["pycriu"] = None  # importing it fails
sys.path.insert(0, sys.argv[1])
del sys.argv[:2]
run = runpy.run_path if sys.argv[0].endswith(".py") else runpy.run_module
run(sys.argv[0], run_name="__main__")
"""


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The package alone, as it is installed where nobody has run the set-up."""
    place = tmp_path_factory.mktemp("bare")
    for name in ("workbench", "checks"):
        shutil.copytree(TREE / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
    yield place
    shutil.rmtree(place)


def run(bare: Path, program: str, *words: str, text: str = "") -> "subprocess.CompletedProcess[str]":
    environment = {"PATH": "", "HOME": str(bare), "WORKBENCH_STATE": str(bare / "state"), "PYTHONSAFEPATH": "1"}
    return subprocess.run(
        [sys.executable, "-c", BARE, str(bare), program, *words],
        input=text, env=environment, cwd=bare, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def test_logs_are_rebuilt_of_known_words_and_mean_the_same(bare: Path) -> None:
    logs = [("dump.log", PLANTED)]
    for _, text in (*TCP, *LOCK, *SOCKETS, *AROUND, *CONSOLE):
        kind, _, rest = text.partition(": ")
        known = kind in {"dump", "restore"}
        logs.append((f"{kind if known else 'output'}.log", f"{rest if known else text}\n"))
    done = run(bare, str(PROGRAM), str(bare), text=json.dumps(logs))
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(found) == len(logs)
    assert [each["after"] for each in found] == [each["before"] for each in found]
    assert sum(bool(each["before"]) for each in found) > len(logs) / 2
    planted = "".join(found[0]["members"])
    assert SECRET not in planted
    assert "198.51.100.77" not in planted
    assert "Connected TCP socket" in planted


def test_made_of_the_host_and_opened(bare: Path) -> None:
    log = bare / "dump.log"
    log.write_text(f"(00.000001) {SECRET} says {SECRET}\n(00.000002) {REFUSED}\n")
    made = run(bare, "workbench.main", "bundle", "-o", "b.zip", "--host", "--log", str(log))
    assert made.returncode == 0, made.stderr
    assert run(bare, "workbench.main", "bundle", "show", "b.zip").returncode == 0
    checked = run(bare, "workbench.main", "check", "b.zip", "--format", "json")
    codes = {each["code"] for each in json.loads(checked.stdout)["findings"]}
    assert {"ENV001", "LOG001"} <= codes
    assert "when the bundle was made" not in checked.stderr
    assert SECRET.encode() not in (bare / "b.zip").read_bytes()
