"""Other addresses in the place of a host's own: the same for the same, with their class and their subnets.

Two addresses share as many leading bits afterwards as before (Xu, Fan, Ammar, Moon: Prefix-preserving IP address
anonymization, 2002). Bits that tell a class from the others are left alone; addresses that mean the same on every
host (loopback, unspecified, broadcast, well-known groups) stay as they are.
"""

import hashlib
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from operator import itemgetter

_CLASSES_4 = tuple(
    map(ip_network, ("0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12",
                     "192.168.0.0/16", "224.0.0.0/4", "224.0.0.0/24", "240.0.0.0/4"))
)  # fmt: skip
"""Ranges of their own meaning (RFC 6890, RFC 5771); the rest is global."""
_CLASSES_6 = tuple(
    map(
        ip_network,
        ("2000::/3", "fc00::/8", "fd00::/8", "fe80::/64", "ff00::/8", "64:ff9b::/96", "::/96", "::ffff:0:0/96"),
    )
)
_SAME_4 = tuple(map(ip_network, ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/24", "240.0.0.0/4")))
_MAPPED = IPv6Network("::ffff:0:0/96")
_MULTICAST = IPv6Network("ff00::/8")
_GROUPS = 1 << 16
"""Multicast addresses with less in their last 112 bits mean the same everywhere (RFC 4291, 2.7.1)."""

_FORKS = {
    length // 8: frozenset(
        (depth, int(each.network_address) >> (length - depth)) for each in classes for depth in range(each.prefixlen)
    )
    for length, classes in ((32, _CLASSES_4), (128, _CLASSES_6))
}
"""Leading bits after which a class parts from the others, by bytes of the address: the bit behind them stays."""
_FREE = {4: 3, 16: 12}
"""From this byte on no class parts from another."""
_PATHS = tuple(itemgetter(*((1 << level) | (byte >> (8 - level)) for level in range(8))) for byte in range(256))
"""The eight places that a byte passes in a tree of its bits, the root being 1."""


class Addresses:
    """The replacement under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._byte = lru_cache(maxsize=1 << 16)(self._make_byte)
        self._turns = lru_cache(maxsize=1 << 16)(self._make_turns)
        self._known: dict[str, str] = {}

    def address(self, text: str) -> str | None:
        """The replacement of an address, with its zone as it is; None if the text is no address."""
        found = self._known.get(text)
        if found is None:
            plain, percent, zone = text.partition("%")
            try:
                whole = ip_address(plain)
            except ValueError:
                return None
            found = self._known[text] = f"{_written(self._other(whole))}{percent}{zone}"
        return found

    def network(self, text: str) -> str | None:
        """The replacement of ``ADDRESS/PREFIX``; None if the text is none."""
        plain, slash, length = text.partition("/")
        if not slash or not length.isdecimal() or (other := self.address(plain)) is None:
            return None
        try:
            before, after = ip_network(text, strict=False), ip_network(f"{other}/{length}", strict=False)
            return str(after) if before.network_address == ip_address(plain) else f"{other}/{length}"
        except ValueError:
            return None

    def _other(self, whole: IPv4Address | IPv6Address) -> IPv4Address | IPv6Address:
        if isinstance(whole, IPv4Address):
            if (whole.packed[0] in {0, 127, 224} or whole.packed[0] >= 240) and any(whole in each for each in _SAME_4):
                return whole
            return IPv4Address(self._turned(whole.packed))
        if whole in _MAPPED:
            inner = self._other(IPv4Address(whole.packed[12:]))
            return IPv6Address(whole.packed[:12] + inner.packed)
        if whole in _MULTICAST:
            same = int(whole) & ((1 << 112) - 1) < _GROUPS
            return whole if same else IPv6Address(self._turned(whole.packed, 2))
        if int(whole) < 2:  # unspecified, loopback
            return whole
        return IPv6Address(self._turned(whole.packed))

    def _turned(self, packed: bytes, kept: int = 0) -> bytes:
        """Each bit turned or not, as the key says of all bits before it; the first ``kept`` bytes stay."""
        others = [self._byte(packed[:place], packed[place], len(packed)) for place in range(kept, len(packed))]
        return packed[:kept] + bytes(others)

    def _make_byte(self, before: bytes, byte: int, length: int) -> int:
        turned = int("".join(_PATHS[byte](self._turns(before, length))), 2)
        if len(before) < _FREE[length]:
            leading = int.from_bytes(before)
            for level in range(8):
                if (8 * len(before) + level, leading << level | byte >> (8 - level)) in _FORKS[length]:
                    turned &= ~(0x80 >> level)
        return byte ^ turned

    def _make_turns(self, before: bytes, length: int) -> str:
        """For each place in the tree of the byte that follows: 1 if the bit there is turned."""
        digest = hashlib.blake2b(before, key=self._key, person=b"address%d" % (8 * length), digest_size=32).digest()
        return f"{int.from_bytes(digest):0256b}"


def _written(address: IPv4Address | IPv6Address) -> str:
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return f"::ffff:{address.ipv4_mapped}"
    return str(address)
