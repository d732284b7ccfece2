"""Checks on what other tools recorded of a container of podman's: IMG030 to 032, SCK030, SCK031, PKT050 to PKT053."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.checks.made import ask, one
from tests.unit.read.test_checkpoint_archive import packed, unpacked, written
from workbench.checking import Severity
from workbench.checking.check import Check
from workbench.checking.loading import entries, load
from workbench.checking.running import Report, judge
from workbench.cli.sources import read_sources
from workbench.evidence import Evidence, Gap, Packet
from workbench.evidence.event import ACK, RST

PODMAN = Path(__file__).parents[3] / "fixtures" / "recordings" / "podman"
CHECKS = tuple(check for entry in entries() if not entry.own and isinstance(check := load(entry), Check))
FIRED = {
    "echo.tar.zst": {"IMG031"},
    "echo.tar.zst peer-before.ss conntrack.txt": {"IMG031"},
    "echo.tar.zst peer-dumped.ss": {"IMG031"},
    "echo.tar.zst container-before.ss": {"IMG031"},
    "echo.tar.zst peer-twice.ss": {"IMG031", "SCK031"},
    "echo.tar.zst between.pcap": {"IMG031", "PKT053"},
    "echo.tar.zst restored-twice.pcap": {"IMG031", "PKT050", "PKT051", "PKT052"},
    "anew.tar.gz started-anew.pcap": {"IMG031", "PKT051"},
    "container-before.ss container-locked-iptables.txt": {"NFT001"},
    "echo.tar.zst container-before.ss container-locked-iptables.txt": {"IMG031", "NFT002"},
}
"""What recordings that belong together show."""
MADE_OF_THEM = {"IMG030", "IMG032", "SCK030"}
"""Fire on recordings of which something was taken away or changed."""


def evidence(*names: str) -> Evidence:
    gathered = read_sources([str(PODMAN / name) for name in names])
    assert gathered.unreadable == ()
    return gathered.evidence


def judged(found: Evidence) -> Report:
    report = judge(CHECKS, found)
    assert report.broken == ()
    return report


@pytest.mark.parametrize("names", FIRED)
def test_what_recordings_show_together(names: str) -> None:
    own = {"IMG03", "SCK03", "PKT05", "NFT00"}
    codes = {finding.code for finding in judged(evidence(*names.split())).findings}
    assert {code for code in codes if code[:5] in own} == FIRED[names]


def test_a_restore_that_went_well_is_no_more_than_a_note() -> None:
    talks, quiet = (
        finding for finding in judged(evidence("echo.tar.zst", "between.pcap")).findings if finding.code == "PKT053"
    )
    assert talks.severity is Severity.NOTE
    assert talks.problem.facts["repeats"] == 1
    assert talks.problem.facts["acknowledged_since"] == 200
    assert "are spent" in talks.problem.message
    assert quiet.problem.facts["acknowledged_since"] == 0
    assert "still fit" in quiet.problem.message


def test_a_second_restore_of_the_same_images_is_behind_its_peer() -> None:
    findings = judged(evidence("echo.tar.zst", "restored-twice.pcap")).findings
    behind = next(finding for finding in findings if finding.code == "PKT050")
    assert behind.severity is Severity.ERROR
    assert (behind.problem.facts["received"], behind.problem.facts["missing"]) == (193, 184)
    refused = next(finding for finding in findings if finding.code == "PKT052")
    assert refused.explained_by == "PKT051"


def test_without_a_restore_the_same_is_a_warning() -> None:
    found = evidence("echo.tar.zst", "between.pcap")
    assert not isinstance(found.captures, Gap)
    (capture,) = found.captures
    ours = capture.packets[0].way if capture.packets[0].way.local.port == 7000 else capture.packets[0].way.reversed
    revived = [each for each in capture.packets if each.way == ours and each.seq == 3570126597 and not each.length]
    rest = tuple(each for each in capture.packets if each not in revived)
    behind = one("PKT050", replace(found, captures=(replace(capture, packets=rest),)))
    assert behind.severity is Severity.WARNING
    assert "gone on since the images were made" in behind.problem.message


def test_a_container_that_was_started_anew_answers_for_what_it_does_not_know() -> None:
    findings = [each for each in judged(evidence("anew.tar.gz", "started-anew.pcap")).findings if each.code == "PKT051"]
    assert len(findings) == 2
    assert all("no socket owned the connection" in each.problem.message for each in findings)
    assert [len(each.problem.quotes) for each in findings] == [2, 2]


def test_numbers_run_over_their_end_on_the_wire_too() -> None:
    """All numbers of images and capture moved so that they pass 2^32 in the middle: the answer is the same."""
    found = evidence("echo.tar.zst", "restored-twice.pcap")
    assert not isinstance(found.captures, Gap)
    assert not isinstance(found.images, Gap)
    (image,), (capture,) = found.images, found.captures
    talks = next(each for each in image.sockets if each.sequences and each.connection.local.port == 7000)
    assert talks.sequences
    ours, theirs = -talks.sequences.write_seq - 50, -talks.sequences.rcv_nxt - 50

    def moved(packet: Packet) -> Packet:
        mine = packet.way.local.port == 7000
        seq, ack = (ours, theirs) if mine else (theirs, ours)
        return replace(packet, seq=(packet.seq + seq) % 2**32, ack=(packet.ack + ack) % 2**32)

    numbers = replace(
        talks.sequences,
        snd_una=(talks.sequences.snd_una + ours) % 2**32,
        write_seq=(talks.sequences.write_seq + ours) % 2**32,
        rcv_nxt=(talks.sequences.rcv_nxt + theirs) % 2**32,
    )
    packets = tuple(moved(each) for each in capture.packets if 7000 in {each.way.local.port, each.way.peer.port})
    wrapped = replace(
        found,
        images=(replace(image, sockets=(replace(talks, sequences=numbers),)),),
        captures=(replace(capture, packets=packets),),
    )
    behind = one("PKT050", wrapped)
    assert (behind.problem.facts["received"], behind.problem.facts["missing"]) == (193, 184)


def test_a_capture_of_other_connections_says_nothing() -> None:
    found = evidence("echo.tar.zst", "started-anew.pcap")
    assert not isinstance(found.captures, Gap)
    (capture,) = found.captures
    others = tuple(each for each in capture.packets if 52156 not in {each.way.local.port, each.way.peer.port})
    quiet = replace(found, captures=(replace(capture, packets=others),))
    assert not {finding.code for finding in judged(quiet).findings if finding.code.startswith("PKT05")}


def test_connections_that_a_listing_lacks() -> None:
    found = evidence("echo.tar.zst", "container-before.ss")
    assert not isinstance(found.sockets, Gap)
    some = replace(found, sockets=tuple(each for each in found.sockets if each.connection.local.port != 7001))
    finding = one("SCK030", some)
    assert finding.problem.facts["missing"] == ["10.88.0.55:7001 -> 10.88.0.1:36940"]
    assert not ask("SCK030", replace(found, sockets=()))
    assert not ask("SCK030", replace(some, sources=("live",)))
    assert not ask("SCK031", replace(evidence("echo.tar.zst", "peer-twice.ss"), sources=("live",)))


def test_an_archive_that_is_not_whole(tmp_path: Path) -> None:
    members = unpacked()
    del members["spec.dump"]
    members["network.status"] = b"{"
    finding = one("IMG030", read_sources([str(written(tmp_path, packed(members)))]).evidence)
    assert finding.severity is Severity.ERROR
    assert "spec.dump is missing" in finding.problem.message
    assert len(finding.problem.quotes) == 2


def test_an_address_that_the_engine_does_not_know(tmp_path: Path) -> None:
    status = {"net": {"interfaces": {"eth0": {"subnets": [{"ipnet": "10.88.0.77/16"}]}}}}
    members = unpacked() | {"network.status": json.dumps(status).encode()}
    finding = one("IMG032", read_sources([str(written(tmp_path, packed(members)))]).evidence)
    assert (finding.problem.facts["address"], finding.severity) == ("10.88.0.55", Severity.WARNING)
    assert not ask("IMG032", evidence("echo.tar.zst"))


@pytest.mark.parametrize(
    ("manager", "runtime", "says"),
    [("libpod", "runc", "podman"), ("cri-o", "runc", "/etc/criu/runc.conf"), ("cri-o", "crun", "/etc/criu/crun.conf")],
)
def test_how_to_keep_connections_depends_on_the_engine(tmp_path: Path, manager: str, runtime: str, says: str) -> None:
    members = unpacked()
    spec = json.loads(members["spec.dump"]) | {"annotations": {"io.container.manager": manager}}
    config = json.loads(members["config.dump"]) | {"runtime": runtime}
    members |= {"spec.dump": json.dumps(spec).encode(), "config.dump": json.dumps(config).encode()}
    finding = one("IMG031", read_sources([str(written(tmp_path, packed(members)))]).evidence)
    (fix,) = finding.problem.fixes
    assert says in f"{fix.text} {' '.join(fix.command)}"


def test_a_reset_of_the_peer_at_another_number_is_not_its_answer() -> None:
    found = evidence("echo.tar.zst", "restored-twice.pcap")
    assert not isinstance(found.captures, Gap)
    (capture,) = found.captures

    def changed(packet: Packet) -> Packet:
        return replace(packet, seq=packet.seq + 9) if packet.flags & RST and not packet.flags & ACK else packet

    other = replace(found, captures=(replace(capture, packets=tuple(map(changed, capture.packets))),))
    assert not ask("PKT052", other)
