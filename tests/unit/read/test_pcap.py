"""Captures in every form, written by scapy or block by block, and damaged."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scapy.layers.inet import IP, TCP, UDP, IPOption_NOP
from scapy.layers.inet6 import IPv6, IPv6ExtHdrDestOpt, IPv6ExtHdrFragment
from scapy.layers.l2 import CookedLinux, CookedLinuxV2, Dot1AD, Dot1Q, Ether, Loopback
from scapy.utils import PcapNgWriter, PcapWriter

from tests.peak import taken
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint
from workbench.evidence.packet import Capture, Packet
from workbench.read import pcap
from workbench.read.pcap import PacketRoom, read_capture
from workbench.read.recognise import Kind, recognise

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings" / "podman"
AT = 1_700_000_000
OPTIONS = [("MSS", 1460), ("SAckOK", b""), ("Timestamp", (7, 8)), ("NOP", None), ("WScale", 9)]
ETHER = Ether(src="02:00:00:00:00:01", dst="02:00:00:00:00:02")
V4 = IP(src="10.0.0.1", dst="10.0.0.2", ttl=61, id=77)
V6 = IPv6(src="2001:db8::1", dst="2001:db8::2", hlim=61)
SYN = TCP(sport=40000, dport=80, seq=0xFFFFFFF0, ack=0, flags="S", window=64240, options=OPTIONS)
DATA = TCP(sport=40000, dport=80, seq=5, ack=9, flags="PA", window=501, options=[("Timestamp", (1, 2))]) / b"hello"
SACK = TCP(sport=80, dport=40000, seq=9, ack=5, flags="A", window=0, options=[("SAck", (10, 20, 30, 40))])


def pcap_file(link: int, *packets: bytes, order: str = "<", snaplen: int = 1 << 16) -> bytes:
    """As tcpdump writes it, with a time stamp of 0."""
    written = [struct.pack(f"{order}IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, snaplen, link)]
    for packet in packets:
        cut = packet[:snaplen]
        written.append(struct.pack(f"{order}IIII", 0, 0, len(cut), len(packet)) + cut)
    return b"".join(written)


def packets_of(path: Path) -> tuple[Packet, ...]:
    capture = read_capture(path)
    assert capture.problems == ()
    return capture.packets


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("nano", [False, True])
def test_pcap_of_either_byte_order_and_resolution(tmp_path: Path, order: str, nano: bool) -> None:
    path = tmp_path / "x.pcap"
    with PcapWriter(str(path), linktype=1, endianness=order, nano=nano) as writer:
        for layer in (V4 / SYN, V6 / SYN, V4 / DATA, V6 / SACK, V4 / UDP()):
            packet = ETHER / layer
            packet.time = AT + 0.5
            writer.write(packet)
    capture = read_capture(path)
    assert (len(capture.packets), capture.others, capture.unreadable) == (4, 1, 0)
    syn, syn6, data, sack = capture.packets
    assert syn.at_ns == AT * 10**9 + 500_000_000
    assert str(syn.way) == "10.0.0.1:40000 -> 10.0.0.2:80"
    assert str(syn6.way) == "[2001:db8::1]:40000 -> [2001:db8::2]:80"
    assert (syn.seq, syn.flags, syn.window, syn.mss, syn.wscale, syn.sack_permitted, syn.tsval, syn.tsecr) == (
        0xFFFFFFF0, 2, 64240, 1460, 9, True, 7, 8,
    )  # fmt: skip
    assert (syn.ttl, syn.identification, syn6.ttl, syn6.identification) == (61, 77, 61, None)
    assert (data.seq, data.ack, data.length, data.payload, data.tsval) == (5, 9, 5, b"hello", 1)
    assert sack.sack == ((10, 20), (30, 40))
    assert data.way is syn.way
    assert recognise(path) is Kind.CAPTURE


LINKS: dict[str, tuple[int, Callable[[Any], Any], bool | None]] = {
    "ethernet": (1, lambda layer: ETHER / layer, None),
    "one tag": (1, lambda layer: ETHER / Dot1Q(vlan=5) / layer, None),
    "two tags": (1, lambda layer: ETHER / Dot1AD(vlan=5) / Dot1Q(vlan=6) / layer, None),
    "cooked, out": (113, lambda layer: CookedLinux(pkttype=4) / layer, False),
    "cooked, in": (113, lambda layer: CookedLinux(pkttype=0) / layer, True),
    "cooked 2, out": (276, lambda layer: CookedLinuxV2(pkttype=4) / layer, False),
    "cooked 2, in": (276, lambda layer: CookedLinuxV2(pkttype=0) / layer, True),
    "raw": (101, lambda layer: layer, None),
    "raw of BSD": (12, lambda layer: layer, None),
    "loopback": (0, lambda layer: Loopback(type=2 if IP in layer else 10) / layer, None),
}


@pytest.mark.parametrize("link", LINKS)
@pytest.mark.parametrize("network", [V4, V6], ids=["v4", "v6"])
def test_link_layers(tmp_path: Path, link: str, network: Any) -> None:
    number, around, incoming = LINKS[link]
    path = tmp_path / "x.pcap"
    order = ">" if number == 0 else "<"
    content = bytes(around(network / DATA))
    if number == 0:  # scapy writes the family in one fixed order
        content = struct.pack(">I", 2 if network is V4 else 10) + content[4:]
    path.write_bytes(pcap_file(number, content, order=order))
    (packet,) = packets_of(path)
    assert (packet.length, packet.payload, packet.incoming) == (5, b"hello", incoming)


@pytest.mark.parametrize(
    "layer",
    [
        IP(src="10.0.0.1", dst="10.0.0.2", options=[IPOption_NOP()] * 4) / DATA,
        IPv6(src="::1", dst="::1") / IPv6ExtHdrDestOpt() / DATA,
        IPv6(src="::1", dst="::1") / IPv6ExtHdrFragment(offset=0, m=0) / DATA,
    ],
)
def test_headers_before_tcp(tmp_path: Path, layer: Any) -> None:
    path = tmp_path / "x.pcap"
    path.write_bytes(pcap_file(101, bytes(layer)))
    (packet,) = packets_of(path)
    assert packet.payload == b"hello"


def test_padding_of_ethernet_is_no_payload_and_a_cut_payload_keeps_its_length(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    short = bytes(ETHER / IP(src="10.0.0.1", dst="10.0.0.2") / TCP(flags="A")) + bytes(6)
    whole = bytes(ETHER / V4 / (DATA / bytes(1000)))
    path.write_bytes(pcap_file(1, short, whole, snaplen=68))
    padded, cut = packets_of(path)
    assert (padded.length, padded.payload) == (0, b"")
    assert (cut.length, len(cut.payload)) == (1005, 2)


def test_a_segment_whose_length_is_not_filled_in_yet(tmp_path: Path) -> None:
    path = tmp_path / "x.pcap"
    content = bytearray(bytes(V4 / DATA))
    content[2:4] = b"\0\0"
    path.write_bytes(pcap_file(101, bytes(content)))
    (packet,) = packets_of(path)
    assert packet.length == 5


def test_pcapng_of_scapy(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    packet = ETHER / V4 / SYN
    packet.time = AT + 0.25
    packet.comment = b"look"
    packet.sniffed_on = "eth7"
    with PcapNgWriter(str(path)) as writer:
        writer.write(packet)
    capture = read_capture(path)
    (read,) = capture.packets
    assert read.at_ns == AT * 10**9 + 250_000_000
    assert read.comment == "look"
    assert capture.interfaces[read.interface].name == "eth7"


def block(kind: int, body: bytes, order: str = "<") -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack(f"{order}I", len(body) + 12)
    return struct.pack(f"{order}I", kind) + length + body + length


def options(*items: tuple[int, bytes], order: str = "<") -> bytes:
    written = b"".join(
        struct.pack(f"{order}HH", number, len(value)) + value + bytes(-len(value) % 4) for number, value in items
    )
    return written + bytes(4)


def section(order: str = "<", comment: bytes = b"") -> bytes:
    head = struct.pack(f"{order}IHHq", 0x1A2B3C4D, 1, 0, -1)
    return block(0x0A0D0D0A, head + (options((1, comment), order=order) if comment else b""), order)


def interface(order: str = "<", *items: tuple[int, bytes], link: int = 101) -> bytes:
    return block(1, struct.pack(f"{order}HHI", link, 0, 0) + (options(*items, order=order) if items else b""), order)


def enhanced(order: str, number: int, stamp: int, data: bytes, *items: tuple[int, bytes]) -> bytes:
    head = struct.pack(f"{order}IIIII", number, stamp >> 32, stamp & 0xFFFFFFFF, len(data), len(data))
    return block(6, head + data + bytes(-len(data) % 4) + (options(*items, order=order) if items else b""), order)


RAW = bytes(V4 / DATA)


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_block_by_block(tmp_path: Path, order: str) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(
        section(order, b"of the whole file")
        + interface(order, (2, b"eth0\0"), (9, b"\x09"), (1, b"netns 4026532280"))
        + interface(order, (2, b"slow"), (9, b"\x81"), (14, struct.pack(f"{order}q", 100)))
        + enhanced(order, 0, AT * 10**9 + 7, RAW, (2, struct.pack(f"{order}I", 2)))
        + enhanced(order, 1, 3, RAW, (2, struct.pack(f"{order}I", 1)), (1, b"odd"))
        + block(0xBAD, b"something of others", order)
        + block(3, struct.pack(f"{order}I", len(RAW)) + RAW, order)
        + block(2, struct.pack(f"{order}HHIIII", 1, 0, 0, 5, len(RAW), len(RAW)) + RAW + b"\0" * (-len(RAW) % 4), order)
        + block(
            5,
            struct.pack(f"{order}III", 0, 0, 0)
            + options((4, struct.pack(f"{order}Q", 20)), (5, struct.pack(f"{order}Q", 3)), order=order),
            order,
        )
        + section("<")
        + interface("<", (2, b"later"))
        + enhanced("<", 0, AT * 10**6, RAW)
    )
    capture = read_capture(path)
    assert capture.problems == ()
    assert capture.comments == ("of the whole file",)
    assert [each.name for each in capture.interfaces] == ["eth0", "slow", "later"]
    assert (capture.interfaces[0].netns, capture.interfaces[0].received, capture.dropped) == (4026532280, 20, 3)
    assert [(each.interface, each.at_ns) for each in capture.packets] == [
        (0, AT * 10**9 + 7), (1, 101_500_000_000), (0, 0), (1, 102_500_000_000), (2, AT * 10**9),
    ]  # fmt: skip
    assert [each.incoming for each in capture.packets] == [False, True, None, None, None]
    assert capture.packets[1].comment == "odd"


WHOLE = section() + interface() + enhanced("<", 0, 5, RAW) + enhanced("<", 0, 6, RAW)


@pytest.mark.parametrize(
    ("content", "packets", "problem"),
    [
        (WHOLE[:-1], 1, "within a block"),
        (WHOLE + b"\x06\0\0", 2, "header of a block"),
        (WHOLE + enhanced("<", 9, 5, RAW), 2, "interface 9"),
        (WHOLE + struct.pack("<II", 6, 1 << 31), 2, "claims 2147483648 bytes"),
        (WHOLE + struct.pack("<II", 6, 0), 2, "claims 0 bytes"),
        (WHOLE[:-4] + b"\1\2\3\4", 1, "two lengths"),
        (WHOLE + block(6, struct.pack("<IIIII", 0, 0, 0, 1 << 30, 0)), 2, "longer than its block"),
        (WHOLE + block(6, b""), 2, "shorter than"),
        (WHOLE + section()[:20], 2, "cut off"),
        (WHOLE + b"\x0a\x0d\x0d\x0a" + bytes(8), 2, "no byte order"),
    ],
)
def test_damage_ends_the_reading_and_what_came_before_counts(
    tmp_path: Path, content: bytes, packets: int, problem: str
) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(content)
    capture = read_capture(path)
    assert len(capture.packets) == packets
    (said,) = capture.problems
    assert problem in said


@pytest.mark.parametrize("cut", [1, 20, 60])
def test_a_recording_that_is_cut_off(tmp_path: Path, cut: int) -> None:
    content = (RECORDINGS / "between.pcap").read_bytes()
    path = tmp_path / "x.pcap"
    path.write_bytes(content[:-cut])
    capture = read_capture(path)
    assert len(capture.packets) == 112 - (2 if cut == 60 else 1) or cut == 60
    assert "the file ends" in capture.problems[0]


@pytest.mark.parametrize(
    "content", [b"", b"\xd4", b"\xd4\xc3\xb2\xa1", b"\x0a\x0d\x0d\x0a", b"hello, world", bytes(99)]
)
def test_what_is_no_capture(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x"
    path.write_bytes(content)
    with pytest.raises(WorkbenchError, match="no packet capture"):
        read_capture(path)


def test_what_cannot_be_read(tmp_path: Path) -> None:
    for path in (tmp_path / "none", tmp_path, Path("a\0b")):
        with pytest.raises(WorkbenchError):
            read_capture(path)


def test_a_capture_of_nothing_is_one(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(section())
    assert read_capture(path).packets == ()
    path.write_bytes(section() + block(0xBAD, b"") + block(3, struct.pack("<I", len(RAW)) + RAW))
    with pytest.raises(WorkbenchError, match="before any interface"):
        read_capture(path)


def test_unknown_link_types_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "x.pcapng"
    path.write_bytes(section() + interface("<", link=105) + enhanced("<", 0, 5, RAW))
    capture = read_capture(path)
    assert (capture.packets, capture.others) == ((), 1)
    assert capture.problems == ("1 packets of link type 105 were left out: it is not known here",)


def test_only_so_many_are_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcap, "MOST_PACKETS", 10)
    capture = read_capture(RECORDINGS / "between.pcap")
    assert len(capture.packets) == 10
    (problem,) = capture.problems
    assert problem.startswith("only the first 10 packets were looked at: ")


def test_one_connection_is_found_however_many_others_there_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pcap, "MOST_PACKETS", 10)
    path = tmp_path / "x.pcap"
    other = bytes(IP(src="10.0.0.3", dst="10.0.0.4") / TCP(sport=1, dport=2))
    path.write_bytes(pcap_file(101, *[other] * 20, RAW))
    way = read_capture(RECORDINGS / "between.pcap").packets[0].way
    assert read_capture(path, wanted=way).packets == ()
    way = Connection(Endpoint("10.0.0.2", 80), Endpoint("10.0.0.1", 40000))
    capture = read_capture(path, wanted=way)
    assert [each.payload for each in capture.packets] == [b"hello"]
    assert capture.problems == ()


def test_captures_that_are_read_together_share_their_room() -> None:
    room = PacketRoom()
    first = read_capture(RECORDINGS / "between.pcap", room=room)
    room.left = PacketRoom().left - room.left
    room.left //= 2
    second = read_capture(RECORDINGS / "between.pcap", room=room)
    assert first.problems == ()
    assert 0 < len(second.packets) < len(first.packets)
    assert f"only the first {len(second.packets)} packets were looked at" in second.problems[0]


def numbered(number: int, payload: bytes = b"") -> bytes:
    """A segment of a connection that no other number has."""
    head = struct.pack("!BBHHHBBHII", 0x45, 0, 40 + len(payload), 7, 0, 64, 6, 0, number, number ^ 0xFFFF)
    return head + struct.pack("!HHIIBBHHH", number & 0xFFFF, 80, number, number, 5 << 4, 16, 100, 0, 0) + payload


def one_connection(file: BinaryIO) -> None:
    ack = bytes(IP(src="10.0.0.1", dst="10.0.0.2") / TCP(sport=1, dport=2, flags="A"))
    for number in range(200_000):
        segment = bytearray(ack)
        segment[24:28] = struct.pack("!I", number)
        file.write(struct.pack("<IIII", number, 0, 40, 40) + segment)


def many_connections(file: BinaryIO) -> None:
    file.writelines(struct.pack("<IIII", number, 0, 40, 40) + numbered(number) for number in range(60_000))


def much_payload(file: BinaryIO) -> None:
    """Zeros that take no place on the disk."""
    size = 60_000
    for number in range(5000):
        head = numbered(1) + b""
        segment = head[:2] + struct.pack("!H", size) + head[4:24] + struct.pack("!I", number * size) + head[28:]
        file.write(struct.pack("<IIII", number, 0, size, size) + segment)
        file.seek(size - len(segment), 1)
    file.truncate()


@pytest.mark.parametrize("fill", [one_connection, many_connections, much_payload])
def test_whatever_is_in_it_the_memory_is_bounded_and_what_is_cut_off_is_told(
    tmp_path: Path, fill: Callable[[BinaryIO], None]
) -> None:
    path = tmp_path / "x.pcap"
    with path.open("wb") as file:
        file.write(pcap_file(101))
        fill(file)
    found = taken("check", str(path), "--format", "json")
    assert found.mebibytes < 256
    assert found.processor_s < 20
    (gap,) = json.loads(found.output)["evidence"]["gaps"]
    assert gap["section"] == "captures"
    assert "packets were looked at" in gap["reason"]


@given(st.binary(max_size=200), st.integers(0, len(WHOLE)), st.integers(0, 60))
def test_whatever_the_bytes_only_an_error_that_a_user_can_act_on_comes_out(
    tmp_path_factory: pytest.TempPathFactory, rubbish: bytes, start: int, length: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.pcapng"
    path.write_bytes(WHOLE[:start] + rubbish + WHOLE[start + length :])
    try:
        capture = read_capture(path)
    except WorkbenchError:
        return
    assert isinstance(capture, Capture)


@given(
    st.sampled_from(sorted({number for number, _, _ in LINKS.values()} | {14, 108, 228, 229})), st.binary(max_size=90)
)
def test_whatever_a_packet_holds(tmp_path_factory: pytest.TempPathFactory, link: int, content: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.pcapng"
    path.write_bytes(section() + interface("<", link=link) + enhanced("<", 0, 5, content))
    capture = read_capture(path)
    assert len(capture.packets) + capture.others + capture.unreadable == 1
