"""Live captures on the hosts of a lab: chosen connections and nothing else, saved so that others can read them."""

import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from scapy.layers.inet import IP, TCP
from scapy.layers.inet6 import IPv6
from scapy.utils import PcapNgReader

from workbench.collect.capture import LiveCapture, Saved
from workbench.collect.namespaces import inside
from workbench.collect.packet_filter import program
from workbench.collect.packet_ring import PacketRing
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint, NetworkNamespace, Packet
from workbench.evidence.event import FIN, RST, SYN
from workbench.evidence.packet_notes import follow
from workbench.evidence.packet_sign import Sign
from workbench.lab.marker import new_id
from workbench.lab.namespaces import Host, address, join
from workbench.read.pcap import read_capture
from workbench.read.pcap_records import Record

pytestmark = pytest.mark.root
DEADLINE_S = 20.0
V4, V6 = ("10.77.0.1", "10.77.0.2"), ("2001:db8:77::1", "2001:db8:77::2")


@dataclass
class Cable:
    """Two hosts with a cable between them."""

    near: Host
    far: Host

    @property
    def namespaces(self) -> dict[int, tuple[NetworkNamespace, str]]:
        return {host.inode: (host.namespace, host.name) for host in (self.near, self.far)}


@pytest.fixture(scope="module")
def cable() -> Iterator[Cable]:
    lab = new_id()
    near = Host("near", lab)
    far = Host("far", lab)
    join(near, far)
    for host, number in ((near, "1"), (far, "2")):
        host.configure("link set lo up")
        address(host, [f"10.77.0.{number}/24", f"2001:db8:77::{number}/64"])
    yield Cable(near, far)
    near.close()
    far.close()


class Pair:
    """A connection between the hosts, both of its ends in our hands."""

    def __init__(self, cable: Cable, ends: tuple[str, str]) -> None:
        family = socket.AF_INET6 if ":" in ends[0] else socket.AF_INET
        listener = inside(cable.near.path, lambda: socket.create_server((ends[0], 0), family=family))
        place = listener.getsockname()[:2]
        self.far = inside(cable.far.path, lambda: socket.create_connection(place, timeout=DEADLINE_S))
        self.near, _ = listener.accept()
        listener.close()
        local, peer = (Endpoint(*name[:2]) for name in (self.near.getsockname(), self.near.getpeername()))
        self.connection = Connection(local, peer)

    def exchange(self, times: int = 3) -> None:
        for _ in range(times):
            self.near.sendall(b"question")
            assert self.far.recv(8, socket.MSG_WAITALL) == b"question"
            self.far.sendall(b"answer")
            assert self.near.recv(6, socket.MSG_WAITALL) == b"answer"

    def close(self) -> None:
        self.far.close()
        self.near.recv(1)
        self.near.close()


def taken(live: LiveCapture, *, fins: int = 2) -> tuple[list[Record], list[Packet]]:
    """Everything until so many FINs were seen, copies not counted, and what was behind them."""
    records: list[Record] = []
    packets: list[Packet] = []
    deadline = time.monotonic() + DEADLINE_S
    while sum(bool(each.flags & FIN) and each.incoming is not False for each in packets) < fins:
        assert time.monotonic() < deadline, packets
        for record, packet in live.take(0.5):
            records.append(record)
            assert packet is not None
            packets.append(packet)
    for record, packet in live.rest():
        records.append(record)
        assert packet is not None
        packets.append(packet)
    return records, packets


@pytest.mark.parametrize("ends", [V4, V6], ids=["v4", "v6"])
def test_one_connection_of_several_is_captured_at_both_ends_without_its_payload(
    cable: Cable, ends: tuple[str, str], tmp_path: Path
) -> None:
    wanted, other = Pair(cable, ends), Pair(cable, ends)
    live = LiveCapture(cable.namespaces, [wanted.connection])
    other.exchange()
    wanted.exchange()
    other.close()
    wanted.close()
    records, packets = taken(live)
    capture = live.capture(packets)
    path = tmp_path / "x.pcapng"
    with path.open("wb") as file:
        saved = Saved(file, "headers only")
        assert saved.write(records)
        saved.finish(live.interfaces)
    live.close()
    assert {packet.way for packet in packets} == {wanted.connection, wanted.connection.reversed}
    assert [packet.at_ns for packet in packets] == sorted(packet.at_ns for packet in packets)
    assert {packet.payload for packet in packets} == {b""}
    followed = follow(packets)
    (flow,) = followed.flows
    assert flow.sent == {wanted.connection: 24, wanted.connection.reversed: 18}
    assert set(flow.signs) <= set()
    copies = [one for one in followed.segments if one.has(Sign.COPY)]
    assert len(copies) == len(packets) / 2
    assert {each.name for each in capture.interfaces} == {"near:eth0", "far:eth0"}
    assert {each.netns for each in capture.interfaces} == set(cable.namespaces)
    assert capture.dropped == 0
    assert sum(each.received or 0 for each in capture.interfaces) == len(packets)

    again = read_capture(path)
    assert again.problems == ()
    assert again.comments == ("headers only",)
    assert [(each.at_ns, each.way, each.seq, each.length, each.incoming) for each in again.packets] == [
        (each.at_ns, each.way, each.seq, each.length, each.incoming) for each in packets
    ]
    assert {(each.name, each.netns) for each in again.interfaces} == {
        (each.name, each.netns) for each in capture.interfaces
    }
    assert again.dropped == 0
    with PcapNgReader(str(path)) as reader:
        read = list(reader)
    assert len(read) == len(packets)
    network = IPv6 if ":" in ends[0] else IP
    assert [network(bytes(each))[TCP].seq for each in read] == [each.seq for each in packets]


