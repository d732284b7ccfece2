"""Addresses under a key: another one for each, of the same class, in the same subnets."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.bundle.addresses import Addresses

KEY = bytes(range(32))
ADDRESSES = Addresses(KEY)
V4 = st.integers(0, (1 << 32) - 1).map(lambda number: str(IPv4Address(number)))
V6 = st.integers(0, (1 << 128) - 1).map(lambda number: str(IPv6Address(number)))
CLASSES = [
    ip_network(each)
    for each in (
        "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16",
        "224.0.0.0/4", "240.0.0.0/4", "::/96", "::ffff:0:0/96", "fe80::/10", "fc00::/8", "fd00::/8", "ff02::/16",
        "ff05::/16", "2000::/3",
    )
]  # fmt: skip


def other(text: str) -> str:
    found = ADDRESSES.address(text)
    assert found is not None
    return found


def common(one: str, two: str) -> int:
    """Leading bits that both have."""
    first, second = ip_address(one), ip_address(two)
    return first.max_prefixlen - (int(first) ^ int(second)).bit_length()


@given(V4, V4)
def test_what_is_of_one_ipv4_subnet_stays_of_one(one: str, two: str) -> None:
    assert common(other(one), other(two)) == common(one, two)


@given(V4, st.integers(0, 31))
def test_neighbours_part_where_they_parted(one: str, bit: int) -> None:
    two = str(IPv4Address(int(IPv4Address(one)) ^ 1 << bit))
    assert common(other(one), other(two)) == common(one, two)


@given(V6, st.integers(0, 127))
def test_ipv6_neighbours_part_where_they_parted(one: str, bit: int) -> None:
    two = str(IPv6Address(int(IPv6Address(one)) ^ 1 << bit))
    kept = [each for each in ("::ffff:0:0/96", "ff00::/8") if ip_address(one) in ip_network(each)]
    if not kept and ip_address(two) not in ip_network("ff00::/8") and ip_address(two) not in ip_network("::/95"):
        assert common(other(one), other(two)) == common(one, two)


@given(V4 | V6)
def test_the_class_stays(one: str) -> None:
    before = [each for each in CLASSES if ip_address(one) in each]
    assert [each for each in CLASSES if ip_address(other(one)) in each] == before


@pytest.mark.parametrize(
    "same", ["127.0.0.1", "127.3.4.5", "0.0.0.0", "255.255.255.255", "224.0.0.1", "::", "::1", "ff02::1", "ff05::2"]
)
def test_what_means_the_same_everywhere_stays(same: str) -> None:
    assert other(same) == same


@pytest.mark.parametrize(
    "one", ["10.0.0.1", "192.168.1.1", "8.8.8.8", "169.254.1.1", "239.1.2.3", "fe80::1", "fd00::1", "2001:db8::1"]
)
def test_all_else_becomes_another(one: str) -> None:
    assert other(one) != one


def test_a_mapped_address_goes_with_its_own() -> None:
    assert other("::ffff:10.0.0.1") == f"::ffff:{other('10.0.0.1')}"


def test_a_network_holds_what_it_held() -> None:
    for network, inside in (
        ("10.0.0.0/22", "10.0.3.7"),
        ("192.168.4.0/27", "192.168.4.30"),
        ("fd00:1::/64", "fd00:1::9"),
    ):
        found = ADDRESSES.network(network)
        assert found is not None
        assert ip_address(other(inside)) in ip_network(found)
    assert ADDRESSES.network("0.0.0.0/0") == "0.0.0.0/0"


@pytest.mark.parametrize("text", ["", "x", "10.0.0", "10.0.0.1.2", "1::2::3", "10.0.0.0/33", "10.0.0.1/x", "/24"])
def test_what_is_no_address_is_none(text: str) -> None:
    assert ADDRESSES.address(text) is None
    assert ADDRESSES.network(text) is None


def test_another_key_gives_others() -> None:
    assert Addresses(KEY[::-1]).address("10.0.0.1") != other("10.0.0.1")
