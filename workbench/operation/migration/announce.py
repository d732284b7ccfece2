"""Neighbours are told who has an address now: a gratuitous ARP (RFC 5227, 3), an unsolicited neighbour advertisement
(RFC 4861, 7.2.6)."""

import fcntl
import ipaddress
import socket
import struct

_SIOCGIFHWADDR = 0x8927
_ARP_REPLY = 2
_ADVERTISEMENT, _OVERRIDE = 136, 0x20000000
_ALL_NODES = ipaddress.IPv6Address("ff02::1")
_BROADCAST = b"\xff" * 6
_ALL_NODES_MAC = bytes.fromhex("333300000001")


def announce(interface: str, address: str) -> None:
    """Send it from the interface, in the network namespace of the caller; nothing on one without Ethernet addresses."""
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        described = fcntl.ioctl(sender, _SIOCGIFHWADDR, struct.pack("16s16x", interface.encode()))
        kind, mac = struct.unpack_from("H6s", described, 16)
        if kind != 1:  # ARPHRD_ETHER
            return
        sender.bind((interface, 0))
        parsed = ipaddress.ip_address(address)
        if parsed.version == 4:
            for operation in (_ARP_REPLY, 1):  # some stacks heed only the one, some only the other
                sender.send(arp(mac, parsed.packed, operation))
        else:
            sender.send(advertisement(mac, parsed.packed))


def arp(mac: bytes, address: bytes, operation: int) -> bytes:
    """An Ethernet frame in which sender and target are the same address; ``operation`` 1 request, 2 reply."""
    ethernet = _BROADCAST + mac + struct.pack(">H", 0x0806)
    target = _BROADCAST if operation == _ARP_REPLY else bytes(6)
    return ethernet + struct.pack(">HHBBH", 1, 0x0800, 6, 4, operation) + mac + address + target + address


def advertisement(mac: bytes, address: bytes) -> bytes:
    """An Ethernet frame to all nodes that overrides what they know of the address."""
    option = struct.pack(">BB", 2, 1) + mac
    message = struct.pack(">BBHI", _ADVERTISEMENT, 0, 0, _OVERRIDE) + address + option
    pseudo = address + _ALL_NODES.packed + struct.pack(">I3xB", len(message), socket.IPPROTO_ICMPV6)
    message = message[:2] + struct.pack(">H", _checksum(pseudo + message)) + message[4:]
    header = struct.pack(">IHBB", 6 << 28, len(message), socket.IPPROTO_ICMPV6, 255) + address + _ALL_NODES.packed
    return _ALL_NODES_MAC + mac + struct.pack(">H", 0x86DD) + header + message


def _checksum(data: bytes) -> int:
    """RFC 1071; the data has an even length."""
    total = sum(word for (word,) in struct.iter_unpack(">H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return int(~total & 0xFFFF)
