"""Connections in every state, dumped and restored by CRIU, and proved to go on, or not."""

import hashlib
import time
from pathlib import Path

import pytest

from tests.e2e.connection.both_ends import PEER_SENDS, pattern
from tests.e2e.connection.conftest import Make
from tests.e2e.connection.harness import DEADLINE_S, BothEnds
from workbench.collect.live import LiveSource
from workbench.evidence import Connection, Gap, ImageSocket, TcpState
from workbench.operation.progress import End, Proof, Verdict
from workbench.operation.proof import After, prove
from workbench.read.criu_images import read_image_directory
from workbench.repair.options import read_options
from workbench.repair.record import ReadSocket

pytestmark = [pytest.mark.root, pytest.mark.criu]

SITUATIONS = (
    "idle", "unread", "unsent", "in-flight", "close-wait", "fin-wait1", "fin-wait2", "closing", "last-ack", "reset",
)  # fmt: skip


def look(source: LiveSource, ends: BothEnds, connection: Connection) -> After:
    """Both ends as evidence tells them now."""
    evidence = source.evidence()
    assert not isinstance(evidence.sockets, Gap), evidence.sockets
    assert not isinstance(evidence.sequences, Gap), evidence.sequences
    here = {each.connection: each for each in evidence.sockets if each.netns == ends.netns}
    ours, peer = here.get(connection), here.get(connection.reversed)
    return After(
        now=End(ours, evidence.sequences.get(ends.cookie)),
        peer=End(peer, evidence.sequences.get(peer.cookie) if peer else None),
    )


def proved(ends: BothEnds, image: ImageSocket, held: ReadSocket, wanted: Verdict = Verdict.CONTINUED) -> Proof:
    """The proof, once it says what is wanted, or as it stands when patience ends."""
    source = LiveSource({"sockets", "sequences"})
    deadline = time.monotonic() + DEADLINE_S
    try:
        while True:
            after = {image.connection: look(source, ends, image.connection)}
            (proof,) = prove([image], {image.connection: held}, after)
            if proof.verdict is wanted or time.monotonic() > deadline:
                return proof
            time.sleep(0.02)
    finally:
        source.close()


@pytest.mark.parametrize("family", ["4", "6"])
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_connection_in_any_state_goes_on(
    connect: Make, criu: str, tmp_path: Path, family: str, situation: str
) -> None:
    ends = connect(family, situation)
    live = ends.sequences()
    dumped = ends.dump(criu, tmp_path)
    directory = read_image_directory(tmp_path)
    assert (directory.complete, directory.problems, directory.dumps_netns) == (True, (), False)
    (image,) = directory.sockets
    assert dumped is not None
    assert (image.state, image.queue) == (dumped.state, dumped.queue)
    assert image.connection.local == dumped.connection.local
    assert image.connection.peer == dumped.connection.peer or situation == "reset"  # a closed socket forgot its peer
    assert image.sequences is not None
    for name in ("write_seq", "rcv_nxt"):  # nothing new is written, whatever is acknowledged meanwhile
        assert getattr(image.sequences, name) == getattr(live, name)
    assert image.queue is not None
    assert image.queue.received == pattern(1000 if situation in PEER_SENDS else 0)

    held = ends.restore(criu, tmp_path)
    wanted = Verdict.SILENT if situation == "in-flight" else Verdict.CONTINUED
    proof = proved(ends, image, held, wanted)
    assert proof.verdict is wanted, proof
    if wanted is Verdict.SILENT:
        assert "not acknowledged yet, our next retransmission is" in proof.sentence
    assert proof.bytes_checked == len(image.queue.received) + len(image.queue.sent)

    if ends.written:
        count, digest = ends.order("drain").split()
        assert int(count) == ends.written
        assert digest == hashlib.sha256(pattern(ends.written)).hexdigest()
    if situation not in {"close-wait", "closing", "last-ack", "reset"}:
        assert ends.order("send 500") == "sent"
    proof = proved(ends, image, held)
    assert proof.verdict is Verdict.CONTINUED, proof
    if ends.written and situation not in {"closing", "last-ack"}:
        assert "acknowledged since" in proof.sentence
        assert "500 bytes received since" in proof.sentence