def test_payload_only_if_it_is_asked_for_and_once_on_a_loopback_device(cable: Cable) -> None:
    here = {cable.near.inode: cable.namespaces[cable.near.inode]}
    live = LiveCapture(here, None, payload=True)
    listener = inside(cable.near.path, lambda: socket.create_server(("127.0.0.1", 0)))
    one = inside(cable.near.path, lambda: socket.create_connection(listener.getsockname()))
    two, _ = listener.accept()
    one.sendall(b"hello")
    assert two.recv(5) == b"hello"
    for each in (one, two, listener):
        each.close()
    _, packets = taken(live, fins=2)
    live.close()
    assert [packet.payload for packet in packets if packet.length] == [b"hello"]
    assert sum(packet.flags & SYN > 0 for packet in packets) == 2
    assert not any(one.has(Sign.COPY) for one in follow(packets).segments)


def test_a_reset_is_captured(cable: Cable) -> None:
    pair = Pair(cable, V4)
    live = LiveCapture(cable.namespaces, [pair.connection.reversed])
    pair.near.sendall(b"unread")
    select.select([pair.far], [], [], DEADLINE_S)
    pair.far.close()
    packets: list[Packet] = []
    deadline = time.monotonic() + DEADLINE_S
    while sum(bool(each.flags & RST) for each in packets) < 2:
        assert time.monotonic() < deadline
        packets += [packet for _, packet in live.take(0.5) if packet]
    live.close()
    pair.near.close()
    (reset,) = follow(packets).flows[0].resets
    assert reset.has(Sign.RESET)
    assert reset.packet.way == pair.connection.reversed


def test_what_comes_too_quickly_is_counted(cable: Cable) -> None:
    pair = Pair(cable, V4)
    pair.near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    ring = inside(cable.far.path, lambda: PacketRing(program([pair.connection], payload=True), blocks=2))
    for _ in range(400):
        pair.near.sendall(bytes(4000))
        pair.far.recv(4000, socket.MSG_WAITALL)
    assert ring.ready(DEADLINE_S)
    kept = sum(1 for _ in ring.take())
    ring.count()
    assert ring.dropped > 0
    assert kept <= ring.received - ring.dropped
    ring.close()
    pair.close()


def test_a_file_grows_no_further_than_it_may(cable: Cable, tmp_path: Path) -> None:
    pair = Pair(cable, V4)
    live = LiveCapture(cable.namespaces, [pair.connection])
    pair.exchange(50)
    pair.close()
    records, _ = taken(live)
    live.close()
    path = tmp_path / "x.pcapng"
    with path.open("wb") as file:
        saved = Saved(file, "", 5000)
        assert not saved.write(records)
    assert 4000 < path.stat().st_size <= 5000
    assert len(read_capture(path).packets) == saved.packets


def test_many_connections_and_too_many() -> None:
    def some(number: int, form: str) -> list[Connection]:
        return [Connection(Endpoint(form.format(1), 80), Endpoint(form.format(n % 90 + 2), n)) for n in range(number)]

    assert len(program(some(400, "10.0.0.{}") + some(30, "2001:db8::{}"))) < 4096 * 8
    with pytest.raises(WorkbenchError, match="more connections than"):
        program(some(5000, "10.0.0.{}"))


def test_among_many_connections_the_filter_finds_each(cable: Cable) -> None:
    pairs = [Pair(cable, V4 if number % 2 else V6) for number in range(8)]
    wanted = pairs[:6]
    others = [Connection(Endpoint("10.9.9.9", 1), Endpoint("10.77.0.2", port)) for port in range(1, 300)]
    live = LiveCapture(cable.namespaces, [*others, *(pair.connection for pair in wanted)])
    for pair in pairs:
        pair.exchange(1)
        pair.close()
    _, packets = taken(live, fins=2 * len(wanted))
    live.close()
    assert {packet.way for packet in packets} == {
        way for pair in wanted for way in (pair.connection, pair.connection.reversed)
    }


def test_the_command_writes_a_file_and_ends_in_order(cable: Cable, tmp_path: Path) -> None:
    pair = Pair(cable, V4)
    path = tmp_path / "x.pcapng"
    words = ["capture", "--connection", f"{pair.connection.local}-{pair.connection.peer}", "-o", str(path)]
    environment = {**os.environ, "WORKBENCH_STATE": str(tmp_path)}
    running = subprocess.Popen(
        [sys.executable, "-m", "workbench.main", *words], stderr=subprocess.PIPE, text=True, env=environment
    )
    assert running.stderr is not None
    assert "capturing 1 connection in netns" in running.stderr.readline()
    pair.exchange()
    pair.close()
    running.send_signal(signal.SIGINT)
    said = running.stderr.read()
    running.stderr.close()
    assert running.wait(DEADLINE_S) == 0, said
    capture = read_capture(path)
    assert f"{len(capture.packets)} packets written" in said
    assert path.stat().st_mode & 0o777 == 0o600
    assert sum(bool(each.flags & FIN) for each in capture.packets) == 4
