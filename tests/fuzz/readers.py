"""Every reader of workbench/read as a function of bytes, with recordings to begin from.

Whatever the bytes, only WorkbenchError may come out: that is what both the fuzzer (run.py) and the quick properties of
tests/unit/read/test_hostile.py hold.
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from workbench.bundle import archive
from workbench.cli.event_rows import attribution_row, event_row
from workbench.errors import WorkbenchError
from workbench.evidence import Backend, Connection, Endpoint, Event, EventKind, Queue, Rule, TcpState
from workbench.evidence.attribution import Attribution, Cause
from workbench.evidence.event import Maker, Segment
from workbench.evidence.reset_trail import Effect
from workbench.evidence.state import State
from workbench.read.bundle import MANIFEST, Bundle
from workbench.read.checkpoint_archive import read_checkpoint_archive
from workbench.read.conntrack_list import read_conntrack
from workbench.read.container_metadata import METADATA, container_of
from workbench.read.crit_json import read_crit_json
from workbench.read.criu_images import read_images
from workbench.read.criu_log import read_log
from workbench.read.events_file import read_events
from workbench.read.image_store import MemoryStore
from workbench.read.log_digest import digest_of
from workbench.read.netfilter_dump import read_netfilter_dump
from workbench.read.nft_json import nft_text
from workbench.read.pcap import read_capture
from workbench.read.recognise import recognise
from workbench.read.ss_output import read_ss
from workbench.read.state_file import unpack
from workbench.repair.pack import pack

RECORDINGS = Path(__file__).parents[2] / "fixtures" / "recordings"
_SHARED = {
    path.name: path.read_bytes()
    for path in sorted((RECORDINGS / "images" / "shared").iterdir())
    if not path.name.startswith(("mm-", "fs-", "seccomp", "timens", "pages", "pagemap"))
}
NAMES = tuple(_SHARED)
"""Files of an image directory; the first byte of an input chooses which one the rest replaces."""


@dataclass(frozen=True, slots=True)
class Reader:
    """One reader."""

    read: Callable[[bytes], object]
    seeds: Callable[[], Iterator[bytes]]
    dictionary: tuple[str, ...] = ()
    """Words that the input may contain."""


def _text(content: bytes) -> str:
    return content.decode("utf-8", "surrogateescape")


@contextlib.contextmanager
def _file(content: bytes) -> Iterator[Path]:
    """A file in memory: nothing is left if the process is ended."""
    descriptor = os.memfd_create("input")
    try:
        os.write(descriptor, content)
        yield Path(f"/proc/self/fd/{descriptor}")
    finally:
        os.close(descriptor)


def _by_path(read: Callable[[Path], object]) -> Callable[[bytes], object]:
    def reader(content: bytes) -> object:
        with _file(content) as path:
            return read(path)

    return reader


def _images(content: bytes) -> object:
    files = _SHARED | {NAMES[content[0] % len(NAMES)]: content[1:]} if content else _SHARED
    return read_images(MemoryStore("images", files, 0, 0.0))


def _metadata(content: bytes) -> object:
    parts = content.split(b"\xff\xfe")
    return container_of("archive", None, dict(zip(sorted(METADATA), parts, strict=False)), None)


def _gunzipped(content: bytes) -> object:
    return read_archive(gzip.compress(content, 1))


read_archive = _by_path(read_checkpoint_archive)


def _recorded(*patterns: str) -> Callable[[], Iterator[bytes]]:
    def seeds() -> Iterator[bytes]:
        for pattern in patterns:
            for path in sorted(RECORDINGS.glob(pattern)):
                if path.stat().st_size <= 1 << 17:
                    yield path.read_bytes()

    return seeds


def _image_seeds() -> Iterator[bytes]:
    for number, name in enumerate(NAMES):
        yield bytes([number]) + _SHARED[name]


def _tar_seeds() -> Iterator[bytes]:
    """Small archives of every form, and the recorded ones."""
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        made = io.BytesIO()
        with tarfile.open(fileobj=made, mode="w", format=form) as packing:
            for name in ("inventory.img", "pstree.img", "files.img"):
                about = tarfile.TarInfo(f"{'long/' * 30}checkpoint/{name}")
                about.size = len(_SHARED[name])
                packing.addfile(about, io.BytesIO(_SHARED[name]))
            for name in ("config.dump", "spec.dump"):
                about = tarfile.TarInfo(name)
                about.size = 2
                packing.addfile(about, io.BytesIO(b"{}"))
        yield made.getvalue()


def _crit_seeds() -> Iterator[bytes]:
    from pycriu import images

    for name in ("inventory.img", "files.img", "pstree.img"):
        for pretty in (False, True):
            yield json.dumps(images.load(io.BytesIO(_SHARED[name]), pretty)).encode()


def _open_bundle(path: Path, member: str = "") -> object:
    """What it says, and the first moment that the member belongs to, or the last one."""
    bundle = Bundle(str(path))
    try:
        places = [number for number, each in enumerate(bundle.moments) if member in each.sections.values()]
        if places:
            bundle.go(places[0])
        return bundle.findings(), bundle.evidence()
    finally:
        bundle.close()


_BUNDLE = zipfile.ZipFile(RECORDINGS / "bundles" / "format-1.zip")
_MEMBERS = {name: archive.pack(name, _BUNDLE.read(name)) for name in _BUNDLE.namelist()}
_CHOICE = tuple(_MEMBERS)


def _bundle(content: bytes) -> object:
    """A bundle of which the member that the first byte chooses holds the rest; sums and sizes fit."""
    name = _CHOICE[content[0] % len(_CHOICE)] if content else _CHOICE[0]
    members = _MEMBERS | {name: archive.pack(name, content[1:])}
    if name != MANIFEST:
        manifest = json.loads(_MEMBERS[MANIFEST].content)
        for each in manifest["members"]:
            if each["name"] == name:
                each |= {"size": len(content[1:]), "sha256": hashlib.sha256(content[1:]).hexdigest()}
        members[MANIFEST] = archive.pack(MANIFEST, json.dumps(manifest).encode())
    made = io.BytesIO()
    archive.write_archive(made, members.values())
    return _by_path(lambda path: _open_bundle(path, name))(made.getvalue())


def _bundle_seeds() -> Iterator[bytes]:
    for number, name in enumerate(_CHOICE):
        yield bytes([number]) + _MEMBERS[name].content


def _state(content: bytes) -> object:
    """The state of a connection with a sum that fits."""
    return unpack(content + f"sha256 {hashlib.sha256(content).hexdigest()}\n".encode())


def _state_seeds() -> Iterator[bytes]:
    state = State(
        Connection(Endpoint("10.0.0.1", 7022), Endpoint("10.0.0.2", 40000)), 2, TcpState.ESTABLISHED, write_seq=10,
        rcv_nxt=20, snd_nxt=6, snd_wnd=65536, max_window=65536, snd_wl1=19, rcv_wnd=64000, rcv_wup=20,
        queue=Queue(b"abc", b"0123456789", 4), mss_clamp=1460, options=7, snd_wscale=7, rcv_wscale=7, timestamp=2,
    )  # fmt: skip
    yield pack(state)[: -len("sha256 ") - 65]


def _event_seeds() -> Iterator[bytes]:
    ends = Connection(Endpoint("10.0.0.1", 7022), Endpoint("fd00::2", 40000))
    segment = Segment(1, 2, 4, 0, 64, 0, 7)
    events = (
        Event(1, EventKind.STATE, 77, ends, 5, 9, "server", before=TcpState.CLOSE, state=TcpState.LISTEN),
        Event(2, EventKind.RESET_PACKET, 78, ends, maker=Maker.FORWARDED, incoming=True, segment=segment),
    )
    rows = [event_row(event, 1_700_000_000_000_000_000, {}) for event in events]
    rule = Rule(77, Backend.NFTABLES, "inet", "t", "c", "drop", 0, 4)
    found = Attribution(2, Cause.NO_SOCKET, ends, 77, Effect.TAKEN, "NO_SOCKET", "nobody", 3, rule)
    rows.append(attribution_row(found, 1_700_000_000_000_000_000, {}))
    yield "\n".join(map(json.dumps, rows)).encode()


READERS: dict[str, Reader] = {
    "archive": Reader(read_archive, _recorded("podman/*.tar.*")),
    "bundle": Reader(_bundle, _bundle_seeds, ('"value"', '"gap"', "null")),
    "bundle-file": Reader(_by_path(_open_bundle), _recorded("bundles/*")),
    "capture": Reader(_by_path(read_capture), _recorded("podman/*.pcap")),
    "conntrack": Reader(
        lambda content: read_conntrack(_text(content).split("\n")),
        _recorded("podman/conntrack*"),
        ("src=", "<flow", "[ASSURED]"),
    ),
    "crit": Reader(lambda content: read_crit_json("tcp-stream-1.json", content), _crit_seeds, ('"magic"', '"entries"')),
    "digest": Reader(
        lambda content: digest_of("dump.log", content), _recorded("established/images/*.log"), ("Error (", "FAILED")
    ),
    "events": Reader(_by_path(read_events), _event_seeds, ('"kind"', "null", '"at_ns"')),
    "images": Reader(_images, _image_seeds),
    "log": Reader(_by_path(lambda path: sum(1 for _ in read_log(path))), _recorded("established/images/*.log")),
    "metadata": Reader(
        _metadata, lambda: iter((b'{"id": "a"}\xff\xfe{"annotations": {}}\xff\xfe[]',)), ("\\xff\\xfe", '"podman"')
    ),
    "netfilter": Reader(
        lambda content: read_netfilter_dump(_text(content)),
        _recorded("netfilter/*", "established*/*.txt"),
        ("table inet CRIU-", "*filter", "COMMIT", "-A INPUT", "-j DROP", "elements = {"),
    ),
    "nft-json": Reader(
        lambda content: read_netfilter_dump(nft_text(_text(content))),
        _recorded("established*/*.json"),
        ('"nftables"', '"rule"'),
    ),
    "recognise": Reader(_by_path(recognise), _recorded("podman/*", "netfilter/*", "established/images/*")),
    "ss": Reader(
        lambda content: read_ss(_text(content).split("\n")),
        _recorded("podman/*.ss"),
        ("ESTAB", "timer:(", "users:((", "skmem:("),
    ),
    "state": Reader(_state, _state_seeds, ("tcp-connection 1", "null")),
    "tar": Reader(read_archive, _tar_seeds, ("ustar", "path=", "size=")),
}


def only_the_documented_error(reader: Reader, content: bytes) -> None:
    """Raises whatever else the reader raises."""
    with contextlib.suppress(WorkbenchError):
        reader.read(content)


def scratch() -> Path:
    """A directory for what the fuzzer keeps."""
    return Path(tempfile.gettempdir()) / "workbench-fuzz"
