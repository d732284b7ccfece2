"""TCP segments as packets: what is built is what a reference reads."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.evidence import Connection, Endpoint
from workbench.repair.segment import ACK, FIN, Segment, packet, parse

V4 = Connection(Endpoint("10.0.0.1", 40000), Endpoint("10.0.0.2", 7022))
V6 = Connection(Endpoint("fd77::1", 40000), Endpoint("fd77::2", 7022))


@pytest.mark.parametrize("way", [V4, V6])
def test_scapy_finds_the_same_fields_and_right_checksums(way: Connection) -> None:
    from scapy.layers.inet import IP, TCP
    from scapy.layers.inet6 import IPv6

    segment = Segment(way, 4_294_967_295, 17, FIN | ACK, 501, (111, 222), b"odd")
    read = (IP if way is V4 else IPv6)(packet(segment))
    tcp = read[TCP]
    assert (read.src, read.dst) == (way.local.address, way.peer.address)
    assert (tcp.sport, tcp.dport, tcp.seq, tcp.ack, tcp.window) == (40000, 7022, 4_294_967_295, 17, 501)
    assert str(tcp.flags) == "FA"
    assert dict(tcp.options)["Timestamp"] == (111, 222)
    given_sum = tcp.chksum
    del tcp.chksum
    assert (IP if way is V4 else IPv6)(bytes(read))[TCP].chksum == given_sum


NUMBERS = st.integers(0, 2**32 - 1)


@given(st.sampled_from([V4, V6]), st.tuples(NUMBERS, NUMBERS), st.integers(0, 63), st.binary(max_size=100))
@pytest.mark.parametrize("stamps", [None, (1, 2**32 - 1)])
def test_what_is_built_is_read(
    stamps: tuple[int, int] | None, way: Connection, numbers: tuple[int, int], flags: int, payload: bytes
) -> None:
    segment = Segment(way, *numbers, flags, 1234, stamps, payload)
    assert parse(packet(segment)) == segment


@given(st.binary(max_size=120))
def test_any_bytes_are_a_segment_or_nothing(data: bytes) -> None:
    parse(data)
    parse(b"\x45" + data)
    parse(b"\x60" + data)


def test_a_fin_counts_as_one() -> None:
    assert Segment(V4, 0, 0, FIN | ACK, 0, payload=b"ab").length == 3
