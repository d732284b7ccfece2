"""Formats of messages, read from a program."""

from pathlib import Path

from workbench.bundle.criu_messages import messages, messages_of


def program(place: Path, *strings: bytes) -> Path:
    place.write_bytes(b"\x7fELF\x02\x01\x00\x00" + b"\x00".join((*strings, b"")))
    return place


def test_strings_with_words_are_messages_without_the_prefix_of_their_level(tmp_path: Path) -> None:
    made = program(
        tmp_path / "criu", b"Error (%s:%d): Can't open %s\n", b"tcp: Lock connection\n", b"%s", b"/etc/criu", b"12 34"
    )
    assert messages_of(made) == ("Can't open %s", "tcp: Lock connection")


def test_what_is_no_program_has_none(tmp_path: Path) -> None:
    assert messages_of(tmp_path / "nothing") == ()
    assert messages_of(tmp_path) == ()
    script = tmp_path / "script"
    script.write_bytes(b"#!/bin/sh\necho Error (%s:%d): no program\x00")
    assert messages_of(script) == ()


def test_the_criu_of_this_machine_says_that_it_succeeded() -> None:
    found = messages()
    assert "Dumping finished successfully" in found
    assert len(found) > 1000
