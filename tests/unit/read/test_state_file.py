"""The state of a connection in a file: as it was written, or one sentence."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.cli.sources import read_sources
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint, Gap, Queue, TcpState
from workbench.evidence.state import State
from workbench.read.recognise import Kind, recognise
from workbench.read.state_file import read_state, read_state_as_images, unpack
from workbench.repair.pack import pack, write_state

STATE = State(
    connection=Connection(Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.1", 40000)),
    family=2,
    state=TcpState.ESTABLISHED,
    write_seq=10,
    rcv_nxt=4_000_000_000,
    snd_nxt=6,
    snd_wnd=65536,
    max_window=65536,
    snd_wl1=3_999_999_000,
    rcv_wnd=64000,
    rcv_wup=4_000_000_000,
    queue=Queue(b"abc", b"0123456789abcdef", 4),
    mss_clamp=1460,
    options=7,
    snd_wscale=7,
    rcv_wscale=9,
    timestamp=12345678,
    socket_options={"TCP_NODELAY": 1, "TCP_CONGESTION": "bbr", "TCP_LINGER2": -1},
    nonblocking=True,
    taken=1.5,
)


def test_what_is_written_is_read(tmp_path: Path) -> None:
    path = tmp_path / "connection"
    write_state(STATE, path)
    assert read_state(path) == STATE
    assert dict(read_state(path).socket_options) == dict(STATE.socket_options)
    assert path.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["connection"]


def test_sequence_numbers_wrap() -> None:
    assert STATE.send_start == (10 - 16) % (1 << 32)
    assert STATE.sequences.in_flight == 12
    assert STATE.sequences.unsent == 4
    assert unpack(pack(STATE)) == STATE


@pytest.mark.parametrize(
    ("state", "una", "start"),
    [
        (TcpState.FIN_WAIT1, 10 - 1 - 16, 4_000_000_000 - 3),
        (TcpState.CLOSING, 10 - 1 - 16, 4_000_000_000 - 1 - 3),
        (TcpState.CLOSE_WAIT, 10 - 16, 4_000_000_000 - 1 - 3),
    ],
)
def test_a_fin_has_a_number_and_is_no_byte(state: TcpState, una: int, start: int) -> None:
    changed = dataclasses.replace(STATE, state=state)
    assert changed.snd_una == una % (1 << 32)
    assert changed.receive_start == start


def test_it_is_shown_like_a_socket_of_an_image(tmp_path: Path) -> None:
    write_state(STATE, tmp_path / "connection")
    (socket,) = read_state_as_images(tmp_path / "connection").sockets
    assert socket.connection == STATE.connection
    assert socket.queue == STATE.queue
    assert socket.sequences is not None
    assert socket.sequences.unread == 3


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_no_changed_byte_goes_unnoticed(place: int, change: int) -> None:
    content = bytearray(pack(STATE))
    content[place % len(content)] ^= change
    with pytest.raises(WorkbenchError):
        unpack(bytes(content))


@given(st.integers(0, 10_000))
def test_no_cut_goes_unnoticed(length: int) -> None:
    content = pack(STATE)
    with pytest.raises(WorkbenchError):
        unpack(content[: length % len(content)])


@given(st.binary(max_size=300))
def test_any_bytes_are_refused_in_one_sentence(content: bytes) -> None:
    with pytest.raises(WorkbenchError):
        unpack(content)
    with pytest.raises(WorkbenchError):
        unpack(b"tcp-connection 1\n" + content)


def resealed(content: bytes) -> bytes:
    """With a checksum that is right again."""
    import hashlib

    return content + f"sha256 {hashlib.sha256(content).hexdigest()}\n".encode()


@pytest.mark.parametrize(
    ("old", "new", "word"),
    [
        (b'"unsent": 4', b'"unsent": 40', "unsent"),
        (b'"sent": 16', b'"sent": 1073741825', "sent"),
        (b'"received": 3', b'"received": true', "received"),
        (b'"10.0.0.2", 7022', b'"10.0.0.2", 0', "port"),
        (b'"10.0.0.2", 7022', b'"::1", 7022', "address"),
        (b'"ESTABLISHED"', b'"LISTEN"', "LISTEN"),
        (b'"ESTABLISHED"', b'"NOWHERE"', "NOWHERE"),
        (b'"max_window": 65536', b'"max_window": 1', "max_window"),
        (b'"rcv_wup": 4000000000', b'"rcv_wup": 4000000001', "rcv_wup"),
        (b'"snd_nxt": 6', b'"snd_nxt": 600', "snd_nxt"),
        (b'"rcv_wscale": 9', b'"rcv_wscale": 15', "scale"),
        (b'{"TCP_NODELAY": 1', b'{"TCP_NODELAY": []', "options"),
        (b'"write_seq": 10', b'"write_seq": 10.5', "write_seq"),
        (b"tcp-connection 1", b"tcp-connection 2", "version 2"),
    ],
)
def test_a_header_that_makes_no_sense_is_refused(old: bytes, new: bytes, word: str) -> None:
    content = pack(STATE).rpartition(b"sha256 ")[0]
    assert old in content
    with pytest.raises(WorkbenchError, match=word):
        unpack(resealed(content.replace(old, new)))


def test_it_is_recognised_and_read_as_a_source(tmp_path: Path) -> None:
    write_state(STATE, tmp_path / "any-name")
    assert recognise(tmp_path / "any-name") is Kind.STATE
    gathered = read_sources([str(tmp_path / "any-name")])
    assert gathered.unreadable == ()
    assert not isinstance(gathered.evidence.images, Gap)
    assert gathered.evidence.images[0].sockets[0].connection == STATE.connection
