"""Archives made to harm whoever opens them: one line each, exit status 2, little memory and time, nothing written."""

import gzip
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import pytest
import zstandard

BLOCK = 512
MIB = 1 << 20


def header(
    name: bytes = b"config.dump", size: int | bytes = 2, kind: bytes = b"0", *, sparse_goes_on: bool = False
) -> bytes:
    """One header with a right sum, whatever else is wrong with it."""
    if isinstance(size, int):
        size = b"%011o\0" % size if size < 1 << 33 else b"\x80" + size.to_bytes(11, "big")
    before = name[:100].ljust(100, b"\0") + b"0000644\0" + b"0000000\0" * 2 + size + b"%011o\0" % 0
    after = kind + bytes(100) + b"ustar\x0000" + bytes(217) + bytes([sparse_goes_on]) + bytes(29)
    return before + b"%06o\0 " % (sum(before) + sum(after) + 8 * 0x20) + after


def tar(*parts: bytes) -> bytes:
    return b"".join(part + bytes(-len(part) % BLOCK) for part in parts) + bytes(2 * BLOCK)


def member(name: bytes, content: bytes = b"{}", kind: bytes = b"0") -> bytes:
    made = header(name, len(content), kind) + content
    return made + bytes(-len(made) % BLOCK)


def pax(*records: bytes, kind: bytes = b"x") -> bytes:
    return member(b"pax", b"".join(b"%d %s\n" % (_length(record), record) for record in records), kind=kind)


def _length(record: bytes) -> int:
    digits = len(str(len(record) + 2))
    return len(record) + 2 + len(str(len(record) + 2 + digits))


def _link(name: str, kind: bytes) -> bytes:
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        about = tarfile.TarInfo(name)
        about.type, about.linkname = kind, "/etc/shadow"
        archive.addfile(about)
    return made.getvalue()


class Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self) -> bytes: ...


def _bomb(compressor: Compressor, mebibytes: int) -> bytes:
    zeros = bytes(MIB)
    first = compressor.compress(header(b"rootfs-diff.tar", mebibytes * MIB))
    return first + b"".join(compressor.compress(zeros) for _ in range(mebibytes)) + compressor.flush()


def _zstd_window() -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=30, enable_ldm=True)
    return zstandard.ZstdCompressor(compression_params=parameters).compressobj().compress(bytes(MIB)) + b""


HOSTILE: dict[str, Callable[[], bytes]] = {
    "a name that climbs out": lambda: tar(member(b"../../etc/cron.d/x")),
    "a name that climbs out in the middle": lambda: tar(member(b"checkpoint/../../x.img")),
    "an absolute name": lambda: tar(member(b"/etc/passwd")),
    "an absolute name in a pax header": lambda: tar(pax(b"path=/etc/passwd"), member(b"config.dump")),
    "a name that climbs out in a long name": lambda: tar(member(b"l", b"../../x\0", kind=b"L"), member(b"config.dump")),
    "escape sequences in a name": lambda: tar(member(b"\x1b]52;c;aGk=\x07\x1b[31m/../x")),
    "a symbolic link in place of a file": lambda: _link("config.dump", tarfile.SYMTYPE),
    "a hard link": lambda: _link("checkpoint/inventory.img", tarfile.LNKTYPE),
    "a device": lambda: _link("checkpoint/sda", tarfile.BLKTYPE),
    "a pipe": lambda: _link("dump.log", tarfile.FIFOTYPE),
    "the same name twice": lambda: tar(member(b"config.dump"), member(b"./config.dump")),
    "a gzip bomb": lambda: _bomb(zlib.compressobj(1, wbits=31), 100),
    "a zstd bomb": lambda: _bomb(zstandard.ZstdCompressor().compressobj(), 200),
    "a zstd bomb of half a gigabyte": lambda: _bomb(zstandard.ZstdCompressor().compressobj(), 512),
    "a window of a gigabyte": _zstd_window,
    "gzip in gzip": lambda: gzip.compress(gzip.compress(tar(member(b"config.dump")))),
    "zstd in gzip": lambda: gzip.compress(zstandard.compress(tar(member(b"config.dump")))),
    "a member larger than all": lambda: tar(header(b"config.dump", 1 << 40)),
    "an absurd size": lambda: tar(header(size=b"\x80" + b"\xff" * 11)),
    "a negative size": lambda: tar(header(size=b"\xff" * 12)),
    "a size that is no number": lambda: tar(header(size=b"many       \0")),
    "a size in a pax header": lambda: tar(pax(b"size=99999999999"), member(b"config.dump")),
    "a size in a pax header that is no number": lambda: tar(pax(b"size=-1"), member(b"config.dump")),
    "a pax header of a gigabyte": lambda: tar(header(b"pax", 1 << 30, kind=b"x")),
    "a pax header that makes no sense": lambda: tar(member(b"pax", b"99999999 path=x\n" * 3 + b"0 a=b", kind=b"x")),
    "a pax header whose length is wrong": lambda: tar(member(b"pax", b"x y", kind=b"x")),
    "a global pax header of a gigabyte": lambda: tar(header(b"pax", 1 << 30, kind=b"g")),
    "a long name of a gigabyte": lambda: tar(header(b"l", 1 << 30, kind=b"L")),
    "a file with holes": lambda: tar(pax(b"GNU.sparse.major=1", b"GNU.sparse.realsize=9"), member(b"config.dump")),
    "an old file with holes": lambda: tar(member(b"checkpoint/files.img", b"x", kind=b"S")),
    "a map of holes without an end": lambda: header(b"x.img", 0, b"S", sparse_goes_on=True) + b"\1" * (9 * BLOCK),
    "cut within a member": lambda: tar(member(b"config.dump", b"x" * 2000))[:1500],
    "cut between members": lambda: member(b"config.dump"),
    "cut within a header": lambda: header()[:300],
    "a gzip stream that is cut": lambda: gzip.compress(tar(member(b"config.dump", os.urandom(9000))))[:4000],
    "a gzip stream with a flipped bit": lambda: _flipped(gzip.compress(tar(member(b"config.dump", os.urandom(9000))))),
    "a zstd stream that is cut": lambda: zstandard.compress(tar(member(b"config.dump", os.urandom(9000))))[:4000],
    "a gzip header with a name of a megabyte": lambda: b"\x1f\x8b\x08\x08" + bytes(6) + b"n" * MIB,
    "too much that would be kept": lambda: tar(*(member(b"core-%d.img" % each, bytes(MIB)) for each in range(40))),
    "metadata of three megabytes": lambda: tar(member(b"config.dump", b"[" * (3 * MIB))),
    "more members than any has": lambda: gzip.compress(member(b"directory/", b"", b"5") * 140_000 + bytes(1024), 1),
    "a wrong sum": lambda: tar(header()[:148] + b"777777\0 " + header()[156:]),
    "nothing at all in it": tar,
    "nothing of a checkpoint in it": lambda: tar(member(b"letter.txt")),
    "text that is compressed": lambda: gzip.compress(b"no tar at all" * 100),
}  # fmt: skip


