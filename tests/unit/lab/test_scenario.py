"""Scenario files: what is wrong in one is named."""

import pytest

from workbench.errors import WorkbenchError
from workbench.lab.scenario import directory, load, parse

SOUND = (directory() / "established.toml").read_text()


def refusal(text: str) -> str:
    with pytest.raises(WorkbenchError) as refused:
        parse("broken", text.encode())
    return str(refused.value)


def test_the_sound_one_is_read() -> None:
    assert parse("sound", SOUND.encode()).server.listen == "10.77.0.2:7022"


@pytest.mark.parametrize(
    ("instead", "of", "names"),
    [
        ("", 'title = "One connection between two hosts, data flowing both ways"', "lacks title"),
        ("titel = 1\ntitle", "title", "no field titel"),
        ("[server]\nspeed = 1", "[server]", "[server] has no field speed"),
        ('verdict = "fine"', 'verdict = "continued"', "fine"),
        ('state = "OPEN"', 'state = "ESTABLISHED"', "OPEN"),
        ('lock = "nft"', 'lock = "nftables"', "nft"),
        ("verified = true", "verified = 65_536", "wrong type"),
        ('verified = "many"', "verified = 65_536", "wrong type"),
        ('host = "nowhere"', 'host = "peer"', "nowhere"),
        ('listen = "10.77.0.9:7022"', 'listen = "10.77.0.2:7022"', "10.77.0.9"),
        ('checks = []\nresets = ["whoever"]', "checks = []", "whoever"),
        ("[", "[hosts.app]", "no TOML"),
    ],
)
def test_what_is_wrong_is_named(instead: str, of: str, names: str) -> None:
    assert of in SOUND
    assert names in refusal(SOUND.replace(of, instead, 1))


def test_bytes_that_are_no_text_are_refused() -> None:
    with pytest.raises(WorkbenchError):
        parse("broken", b"\xff\xfe")


@pytest.mark.parametrize("name", ["none", "../scenarios/established", "", "established.toml"])
def test_an_unknown_name_is_answered_with_those_that_are_there(name: str) -> None:
    with pytest.raises(WorkbenchError, match="established") as refused:
        load(name)
    assert "there is no scenario" in str(refused.value)
