"""Archives that are damaged or mean harm: each is refused in one sentence, with little memory and in little time."""

import io
import json
import struct
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.read.made_bundles import archive, bundle, manifest, section
from workbench.errors import WorkbenchError
from workbench.evidence.recording import FORMAT
from workbench.read.bundle import Bundle
from workbench.read.bundle_archive import CENTRAL, END, LOCAL

SOUND = bundle()


def opened(path: Path, data: bytes) -> Bundle:
    """Everything that a person who opens it would have read."""
    file = path / "bundle.zip"
    file.write_bytes(data)
    found = Bundle(str(file))
    try:
        for number in range(len(found.moments)):
            found.go(number)
            found.evidence()
        found.findings()
        found.verify()
    finally:
        found.close()
    return found


def renamed(name: str) -> bytes:
    """The sound one with another name for its second member, where both descriptions agree."""
    old = b"moments/0001/rules.json"
    return SOUND.replace(old, name.encode().ljust(len(old), b"x")[: len(old)])


def patched(mark: bytes, offset: int, form: str, value: int) -> bytes:
    """The sound one with one number changed in the last header of a kind."""
    data = bytearray(SOUND)
    struct.pack_into(form, data, data.rindex(mark) + offset, value)
    return bytes(data)


def zipped(**members: str) -> bytes:
    """As another program writes it."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


def lying_size() -> bytes:
    """A member that unpacks to more than both of its headers say."""
    data = bytearray(SOUND)
    for mark, place in ((b"PK\x03\x04", 22), (b"PK\x01\x02", 24)):
        struct.pack_into("<I", data, data.rindex(mark) + place, 4)
    return bytes(data)


def overlapping() -> bytes:
    """Two entries of the directory for one and the same data."""
    start, end = SOUND.index(b"PK\x01\x02"), SOUND.rindex(b"PK\x05\x06")
    entries = SOUND[start:end]
    count = 2 * entries.count(b"PK\x01\x02")
    return SOUND[:start] + entries * 2 + END.pack(b"PK\x05\x06", 0, 0, count, count, 2 * len(entries), start, 0)


DAMAGED = {
    "nothing": b"",
    "no archive": b"PK\x03\x04 and then a sermon" * 20,
    "cut in the middle": SOUND[: len(SOUND) // 2],
    "cut at the end": SOUND[:-1],
    "something behind its end": SOUND + b"x",
    "something before its beginning": b"x" + SOUND,
    "of another program": zipped(**{"manifest.json": "{}"}),
    "a zip slip": renamed("../../../../etc/passwd"),
    "an absolute path": renamed("/etc/cron.d/workbench"),
    "a path of another system": renamed("c:\\windows\\system32"),
    "escape sequences in a name": renamed("\x1b]0;gotcha\x07\x1b[31m"),
    "a name with a NUL": renamed("moments/0001/rules.js\0n"),
    "a link": patched(b"PK\x01\x02", 38, "<I", 0o120777 << 16),
    "a device node": patched(b"PK\x01\x02", 38, "<I", 0o020666 << 16),
    "a directory": patched(b"PK\x01\x02", 38, "<I", 0o040755 << 16),
    "encrypted": patched(b"PK\x01\x02", 8, "<H", 1),
    "stored": patched(b"PK\x01\x02", 10, "<H", 0),
    "of sizes in a ZIP64 field": patched(b"PK\x01\x02", 24, "<I", 0xFFFFFFFF),
    "of an offset elsewhere": patched(b"PK\x01\x02", 42, "<I", 0),
    "of another checksum": patched(b"PK\x01\x02", 16, "<I", 1),
    "of two descriptions": patched(b"PK\x03\x04", 14, "<I", 1),
    "of more entries than there are": patched(b"PK\x05\x06", 8, "<H", 60000),
    "of several disks": patched(b"PK\x05\x06", 4, "<H", 1),
    "with a comment": patched(b"PK\x05\x06", 20, "<H", 10),
    "of a size that is not true": lying_size(),
    "overlapping": overlapping(),
    "without a manifest": archive({"findings.json": b"{}"}),
    "with a manifest that is no JSON": archive({"manifest.json": b"{"}),
    "with a manifest that is a list": archive({"manifest.json": b"[]"}),
    "with a manifest that is a number": archive({"manifest.json": b"1e999"}),
    "with NaN": archive({"manifest.json": b'{"format": NaN}'}),
    "nested deeply": archive({"manifest.json": b"[" * 100_000}),
    "nested deeply in a section": section("rules", b'{"value":' * 20_000),
    "of a number with many digits": archive({"manifest.json": b'{"format":' + b"9" * 100_000 + b"}"}),
    "of no format": bundle(format=...),
    "of format 0": bundle(format=0),
    "of format true": bundle(format=True),
    "of a newer format": bundle(format=FORMAT + 1),
    "without moments": bundle(moments=[]),
    "with moments that are none": bundle(moments=[1]),
    "of an impossible time": bundle(moments=[{"title": "", "taken": 1e300, "monotonic_ns": 1, "sections": {}}]),
    "of a negative clock": bundle(moments=[{"title": "", "taken": 1, "monotonic_ns": -1, "sections": {}}]),
    "with a section elsewhere": bundle(
        moments=[{"title": "", "taken": 1, "monotonic_ns": 1, "sections": {"rules": "../../x"}}]
    ),
    "with a section that is not there": bundle(
        moments=[{"title": "", "taken": 1, "monotonic_ns": 1, "sections": {"rules": "moments/0009/rules.json"}}]
    ),
    "with a member that the manifest does not know": bundle(members=[]),
    "with too long a title": bundle(title="x" * 5000),
    "with too many omissions": bundle(left_out=[{"what": "", "why": ""}] * 20_000),
    "with a section that is a number": section("rules", 7),
    "with a text for a number": section("sockets", {"value": {"lengths": ["1"], "items": {}}}),
    "with a record that lacks a field": section("rules", {"value": {"lengths": [1], "items": {"netns": [1]}}}),
    "with columns of other lengths": section("images", {"value": {"lengths": [2], "items": {"path": ["x"]}}}),
    "with a negative length": section("rules", {"value": {"lengths": [-1], "items": {}}}),
    "with an absurd length": section("rules", {"value": {"lengths": [10**15], "items": {"netns": {"each": 1}}}}),
    "with a length of many digits": section("rules", b'{"value":{"lengths":[' + b"9" * 5000 + b'],"items":{}}}'),
    "with places outside": section(
        "sources", {"value": {"lengths": [9], "items": {"mostly": "", "at": [9], "are": ["x"]}}}
    ),
    "with a number beyond 64 bits": section(
        "sysctls", {"value": {"lengths": [1], "items": {"netns": [1 << 70], "name": [""], "value": [""]}}}
    ),
    "with no member of an enumeration": section("target", {"value": {"operation": [1]}}),
}


@pytest.mark.parametrize("name", DAMAGED)
def test_it_is_refused_in_one_sentence(name: str, tmp_path: Path) -> None:
    began = time.process_time()
    with pytest.raises(WorkbenchError) as refused:
        opened(tmp_path, DAMAGED[name])
    assert time.process_time() - began < 5
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 400


def test_the_sound_one_opens(tmp_path: Path) -> None:
    assert opened(tmp_path, SOUND).evidence().rules == ()


def test_every_cut_is_refused(tmp_path: Path) -> None:
    for length in range(len(SOUND)):
        with pytest.raises(WorkbenchError):
            opened(tmp_path, SOUND[:length])


def test_every_changed_byte_is_refused_or_harmless(tmp_path: Path) -> None:
    for place in range(len(SOUND)):
        data = bytearray(SOUND)
        data[place] ^= 0xFF
        with pytest.raises(WorkbenchError):
            opened(tmp_path, bytes(data))


def test_what_a_newer_workbench_added_is_said_and_not_shown(tmp_path: Path) -> None:
    host = {"value": {"lengths": [1], "items": {"netns": [1], "name": ["a"], "value": ["b"], "colour": ["red"]}}}
    evidence = opened(tmp_path, section("sysctls", host)).evidence()
    assert "Sysctl.colour" in evidence.partial[0].reason


def test_a_newer_section_is_said_and_not_shown(tmp_path: Path) -> None:
    evidence = opened(tmp_path, section("weather", {"value": ["rain"]})).evidence()
    assert "weather" in evidence.partial[0].reason


def bomb(size: int) -> bytes:
    """A member of many zeros, whose headers say so."""
    packing = zlib.compressobj(9, zlib.DEFLATED, -15)
    data = b"".join(packing.compress(bytes(1 << 20)) for _ in range(size >> 20)) + packing.flush()
    crc = 0
    for _ in range(size >> 20):
        crc = zlib.crc32(bytes(1 << 20), crc)
    name = b"manifest.json"
    common = (20, 0, 8, 0, 33, crc, len(data), size, len(name), 0)
    local = LOCAL.pack(b"PK\x03\x04", *common) + name + data
    entry = CENTRAL.pack(b"PK\x01\x02", 3 << 8 | 20, *common, 0, 0, 0, 0o100600 << 16, 0) + name
    return local + entry + END.pack(b"PK\x05\x06", 0, 0, 1, 1, len(entry), len(local), 0)


def many_members(count: int) -> bytes:
    return archive({"manifest.json": b"{}", **{f"moments/{number:04}/a.json": b"{}" for number in range(count)}})


def within(size: int, piece: bytes) -> bytes:
    """JSON that takes much memory for its bytes, repeated up to a size."""
    return b"[" + b",".join([piece] * (size // (len(piece) + 1))) + b"]"


def listed(items: Iterable[bytes]) -> bytes:
    return b"[" + b",".join(items) + b"]"


BOMBS = {
    "of zeros": lambda: bomb(1 << 26),
    "of many members": lambda: many_members(9000),
    "of empty lists": lambda: section("rules", within(20 << 20, b"[]")),
    "of objects": lambda: section("rules", within(20 << 20, b'{"a":{}}')),
    "of numbers": lambda: section("rules", listed([b"%d" % (n * 7919 % 99991 + 300) for n in range(20_000)] * 200)),
    "of short texts": lambda: section("rules", listed([b'"%x"' % (n * 7919 % 1048573) for n in range(20_000)] * 130)),
    "of equal values": lambda: section(
        "sockets", {"value": {"lengths": [10_000_000], "items": {"netns": {"each": 1}, "family": {"each": 2}}}}
    ),
    "of tuples in tuples": lambda: section(
        "images", {"value": {"lengths": [900_000], "items": {"tasks": {"lengths": {"each": 1000}, "items": {}}}}}
    ),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_with_little_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    path.write_bytes(BOMBS[name]())
    program = f"""