def test_a_dump_that_leaves_the_process_running_is_proved_alike(connect: Make, criu: str, tmp_path: Path) -> None:
    ends = connect("4", "unread")
    held = ends.dump(criu, tmp_path, leave_running=True)
    (image,) = read_image_directory(tmp_path).sockets
    assert held is not None
    assert proved(ends, image, held).verdict is Verdict.CONTINUED


def test_options_that_criu_loses_are_named(connect: Make, criu: str, tmp_path: Path) -> None:
    ends = connect("4", "idle")
    with ends.borrowed() as sock:
        sock.setsockopt(6, 18, 4321)  # TCP_USER_TIMEOUT
        before = read_options(sock)
    ends.dump(criu, tmp_path)
    (image,) = read_image_directory(tmp_path).sockets
    held = ends.restore(criu, tmp_path)
    source = LiveSource({"sockets", "sequences"})
    after = look(source, ends, image.connection)
    source.close()
    (proof,) = prove([image], {image.connection: held}, {image.connection: after}, {image.connection: before})
    assert "TCP_USER_TIMEOUT 4321 -> 0" in proof.sentence
    assert "TCP_KEEPIDLE" not in proof.sentence
    assert held.socket_options["TCP_KEEPIDLE"] == 777


def edit_stream(images: Path, **changes: int) -> None:
    """Add to fields of the stream image, as a restore with a fault of its own would have it."""
    from pycriu.images import tcp_stream_pb2

    (path,) = images.glob("tcp-stream-*.img")
    content = path.read_bytes()
    end = 12 + int.from_bytes(content[8:12], "little")
    entry = tcp_stream_pb2.tcp_stream_entry()
    entry.ParseFromString(content[12:end])
    for name, more in changes.items():
        setattr(entry, name, (getattr(entry, name) + more) % (1 << 32))
    body = entry.SerializeToString()
    path.write_bytes(content[:8] + len(body).to_bytes(4, "little") + body + content[end:])


@pytest.mark.parametrize(
    ("change", "clause"),
    [
        ({"outq_seq": 1}, "write_seq"),
        ({"outq_seq": -1}, "write_seq"),
        ({"inq_seq": -1, "rcv_wup": -1}, "rcv_nxt"),
        ({"inq_seq": 1}, "rcv_nxt"),
        ({"snd_wnd": -1}, "snd_wnd"),
        ({"rcv_wnd": -1}, "window that it offers"),
        ({"mss_clamp": -1}, "mss_clamp"),
        ({"rcv_wscale": -1}, "rcv_wscale"),
    ],
)
def test_a_restore_that_is_off_by_one_is_found(
    connect: Make, criu: str, tmp_path: Path, change: dict[str, int], clause: str
) -> None:
    ends = connect("4", "unread")
    ends.dump(criu, tmp_path)
    (image,) = read_image_directory(tmp_path).sockets
    edit_stream(tmp_path, **change)
    held = ends.restore(criu, tmp_path)
    proof = proved(ends, image, held, Verdict.LOST)
    assert proof.verdict is Verdict.LOST
    assert clause in proof.sentence


def test_one_wrong_byte_in_a_queue_is_found(connect: Make, criu: str, tmp_path: Path) -> None:
    ends = connect("4", "unread")
    ends.dump(criu, tmp_path)
    (image,) = read_image_directory(tmp_path).sockets
    (path,) = tmp_path.glob("tcp-stream-*.img")
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    held = ends.restore(criu, tmp_path)
    proof = proved(ends, image, held, Verdict.LOST)
    assert "receive queue differs from the images at byte 999 of 1000" in proof.sentence


def test_a_reset_after_the_release_is_found(connect: Make, criu: str, tmp_path: Path) -> None:
    ends = connect("4", "idle")
    ends.dump(criu, tmp_path)
    (image,) = read_image_directory(tmp_path).sockets
    held = ends.restore(criu, tmp_path)
    assert proved(ends, image, held).verdict is Verdict.CONTINUED
    ends.order("reset")
    proof = proved(ends, image, held, Verdict.RESET)
    assert proof.verdict is Verdict.RESET, proof
    assert image.state is TcpState.ESTABLISHED
