"""Headers, symbols and abandoned instances."""

import os
import socket
import struct
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from workbench.collect.events import headers
from workbench.collect.events.instance import PREFIX, abandoned
from workbench.collect.events.symbols import Symbols
from workbench.collect.identity import own_name
from workbench.evidence import Connection, Endpoint

TCP = struct.pack("!HHIIBBHHH", 7022, 40000, 1000, 2000, 8 << 4, 0x14, 512, 0, 0)


def ipv4(options: bytes = b"", protocol: int = 6) -> bytes:
    first = 0x40 | (20 + len(options)) // 4
    total = 20 + len(options) + 32 + 100
    return (
        struct.pack("!BBHHHBBH4s4s", first, 0, total, 77, 0, 61, protocol, 0, b"\x0a\x00\x00\x01", b"\x0a\x00\x00\x02")
        + options
        + TCP
    )


def ipv6(following: int = 6) -> bytes:
    ends = socket.inet_pton(socket.AF_INET6, "fd00::1") + socket.inet_pton(socket.AF_INET6, "fd00::2")
    return struct.pack("!IHBB", 6 << 28, 32 + 5, following, 63) + ends + TCP


def test_ipv4() -> None:
    found = headers.segment(ipv4(), incoming=False)
    assert found is not None
    ends, segment = found
    assert ends == Connection(Endpoint("10.0.0.1", 7022), Endpoint("10.0.0.2", 40000))
    assert (segment.seq, segment.ack, segment.window, segment.ttl) == (1000, 2000, 512, 61)
    assert (segment.length, segment.identification) == (100, 77)
    assert segment.is_reset


def test_what_came_in_has_its_destination_first() -> None:
    found = headers.segment(ipv4(), incoming=True)
    assert found is not None
    assert found[0].local == Endpoint("10.0.0.2", 40000)


def test_options_move_the_tcp_header() -> None:
    found = headers.segment(ipv4(b"\1" * 40), incoming=False)
    assert found is not None
    assert found[1].seq == 1000


def test_ipv6() -> None:
    found = headers.segment(ipv6(), incoming=False)
    assert found is not None
    assert str(found[0]) == "[fd00::1]:7022 -> [fd00::2]:40000"
    assert (found[1].ttl, found[1].length, found[1].identification) == (63, 5, None)


def test_what_is_not_tcp_is_nothing() -> None:
    assert headers.segment(ipv4(protocol=17), incoming=False) is None
    assert headers.segment(ipv6(0), incoming=False) is None
    assert headers.segment(bytes(80), incoming=False) is None
    assert headers.segment(b"", incoming=False) is None


@given(st.binary(min_size=80, max_size=80), st.booleans())
def test_any_80_bytes_are_read_or_refused(header: bytes, incoming: bool) -> None:
    found = headers.segment(header, incoming=incoming)
    assert found is None or found[1].length >= 0


def test_a_mapped_address_is_the_one_on_the_wire() -> None:
    packed = socket.inet_pton(socket.AF_INET6, "::ffff:10.0.0.1")
    assert headers.connection(packed, 1, packed, 2).local == Endpoint("10.0.0.1", 1)


def test_socket_addresses() -> None:
    four = struct.pack("=H", socket.AF_INET) + struct.pack("!H4s", 80, b"\x7f\0\0\1") + bytes(20)
    assert headers.socket_address(four) == (b"\x7f\0\0\1", 80)
    six = struct.pack("=H", socket.AF_INET6) + struct.pack("!HI16s", 81, 0, bytes(15) + b"\1") + bytes(4)
    assert headers.socket_address(six) == (bytes(15) + b"\1", 81)
    assert headers.socket_address(bytes(28)) is None


def test_an_address_lies_in_the_function_before_it(tmp_path: Path) -> None:
    listed = tmp_path / "kallsyms"
    listed.write_text("ffffffff81000000 T first\nffffffff81000100 t second\nffffffff81000180 d data\n")
    symbols = Symbols(listed)
    assert symbols.details(0xFFFFFFFF81000042) == {"location": "first"}
    assert symbols.details(0xFFFFFFFF81000200) == {"location": "second"}
    assert symbols.details(0) == {}
    assert symbols.details(0x1000) == {}


def test_hidden_addresses_name_nothing(tmp_path: Path) -> None:
    listed = tmp_path / "kallsyms"
    listed.write_text("0000000000000000 T first\n")
    assert Symbols(listed).details(0xFFFFFFFF81000042) == {}
    assert Symbols(tmp_path / "none").details(0xFFFFFFFF81000042) == {}


def test_an_instance_is_abandoned_if_its_process_is_another_or_gone(tmp_path: Path) -> None:
    mine = own_name()
    _, plus, namespace = mine.partition("+")
    gone = [f"{PREFIX}{os.getpid()}-1{plus}{namespace}-1", f"{PREFIX}999999999-5{plus}{namespace}-1", f"{PREFIX}x"]
    for name in (f"{PREFIX}{mine}-1", *gone, "somebody-else"):
        (tmp_path / "instances" / name).mkdir(parents=True)
    assert {path.name for path in abandoned(tmp_path)} == set(gone)
