"""A bundle with a part of its host named, or a purpose: that host is judged, never the one this runs on."""

import json
import os
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.checks.made import HOST, IMAGE, LINE, SERVER, SOCKET, TARGET, host
from workbench.bundle.redaction import Consent, Redaction
from workbench.bundle.write import Material, Shot, make, save
from workbench.cli.main import run
from workbench.evidence import Container, Evidence, LogLine, not_collected
from workbench.evidence.packet import Capture, CaptureInterface, Packet

CONTAINED = replace(SERVER, container=Container("runc", "abcdef", name="web"))
IMPOSSIBLE = os.getpid() + 1_000_000_000
"""No pid of any host, and the recorded process's."""


def bundle(place: Path, evidence: Evidence, *, redact: bool = False) -> str:
    path = place / "b.zip"
    save(make(Material("", (Shot("now", evidence),)), Redaction(bytes(32), Consent(names=not redact))), path)
    return str(path)


def recorded(place: Path, **changes: object) -> str:
    process = replace(CONTAINED, pid=IMPOSSIBLE, pgid=IMPOSSIBLE, sid=IMPOSSIBLE, command="recorded")
    sockets = (replace(SOCKET, holders=(replace(SOCKET.holders[0], pid=IMPOSSIBLE),)),)
    return bundle(place, host(**{"processes": {IMPOSSIBLE: process}, "sockets": sockets} | changes))


def document(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    capsys.readouterr()
    assert run([*words, "--format", "json"]) in {0, 1}
    found: dict[str, object] = json.loads(capsys.readouterr().out)
    return found


def refused(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    capsys.readouterr()
    assert run(words) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.count("\n") == 1
    return said.err


@pytest.mark.parametrize("words", [("--pid", str(IMPOSSIBLE)), ("--container", "web")])
def test_a_preflight_of_a_recorded_process(
    words: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = document(capsys, "check", recorded(tmp_path), "--for", "dump", *words)
    assert found["preflight"]["options"] == ["--tcp-established"]  # type: ignore[index]
    assert found["evidence"]["host"] == HOST.hostname  # type: ignore[index]
    gaps = {gap["section"]: gap["remedy"] for gap in found["evidence"]["gaps"]}  # type: ignore[index]
    assert gaps["descriptors"] == f"make the bundle with --pid {IMPOSSIBLE}"


def test_what_was_recorded_of_the_open_files_is_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recorded(tmp_path, target=replace(TARGET, pids=frozenset({IMPOSSIBLE})))
    found = document(capsys, "check", path, "--for", "dump", "--pid", str(IMPOSSIBLE))
    assert found["evidence"]["gaps"] == []  # type: ignore[index]


def test_a_process_of_this_host_is_none_of_the_recorded_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = recorded(tmp_path)
    for words in (("--pid", str(os.getpid())), ("--for", "dump", "--pid", str(os.getpid()))):
        assert f"there is no process {os.getpid()}" in refused(capsys, "check", path, *words)
    assert "there is no container none" in refused(capsys, "check", path, "--container", "none")
    assert "is called none" in refused(capsys, "check", path, "--netns", "none")
    assert "is called none" in refused(capsys, "sockets", path, "--netns", "none")


def test_a_namespace_by_what_the_recording_calls_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("host", str(SOCKET.netns)):
        assert len(document(capsys, "sockets", recorded(tmp_path), "--netns", word)["sockets"]) == 1  # type: ignore[arg-type]
        (tmp_path / "b.zip").unlink()


def test_a_restore_is_judged_on_the_recorded_host(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = document(capsys, "check", recorded(tmp_path, images=(IMAGE,)), "--for", "restore")
    codes = {each["code"] for each in found["findings"]}  # type: ignore[attr-defined]
    assert "IMG006" in codes  # the connection is there still
    assert found["evidence"]["host"] == HOST.hostname  # type: ignore[index]


def test_each_moment_can_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "b.zip"
    moments = (Shot("before", host()), Shot("after", host(sockets=(), images=(IMAGE,))))
    save(make(Material("", moments), Redaction(bytes(32))), path)
    assert len(document(capsys, "sockets", f"{path}@1")["sockets"]) == 2  # type: ignore[arg-type]
    assert document(capsys, "sockets", f"{path}@2")["sockets"] == []
    assert document(capsys, "image", f"{path}@2")["images"]
    assert "its moments are: 1 before, 2 after" in refused(capsys, "check", f"{path}@3")
    assert "There is no" in refused(capsys, "check", f"{tmp_path}/none.zip@1")


def test_what_is_not_in_it_is_said_in_one_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = bundle(tmp_path, host(processes=not_collected("processes"), sockets=not_collected("sockets")))
    assert "processes cannot be seen" in refused(capsys, "check", path, "--pid", "1")
    assert "of a host in part" in refused(capsys, "check", path, "--for", "dump", "--pid", "1")
    log = tmp_path / "a.log"
    log.write_text("(00.000000) CRIU run id = f09b143c\n")
    assert "holds images" in refused(capsys, "check", str(log), "--for", "restore")


def test_files_that_cannot_be_read_are_not_replaced_by_this_host(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert "There is no" in refused(capsys, "check", str(tmp_path / "none.zip"), "--pid", str(os.getpid()))


def test_images_logs_and_packets_of_a_bundle_are_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    packet = Packet(1, 0, LINE, 1, 1, 16, 100, 7, 64)
    capture = Capture("x.pcap", (CaptureInterface("eth0"),), (packet,))
    line = LogLine(1, "(00.000000) Restore", message="Restore")
    path = bundle(tmp_path, host(images=(IMAGE,), captures=(capture, capture), log=(line,)))
    assert document(capsys, "image", path)["images"][0]["path"] == "/images"  # type: ignore[index]
    assert document(capsys, "log", path)["log"][0]["message"] == "Restore"  # type: ignore[index]
    found = document(capsys, "packets", path, "--connection", "10.0.0.2:7022-10.0.0.1:5000")
    assert [each["interface"] for each in found["packets"]] == [0, 1]  # type: ignore[attr-defined]
    (tmp_path / "b.zip").unlink()
    path = bundle(tmp_path, host(images=not_collected("images")))
    for command in ("image", "log", "packets"):
        assert "`bundle show` says what is in it" in refused(capsys, command, path)
