"""Bundles of this very host: what was planted on it is not in them, and what is found is found in them too."""

import base64
import io
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from workbench.bundle.gather import Sought, gather
from workbench.bundle.judged import LibraryJudge
from workbench.bundle.redaction import Redaction
from workbench.bundle.write import make, save
from workbench.lab.lab import Lab
from workbench.lab.run import Hooks, Run, run
from workbench.lab.scenario import load
from workbench.read.bundle import Bundle

pytestmark = [pytest.mark.root]

WORD, NAMESPACE, ADDRESS = "zq41kanarie", "zq42kanarie", "198.51.100.77"
DEADLINE_S = 20
PROGRAM = Path(__file__).with_name("planted_program.py")


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, timeout=DEADLINE_S)


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Pid of a program in a namespace of its own, both of them full of secrets."""
    ip("netns", "add", NAMESPACE)
    inside = ["ip", "netns", "exec", NAMESPACE]
    try:
        for words in (["link", "set", "lo", "up"], ["addr", "add", f"{ADDRESS}/24", "dev", "lo"]):
            ip("-n", NAMESPACE, *words)
        ip("-n", NAMESPACE, "link", "add", WORD, "type", "veth", "peer", "name", f"{WORD}2")
        rules = f"add table inet {WORD}\nadd chain inet {WORD} {WORD} {{ type filter hook input priority 0; }}\n"
        rules += f'add rule inet {WORD} {WORD} ip saddr {ADDRESS} counter accept comment "{WORD}"\n'
        subprocess.run([*inside, "nft", "-f", "-"], input=rules, text=True, check=True, timeout=DEADLINE_S)
        with subprocess.Popen(
            [*inside, sys.executable, str(PROGRAM), WORD, ADDRESS],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=tmp_path_factory.mktemp(WORD),
        ) as program:  # fmt: skip
            assert program.stdout is not None
            assert program.stdout.readline() == "there\n"
            yield program.pid
            assert program.stdin is not None
            program.stdin.close()
            program.wait(DEADLINE_S)
    finally:
        ip("netns", "delete", NAMESPACE)


def test_nothing_that_was_planted_is_in_it(planted: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "state"))
    path = tmp_path / "b.zip"
    done = subprocess.run(
        [sys.executable, "-m", "workbench.main", "bundle", "-o", str(path), "--pid", str(planted), "--seconds", "1"],
        capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    data = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        contents = [data, *(opened.read(name) for name in opened.namelist())]
    for secret in (WORD, NAMESPACE, ADDRESS):
        raw = secret.encode()
        forms = {raw, raw.hex().encode(), secret.encode("utf-16-le")}
        forms |= {base64.b64encode(bytes(shift) + raw)[4:-4] for shift in range(3)}
        assert not [form for form in forms for content in contents if form in content]
    bundle = Bundle(str(path))
    evidence = bundle.evidence()
    bundle.close()
    # and yet it is all there
    assert any(socket.holders and socket.holders[0].pid == planted for socket in evidence.sockets)  # type: ignore[union-attr]
    assert planted in evidence.processes  # type: ignore[operator]
    assert any("counter" in rule.text and "accept" in rule.text for rule in evidence.rules)  # type: ignore[union-attr]


@pytest.mark.criu
@pytest.mark.parametrize("name", ["established", "lock-waiting"])
def test_what_is_found_in_a_situation_is_found_in_its_bundle(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every phase of an operation, if there is one, and as the host is at the end."""
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "state"))
    scenario = load(name)
    judge = LibraryJudge()
    titles: list[str] = []
    found: list[str] = []

    def bundle(_: Lab, ran: Run) -> None:
        material = gather(Sought(operation="last" if scenario.operation else None))
        made = make(material, Redaction(bytes(32)), judge=judge)
        for number, shot in enumerate(material.shots):
            before = sorted((each.code, each.severity) for each in judge(shot.evidence))
            after = sorted((each.code, each.severity) for each in made.findings if each.moment == number)
            assert after == before, shot.title
            found.extend(code for code, _ in before)
        titles.extend(moment.title for moment in made.manifest.moments)
        path = tmp_path / "b.zip"
        save(made, path)
        bundle = Bundle(str(path))
        bundle.verify()
        bundle.close()

    run(scenario, hooks=Hooks(at_the_end=bundle))
    assert titles[-1] == "now"
    if not scenario.operation:
        assert found
    else:
        assert "SCK005" not in found  # sockets are in repair mode, but not without reason
        assert {"dump: before", "dump: images complete", "restore: restored"} <= set(titles)
