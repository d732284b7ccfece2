"""TCP sockets: every state that a descriptor can have, and what is special about some."""

import ctypes
import os
import socket
import struct
import subprocess
import time
from pathlib import Path

from tests.e2e.preflight.making import (
    CLONE_NEWNET,
    OTHER_DEVICE,
    SMALL,
    TCP_CLOSE,
    TCP_CLOSE_WAIT,
    TCP_CLOSING,
    TCP_FIN_WAIT2,
    TCP_REPAIR,
    TIMEOUT_S,
    attach_filter,
    called,
    connected,
    cut,
    deafen,
    delivered,
    drop,
    drop_no_more,
    elsewhere,
    fill,
    kept,
    lifted,
    listening,
    next_sequence,
    pair,
    peers,
    reaches,
    readable,
    reset,
    to_device,
)

IPPROTO_MPTCP = 262
TCP_MD5SIG, SO_ATTACH_BPF = 14, 50
ADDRESS, BEYOND, ELSEWHERE, SERVICE = "10.9.9.1", "10.9.9.2", "10.9.9.77", "10.9.9.80"
"""Our own, that at the other end of the cable, and two of the same network that nobody has."""
BPF, BPF_PROG_LOAD = 321, 5  # on x86_64
IP_FREEBIND, IP_TRANSPARENT, IPV6_FREEBIND = 15, 19, 78


def established() -> list[socket.socket]:
    return pair()


def unread() -> list[socket.socket]:
    made = pair()
    peers[0].sendall(b"r" * 1000)
    readable(made[0])
    return made


def unsent() -> list[socket.socket]:
    ours, theirs = connected()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    deafen(theirs)
    fill(ours)
    return [ours]


def unread_and_unsent() -> list[socket.socket]:
    made = unsent()
    peers[0].sendall(b"r" * 1000)
    readable(made[0])
    return made


def close_wait() -> list[socket.socket]:
    ours, theirs = connected()
    theirs.shutdown(socket.SHUT_WR)
    reaches(ours, TCP_CLOSE_WAIT)
    kept.append(theirs)
    return [ours]


def fin_wait2() -> list[socket.socket]:
    made = pair()
    made[0].shutdown(socket.SHUT_WR)
    reaches(made[0], TCP_FIN_WAIT2)
    return made


def fin_wait1() -> list[socket.socket]:
    ours, theirs = connected()
    cut(ours, theirs)
    ours.shutdown(socket.SHUT_WR)
    return [ours]


def closing() -> list[socket.socket]:
    ours, theirs = connected()
    cut(ours, theirs)
    ours.shutdown(socket.SHUT_WR)
    theirs.shutdown(socket.SHUT_WR)
    reaches(ours, TCP_CLOSING)
    return [ours]


def last_ack() -> list[socket.socket]:
    ours, theirs = connected()
    theirs.shutdown(socket.SHUT_WR)
    reaches(ours, TCP_CLOSE_WAIT)
    cut(ours, theirs)
    ours.shutdown(socket.SHUT_WR)
    return [ours]


def shutdown_read() -> list[socket.socket]:
    made = pair()
    made[0].shutdown(socket.SHUT_RD)
    return made


def was_reset() -> list[socket.socket]:
    ours, theirs = connected()
    reset(theirs)
    reaches(ours, TCP_CLOSE)
    return [ours]


def fresh() -> list[socket.socket]:
    return [socket.socket()]


def bound() -> list[socket.socket]:
    made = socket.socket()
    made.bind(("127.0.0.1", 0))
    return [made]


def listen() -> list[socket.socket]:
    return [listening()]


def listen_any_v6() -> list[socket.socket]:
    return [listening("::")]


def unaccepted() -> list[socket.socket]:
    made = listening()
    client = socket.create_connection(made.getsockname())
    kept.append(client)
    return [made]


def syn_recv() -> list[socket.socket]:
    made = listening()
    drop("tcp sport", made.getsockname()[1])  # the client never sees the SYN-ACK
    client = socket.socket()
    client.setblocking(False)
    client.connect_ex(made.getsockname())
    kept.append(client)
    return [made]


def syn_sent() -> list[socket.socket]:
    listener = listening()
    drop("tcp dport", listener.getsockname()[1])
    made = socket.socket()
    made.setblocking(False)
    made.connect_ex(listener.getsockname())
    kept.append(listener)
    return [made]


def mptcp() -> list[socket.socket]:
    return pair(protocol=IPPROTO_MPTCP)


def mptcp_listen() -> list[socket.socket]:
    return [listening(protocol=IPPROTO_MPTCP)]


def md5() -> list[socket.socket]:
    def key(made: socket.socket) -> None:
        storage = struct.pack("=H2x4s", socket.AF_INET, socket.inet_aton("127.0.0.1")).ljust(128, b"\0")
        made.setsockopt(socket.IPPROTO_TCP, TCP_MD5SIG, storage + struct.pack("=BBHi80s", 0, 0, 6, 0, b"secret"))

    return pair(prepare=key)


def out_of_order() -> list[socket.socket]:
    """What the peer sent first is lost each time, what it sent next has arrived."""
    made = pair()
    peer = peers[0]
    drop("tcp dport", made[0].getsockname()[1], "tcp sequence", next_sequence(peer))
    lifted.append(drop_no_more)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer.sendall(b"1" * 1000)
    peer.sendall(b"2" * 1000)
    deadline = time.monotonic() + TIMEOUT_S
    while not peer.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 32)[28]:  # tcpi_sacked: segments, as it was told
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return made


