"""Addresses that move along: where they fit, what goes with them, and how the neighbours are told."""

import struct

import pytest
from scapy.layers.inet6 import ICMPv6ND_NA, ICMPv6NDOptDstLLAddr, IPv6
from scapy.layers.l2 import ARP, Ether

from workbench.evidence import Address, Connection, Endpoint, Network, Route
from workbench.operation.migration.addresses import MovingAddress, interface_for, lost_with, moving_address, route_to
from workbench.operation.migration.announce import advertisement, arp
from workbench.operation.migration.lock import table_text

MAC = bytes.fromhex("02000000aa01")
HERE = 7


def address(text: str, interface: str = "eth0") -> Address:
    plain, _, prefix = text.partition("/")
    return Address(HERE, interface, plain, int(prefix), "global")


NETWORK = Network(
    (),
    (address("10.77.0.12/24"), address("fd77::12/64", "eth1")),
    (
        Route(HERE, "default", "10.77.0.1", "eth0"),
        Route(HERE, "10.77.0.0/24", None, "eth0"),
        Route(HERE, "10.88.0.0/16", "10.77.0.3", "eth2"),
        Route(HERE, "fd77::/64", None, "eth1"),
        Route(9, "192.168.0.0/16", None, "elsewhere"),
    ),
)


@pytest.mark.parametrize(
    ("wanted", "interface"),
    [("10.77.0.2", "eth0"), ("fd77::2", "eth1"), ("10.88.1.1", "eth2"), ("192.0.2.1", "eth0"), ("fd99::1", None)],
)
def test_it_gets_the_interface_of_its_network_or_of_the_best_route(wanted: str, interface: str | None) -> None:
    assert interface_for(wanted, NETWORK, HERE) == interface


def test_routes_of_other_namespaces_lead_nowhere() -> None:
    assert route_to("192.168.1.1", Network((), (), NETWORK.routes[4:]), HERE) is None


def test_the_first_address_of_a_network_takes_the_others_along() -> None:
    first, second, alone = address("10.0.0.1/24"), address("10.0.0.2/24"), address("10.0.0.9/32")
    assert lost_with(first, (first, second, alone)) == ("10.0.0.2",)
    assert lost_with(second, (first, second, alone)) == ()
    assert lost_with(alone, (first, second, alone)) == ()


def test_it_comes_through_the_stream_unchanged() -> None:
    moved = MovingAddress("eth0", "fd77::2", 128)
    assert moving_address(moved.record()) == moved
    with pytest.raises(ValueError, match="prefix"):
        moving_address({"interface": "eth0", "address": "10.0.0.1", "prefix": 33})


def test_a_gratuitous_arp_is_one() -> None:
    frame = Ether(arp(MAC, bytes([10, 77, 0, 2]), 2))
    assert (frame.dst, frame.src) == ("ff:ff:ff:ff:ff:ff", "02:00:00:00:aa:01")
    assert (frame[ARP].op, frame[ARP].psrc, frame[ARP].pdst) == (2, "10.77.0.2", "10.77.0.2")
    assert frame[ARP].hwsrc == "02:00:00:00:aa:01"


def test_an_unsolicited_advertisement_overrides_and_is_sound() -> None:
    packed = bytes.fromhex("fd770000000000000000000000000002")
    data = advertisement(MAC, packed)
    frame = Ether(data)
    told = frame[ICMPv6ND_NA]
    assert (frame[IPv6].src, frame[IPv6].dst, frame[IPv6].hlim) == ("fd77::2", "ff02::1", 255)
    assert (told.tgt, told.S, told.O) == ("fd77::2", 0, 1)
    assert frame[ICMPv6NDOptDstLLAddr].lladdr == "02:00:00:00:aa:01"
    (sent,) = struct.unpack_from(">H", data, 14 + 40 + 2)
    told.cksum = None
    assert Ether(bytes(frame))[ICMPv6ND_NA].cksum == sent


def test_the_lock_is_the_table_that_criu_deletes() -> None:
    connections = (
        Connection(Endpoint("::ffff:10.0.0.1", 7022), Endpoint("::ffff:10.0.0.2", 40000)),
        Connection(Endpoint("fd77::1", 1), Endpoint("fd77::2", 2)),
    )
    text = table_text(connections, "660e2a43-99b0-4c54-a4c0-0123456789ab")
    assert "table inet CRIU-660e2a43-99b0-4c54-a4 {" in text
    assert "10.0.0.1 . 7022 . 10.0.0.2 . 40000, 10.0.0.2 . 40000 . 10.0.0.1 . 7022" in text
    assert "fd77::1 . 1 . fd77::2 . 2, fd77::2 . 2 . fd77::1 . 1" in text
    assert text.count("meta mark 0xc114 accept") == 2
