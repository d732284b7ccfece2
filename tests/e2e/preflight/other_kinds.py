"""Sockets that are not TCP, with and without something unread."""

import os
import socket
import struct
from pathlib import Path

from tests.e2e.preflight.making import DEVICE, OTHER_DEVICE, elsewhere, kept, place, readable

UDP_CORK, IP_FREEBIND = 1, 15
ETHERTYPE = 0x88B5  # IEEE 802: for local experiments


def udp() -> list[socket.socket]:
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.bind(("127.0.0.1", 0))
    return [made]


def udp_connected() -> list[socket.socket]:
    theirs, (made,) = udp()[0], udp()
    made.connect(theirs.getsockname())
    kept.append(theirs)
    return [made]


def udp_unread() -> list[socket.socket]:
    (made,) = udp_connected()
    kept[-1].sendto(b"datagram", made.getsockname())
    readable(made)
    return [made]


def udp_corked() -> list[socket.socket]:
    (made,) = udp_connected()
    made.setsockopt(socket.IPPROTO_UDP, UDP_CORK, 1)
    made.send(b"held")
    return [made]


def udplite() -> list[socket.socket]:
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136)
    made.bind(("127.0.0.1", 0))
    return [made]


def ping() -> list[socket.socket]:
    Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 100")
    return [socket.socket(socket.AF_INET, socket.SOCK_DGRAM, socket.IPPROTO_ICMP)]


def raw() -> list[socket.socket]:
    return [socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_UDP)]


def raw_unread() -> list[socket.socket]:
    made = raw()
    kept.extend(udp_unread())
    return made


def packet() -> list[socket.socket]:
    made = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
    made.bind((DEVICE, ETHERTYPE))
    return [made]


def packet_unread() -> list[socket.socket]:
    made = packet()
    sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    sender.bind((OTHER_DEVICE, 0))
    sender.send(b"\xff" * 6 + b"\x02" * 6 + struct.pack(">H", ETHERTYPE) + b"frame")
    kept.append(sender)
    readable(made[0])
    return made


def netlink() -> list[socket.socket]:
    made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    made.bind((0, 0))
    return [made]


def netlink_unread() -> list[socket.socket]:
    (made,) = netlink()
    made.send(struct.pack("=IHHIIB3x", 20, 18, 0x305, 1, 0, 0))  # RTM_GETLINK, dump
    return [made]


def vsock() -> list[socket.socket]:
    return [socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM)]


def unix_inside() -> list[socket.socket]:
    ours, theirs = socket.socketpair()
    ours.send(b"unread")
    return [ours, theirs]


def unix_outside() -> list[socket.socket]:
    ours, theirs = socket.socketpair()
    kept.append(theirs)
    return [ours]


def unix_named_outside() -> list[socket.socket]:
    (listener,) = unix_listen()
    ours = socket.socket(socket.AF_UNIX)
    ours.connect(listener.getsockname())
    kept.extend((listener, listener.accept()[0]))
    return [ours]


def unix_sequenced_outside() -> list[socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    kept.append(theirs)
    return [ours]


def unix_unnamed_datagram_outside() -> list[socket.socket]:
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    kept.append(theirs)
    return [ours]


def unix_shared_outside() -> list[socket.socket]:
    ours, theirs = socket.socketpair()
    kept.extend((ours, theirs))
    return [ours, theirs]


def unix_datagram_outside() -> list[socket.socket]:
    theirs = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    theirs.bind("\0wb-preflight-" + str(os.getpid()))
    ours = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    ours.connect(theirs.getsockname())
    kept.append(theirs)
    return [ours]


def unix_listen() -> list[socket.socket]:
    made = socket.socket(socket.AF_UNIX)
    made.bind("\0wb-preflight-" + str(os.getpid()))
    made.listen()
    return [made]


def unix_unaccepted() -> list[socket.socket]:
    (made,) = unix_listen()
    client = socket.socket(socket.AF_UNIX)
    client.connect(made.getsockname())
    kept.append(client)
    return [made]


def unix_peer_gone() -> list[socket.socket]:
    ours, theirs = socket.socketpair()
    theirs.close()
    return [ours]


def unix_descriptor_in_flight() -> list[socket.socket]:
    ours, theirs = socket.socketpair()
    with Path("/dev/null").open("rb") as null:
        socket.send_fds(ours, [b"x"], [null.fileno()])
    return [ours, theirs]


def foreign_udp() -> list[socket.socket]:
    return elsewhere(udp)


def foreign_unix() -> list[socket.socket]:
    return elsewhere(unix_listen)


def foreign_unix_pair() -> list[socket.socket]:
    return elsewhere(unix_inside)


def foreign_packet() -> list[socket.socket]:
    return elsewhere(lambda: [socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))])


def foreign_netlink() -> list[socket.socket]:
    return elsewhere(netlink)


def link_local_udp() -> list[socket.socket]:
    made = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    made.bind(place("fe80::9"))
    return [made]


def shared_udp_outside() -> list[socket.socket]:
    made = udp()
    kept.extend(made)
    return made


def freebind_udp() -> list[socket.socket]:
    made = socket.socket(type=socket.SOCK_DGRAM)
    made.setsockopt(socket.IPPROTO_IP, 15, 1)
    made.bind(("10.200.0.1", 0))
    return [made]