import resource, sys, re
from workbench.errors import WorkbenchError
from workbench.read.bundle import Bundle
try:
    found = Bundle({str(path)!r})
    found.evidence()
except WorkbenchError as error:
    print(error)
else:
    sys.exit("it was not refused")
usage = resource.getrusage(resource.RUSAGE_SELF)
peak = re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1]
print(peak, usage.ru_utime + usage.ru_stime)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    kibibytes, seconds = done.stdout.splitlines()[-1].split()
    assert int(kibibytes) < 256 << 10
    assert float(seconds) < 5


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.sampled_from(["host", "sockets", "rules", "images", "logs", "events", "files", "partial"]), value=JSON)
def test_whatever_a_section_holds_only_the_one_error_comes_out(name: str, value: object, tmp_path: Path) -> None:
    for content in ({"value": value}, {"gap": value}):
        try:
            opened(tmp_path, section(name, content))
        except WorkbenchError:
            continue


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=st.dictionaries(st.sampled_from(list(json.loads(manifest({})))), JSON, max_size=4))
def test_whatever_the_manifest_says_only_the_one_error_comes_out(row: dict[str, object], tmp_path: Path) -> None:
    try:
        opened(tmp_path, bundle(**row))
    except WorkbenchError:
        return


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.binary(max_size=400), place=st.integers(0, len(SOUND)))
def test_whatever_the_bytes_only_the_one_error_comes_out(data: bytes, place: int, tmp_path: Path) -> None:
    for content in (data, SOUND[:place] + data, SOUND[:place] + data + SOUND[place + len(data) :]):
        try:
            opened(tmp_path, content)
        except WorkbenchError:
            continue
