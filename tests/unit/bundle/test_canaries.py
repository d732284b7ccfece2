"""Nothing that was planted in any field of evidence is in the bundle, in no form and in no member."""

import base64
import io
import json
import zipfile
from pathlib import Path

import pytest

from tests.unit.bundle.planted import planted
from workbench.bundle.archive import write_archive
from workbench.bundle.redaction import Consent, Redaction
from workbench.bundle.write import Made, Material, Shot, make
from workbench.read.bundle import Bundle

KEY = bytes(range(32))
WORD = "zq41xKanari"
PLANTED = {
    "a word": (WORD, [WORD]),
    "a path": (f"/srv/{WORD}/of/{WORD}.txt", [WORD]),
    "an address": ("198.51.100.23", ["198.51.100.23"]),
    "an IPv6 address": ("2001:db8:77:1::4242", ["2001:db8:77:1", "::4242"]),
    "an endpoint in a sentence": (f"see {WORD} at 198.51.100.23:4711 (or {WORD})", [WORD, "198.51.100.23"]),
    "a name like an identifier": ("c0ffee" * 8, ["c0ffee" * 2]),
    "a hardware address": ("de:ad:be:ef:77:01", ["de:ad:be:ef"]),
    "a log line": (f"(00.012345) 17: Error (criu/{WORD}.c:12): Can't open {WORD}: No such file", [WORD]),
    "a rule": (f'ip saddr 198.51.100.23 iifname "{WORD}" drop comment "{WORD}"', [WORD, "198.51.100.23"]),
    "an interface": (f"{WORD}:eth0", [WORD]),
    "an abstract name": (f"@{WORD}/{WORD}", [WORD]),
    "other letters": ("Tschüß-Ärger-Ωmega", ["Tschüß", "Ωmega", "Ärger"]),
    "undecodable bytes": (f"{WORD}\udcff\x1b[31m", [WORD]),
    "digits": ("4929381123456789", ["4929381123456789"]),
}


NOTHING_MORE = Consent()


def bundle_of(text: str, consent: Consent = NOTHING_MORE) -> Made:
    shot = Shot("now", planted(text))
    return make(Material("this host", (shot,)), Redaction(KEY, consent))


def bytes_of(made: Made) -> bytes:
    file = io.BytesIO()
    write_archive(file, made.members)
    return file.getvalue()


@pytest.mark.parametrize("name", PLANTED)
def test_nothing_planted_comes_out(name: str) -> None:
    text, secrets = PLANTED[name]
    data = bytes_of(bundle_of(text))
    with zipfile.ZipFile(io.BytesIO(data)) as opened:
        contents = [opened.read(member) for member in opened.namelist()]
    for secret in secrets:
        raw = secret.encode(errors="surrogateescape")
        forms = {raw, raw.hex().encode(), secret.encode("utf-16-le"), json.dumps(secret)[1:-1].encode()}
        forms |= {base64.b64encode(bytes(shift) + raw)[4:-4] for shift in range(3)}
        for content in (data, *contents):
            assert not [form for form in forms if len(form) > 5 and form.lower() in content.lower()]


def test_what_its_owner_agrees_to_give_does_come_out() -> None:
    """So that the test above can fail."""
    made = bundle_of(WORD, Consent(names=True, arguments=True, payload=True))
    contents = b"".join(member.content for member in made.members)
    assert contents.count(WORD.encode()) > 100
    assert base64.b64encode(WORD.encode()) in contents


def test_names_alone_do_not_bring_arguments_and_payload_along() -> None:
    made = bundle_of(WORD, Consent(names=True))
    sections = {member.name.rpartition("/")[2]: member.content for member in made.members}
    assert b'"argv":{"lengths":[0],"items":[]}' in sections["processes.json"]
    assert base64.b64encode(WORD.encode()) not in sections["images.json"]
    assert base64.b64encode(WORD.encode()) not in sections["captures.json"]


def test_the_same_bundle_has_the_same_bytes() -> None:
    assert bytes_of(bundle_of("something")) == bytes_of(bundle_of("something"))


def test_another_key_gives_other_names(tmp_path: Path) -> None:
    shot = Shot("now", planted(WORD))
    one, other = (make(Material("", (shot,)), Redaction(key)) for key in (KEY, KEY[::-1]))
    assert bytes_of(one) != bytes_of(other)


def test_what_was_planted_opens_again(tmp_path: Path) -> None:
    for number, (text, _) in enumerate(PLANTED.values()):
        path = tmp_path / f"{number}.zip"
        path.write_bytes(bytes_of(bundle_of(text)))
        bundle = Bundle(str(path))
        bundle.verify()
        assert bundle.evidence().redacted
        bundle.close()