def impatient_peer() -> list[socket.socket]:
    made = pair()
    peers[0].setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 10)
    return made


def translated() -> list[socket.socket]:
    """A connection to a service address that this host's own rules lead to another one, as those of kube-proxy do."""
    home = f"/proc/{os.getpid()}/fd/{os.open('/proc/self/ns/net', os.O_RDONLY)}"
    server = elsewhere(lambda: [beyond_the_cable(home)])[0]
    kept.append(server)
    with Path(home).open() as here:
        called("setns", here.fileno(), CLONE_NEWNET)
    rules = ["add table ip t", "add chain ip t c { type nat hook output priority -100; }",
             f"add rule ip t c ip daddr {SERVICE} tcp dport 80 dnat to {BEYOND}:{server.getsockname()[1]}"]  # fmt: skip
    subprocess.run(["nft", "-f", "-"], input="\n".join(rules) + "\n", text=True, check=True, timeout=20)
    ours = socket.create_connection((SERVICE, 80), timeout=TIMEOUT_S)
    ours.settimeout(None)
    peers.append(server.accept()[0])
    return [ours]


def beyond_the_cable(home: str) -> socket.socket:
    """A listener at the other end of the cable, which comes over to where we are."""
    move = ["nsenter", f"--net={home}", "ip", "link", "set", OTHER_DEVICE, "netns", str(os.getpid())]
    subprocess.run(move, check=True, timeout=TIMEOUT_S)
    subprocess.run(["ip", "link", "set", OTHER_DEVICE, "up"], check=True, timeout=TIMEOUT_S)
    subprocess.run(["ip", "address", "add", f"{BEYOND}/24", "dev", OTHER_DEVICE], check=True, timeout=TIMEOUT_S)
    return listening(BEYOND)


def urgent() -> list[socket.socket]:
    made = pair()
    peers[0].sendall(b"abc")
    peers[0].send(b"!", socket.MSG_OOB)
    delivered(peers[0])
    return made


def urgent_then_more() -> list[socket.socket]:
    made = urgent()
    peers[0].sendall(b"def")
    delivered(peers[0])
    return made


def v4_mapped() -> list[socket.socket]:
    return pair("127.0.0.1", to="::ffff:127.0.0.1")


def established_v6() -> list[socket.socket]:
    return pair("::1")


def looks_mapped_v6() -> list[socket.socket]:
    return pair("fd99::ffff:a63:102")


def link_local() -> list[socket.socket]:
    return pair("fe80::9")


def link_local_device() -> list[socket.socket]:
    return pair("fe80::9", prepare=to_device)


def bound_device() -> list[socket.socket]:
    made = socket.socket()
    to_device(made)
    made.bind(("10.9.9.1", 0))
    made.listen()
    return [made]


def freebind_listen() -> list[socket.socket]:
    made = socket.socket()
    made.setsockopt(socket.IPPROTO_IP, IP_FREEBIND, 1)
    made.bind(("10.200.0.1", 0))
    made.listen()
    return [made]


def transparent_listen() -> list[socket.socket]:
    made = socket.socket()
    made.setsockopt(socket.IPPROTO_IP, IP_TRANSPARENT, 1)
    made.bind(("10.200.0.1", 0))
    made.listen()
    return [made]


def to_elsewhere() -> list[socket.socket]:
    """A connection to a peer that is not there: made in repair mode, in which connect(2) sends nothing."""
    made = socket.socket()
    made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
    made.bind((ADDRESS, 0))
    made.connect((ELSEWHERE, 9))
    made.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, -1)
    return [made]


def both_ends() -> list[socket.socket]:
    return list(connected())


def shared_outside() -> list[socket.socket]:
    made = pair()
    kept.extend(made)
    return made


def shared_listener_outside() -> list[socket.socket]:
    made = listen()
    kept.extend(made)
    return made


def loaded_bpf() -> int:
    """A socket filter that lets everything through: r0 = -1; exit."""
    program = ctypes.create_string_buffer(struct.pack("=BBhiBBhi", 0xB7, 0, 0, -1, 0x95, 0, 0, 0))
    name = ctypes.create_string_buffer(b"GPL")
    attributes = struct.pack("=IIQQ", 1, 2, ctypes.addressof(program), ctypes.addressof(name)).ljust(120, b"\0")
    return called("syscall", BPF, BPF_PROG_LOAD, ctypes.create_string_buffer(attributes, 120), 120)


def ebpf_filter() -> list[socket.socket]:
    made = pair()
    loaded = loaded_bpf()
    made[0].setsockopt(socket.SOL_SOCKET, SO_ATTACH_BPF, loaded)
    os.close(loaded)
    return made


def classic_filter() -> list[socket.socket]:
    made = pair()
    attach_filter(made[0], 0xFFFF)
    return made


def foreign_connected() -> list[socket.socket]:
    return elsewhere(pair)


def foreign_listen() -> list[socket.socket]:
    return elsewhere(listen)


def foreign_fresh() -> list[socket.socket]:
    return elsewhere(fresh)


def link_local_listen() -> list[socket.socket]:
    return [listening("fe80::9")]


def shared_reuseport_outside() -> list[socket.socket]:
    made = socket.socket()
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    made.bind(("127.0.0.1", 0))
    made.listen()
    kept.append(made)
    return [made]


def freebind_listen_v6() -> list[socket.socket]:
    made = socket.socket(socket.AF_INET6)
    made.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
    made.bind(("fd12::1", 0))
    made.listen()
    return [made]
