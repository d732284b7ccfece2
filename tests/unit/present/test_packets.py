"""Segments of a capture as rows and lines."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.cli.main import run
from workbench.evidence import Capture, CaptureInterface
from workbench.evidence.event import ACK, FIN, PSH, RST, SYN
from workbench.evidence.packet_notes import follow
from workbench.evidence.packet_sign import Note, Sign
from workbench.present.line import plain_lines
from workbench.present.packets import PacketRows, flags_text, note_text, options_text, packet_detail, summary_lines
from workbench.read.pcap import read_capture

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings" / "podman"
TWICE = str(RECORDINGS / "restored-twice.pcap")


@pytest.mark.parametrize("sign", Sign)
def test_every_sign_has_words(sign: Sign) -> None:
    assert note_text(Note(sign, 5))


def test_flags() -> None:
    assert [flags_text(each) for each in (SYN, SYN | ACK, ACK, PSH | ACK, FIN | ACK, RST, 0)] == [
        "SYN", "SYN ACK", ".", "P .", "FIN ACK", "RST", "none",
    ]  # fmt: skip


def test_options_of_a_handshake() -> None:
    packet = read_capture(TWICE).packets[0]
    syn = replace(packet, flags=SYN, mss=1460, wscale=7, sack_permitted=True, tsval=1)
    assert options_text(syn) == "offers mss 1460, wscale 7, sack, timestamps"
    assert options_text(replace(packet, flags=SYN, tsval=None)) == "offers no options"
    assert options_text(replace(packet, sack=((1, 2), (3, 4)))) == "SACK of 2 blocks"


def test_rows_tell_what_is_notable() -> None:
    capture = read_capture(TWICE)
    table = PacketRows.of(capture, follow(capture.packets)).table("")
    assert len(table.rows) == len(capture.packets)
    texts = [row.cells[-1] for row in table.rows]
    assert "acknowledges 184 bytes less than before" in texts
    assert sum("retransmission" in text for text in texts) == 5
    newest = PacketRows.of(capture, follow(capture.packets)).table("", most=3)
    assert [row.cells for row in newest.rows] == [row.cells for row in table.rows[-3:]]


def test_text_from_outside_is_printable() -> None:
    capture = read_capture(TWICE)
    hostile = replace(
        capture,
        interfaces=(CaptureInterface("e\x1b[2Jth"), CaptureInterface("x")),
        packets=tuple(replace(each, comment="\x1b[31m") for each in capture.packets),
        comments=("\x1b]0;",),
    )
    followed = follow(hostile.packets)
    rows = PacketRows.of(hostile, followed).table("").rows
    lines = [*summary_lines(hostile, followed), *packet_detail(followed.segments[3], hostile)]
    assert "\x1b" not in "".join((*(cell for row in rows for cell in row.cells), *plain_lines(lines)))


def test_the_summary_names_who_waits() -> None:
    capture = read_capture(TWICE)
    text = "\n".join(plain_lines(summary_lines(capture, follow(capture.packets))))
    assert "35 segments of 2 connections" in text
    assert "10.88.0.1:52156 waits for an answer to 5 segments" in text
    assert plain_lines(summary_lines(Capture("x", (), ()), follow(()))) == ["no TCP segments"]


def test_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["packets", TWICE, "--notable"]) == 0
    assert capsys.readouterr().out.count("retransmission\n") >= 3
    assert run(["capture", TWICE, "--format", "json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert len(document["packets"]) == 35
    assert {note["sign"] for each in document["packets"] for note in each["notes"]} >= {"reset", "retransmission"}
    assert run(["packets", TWICE, "--connection", "10.88.0.55:7001-10.88.0.1:36940", "--format", "jsonl"]) == 0
    assert len(capsys.readouterr().out.splitlines()) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["packets", __file__], "no packet capture"),
        (["packets", "/nowhere"], "There is no"),
        (["capture"], "No connection was named: name --connection"),
        (["capture", "--pid", "4194304"], "is not there"),
        (["capture", "--netns", "nowhere-at-all"], "no network namespace"),
        (["capture", "--connection", "1.1.1.1:1-2.2.2.2:2", "--seconds", "0"], "is no time"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 2
    assert said in capsys.readouterr().err