def _flipped(content: bytes) -> bytes:
    return content[:3000] + bytes([content[3000] ^ 255]) + content[3001:]


_CHECK = """
import contextlib, io, json, os, sys, time
from workbench.cli.main import run
import workbench.read.checkpoint_archive, pycriu.images.inventory_pb2, zstandard
def peak_kib():
    status = open("/proc/self/status").read().split()
    return int(status[status.index("VmHWM:") + 1])
began = peak_kib()
for path in sorted(os.scandir(sys.argv[1]), key=lambda entry: int(entry.name)):
    cpu = time.process_time()
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        status = run(["check", path.path])
    peak = peak_kib()
    seconds = time.process_time() - cpu
    sys.stderr.write(json.dumps([int(path.name), printed.getvalue(), status, (peak - began) // 1024, seconds]) + "\\n")
"""


@dataclass(frozen=True)
class Answer:
    said: list[str]
    printed: str
    """On standard output."""
    status: int
    peak_mib: int
    """Above what the program needed before the first archive; it never falls."""
    seconds: float
    """Of the processor."""


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """What one process said of each archive, one after the other."""
    place, empty = tmp_path_factory.mktemp("hostile"), tmp_path_factory.mktemp("working-directory")
    for number, make in enumerate(HOSTILE.values()):
        (place / str(number)).write_bytes(make())
    done = subprocess.run(
        [sys.executable, "-c", _CHECK, str(place)],
        capture_output=True, cwd=empty, timeout=100, check=True, env=os.environ | {"TMPDIR": str(empty)},
    )  # fmt: skip
    assert list(empty.iterdir()) == []
    found: dict[str, Answer] = {}
    said: list[str] = []
    titles = tuple(HOSTILE)
    for line in done.stderr.decode().splitlines():
        if line.startswith("["):
            number, *rest = json.loads(line)
            found[titles[number]] = Answer(said, *rest)
            said = []
        else:
            said.append(line)
    shutil.rmtree(place)
    return found


@pytest.mark.parametrize("title", HOSTILE)
def test_it_is_refused_in_one_line(answers: dict[str, Answer], title: str) -> None:
    answer = answers[title]
    assert answer.printed == ""
    assert answer.status == 2
    (line,) = answer.said
    assert line.startswith("workbench: error: ")
    assert line.isprintable()
    assert len(line) < 400
    assert answer.peak_mib < 256
    assert answer.seconds < 5
