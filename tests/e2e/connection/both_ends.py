"""Both ends of one connection in a network namespace of their own: a program that tests run.

``both_ends.py FAMILY SITUATION`` forks one end, which brings its socket into SITUATION, and prints that end's pid,
descriptor and the number of bytes that it wrote. Itself it is the peer, steered by lines on standard input:
``drain`` prints how many bytes came and their SHA-256, ``send N`` sends N bytes and waits until they have arrived,
``reset`` closes with a RST.
"""

import contextlib
import ctypes
import fcntl
import hashlib
import os
import signal
import socket
import struct
import sys
import threading
import time
from typing import NoReturn

CLONE_NEWNET = 0x40000000
SIOCSIFFLAGS = 0x8914
SIOCOUTQ = 0x5411
DEADLINE_S = 20.0
PR_SET_PDEATHSIG = 1
SO_ATTACH_FILTER, SO_DETACH_FILTER = 26, 27
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
SMALL = 4096
LARGE = 4 << 20

WRITES = {"unsent", "in-flight", "fin-wait1", "closing", "last-ack", "large"}
SHUTS_DOWN = {"fin-wait1", "fin-wait2", "closing", "last-ack"}
PEER_SENDS = {"unread", "close-wait", "reset", "shared"}
PEER_SHUTS_DOWN = {"close-wait", "closing"}


def pattern(length: int) -> bytes:
    """Bytes whose every cyclic shift by less than 251 shows."""
    return (bytes(range(251)) * (length // 251 + 1))[:length]


def enter_namespace() -> None:
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", 1))


def go_deaf(end: socket.socket) -> None:
    """Let the kernel drop whatever comes for this socket: a classic BPF program that returns 0."""
    program = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0))
    end.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", 1, ctypes.addressof(program)))


def reset(end: socket.socket) -> None:
    """Close with a RST instead of a FIN."""
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


def arrived(end: socket.socket) -> None:
    """Wait until the other end's kernel has all that this one has sent, a FIN too."""
    deadline = time.monotonic() + DEADLINE_S
    while struct.unpack("i", fcntl.ioctl(end, SIOCOUTQ, bytes(4)))[0] and time.monotonic() < deadline:
        time.sleep(0.001)  # a send queue tells nobody that it is empty


def say(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def fill(end: socket.socket) -> int:
    """Write until the kernel takes no more."""
    end.setblocking(False)
    total = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            total += end.send(pattern(total + 1000)[total:])
    end.setblocking(True)
    return total


def fill_much(end: socket.socket) -> int:
    """Write ``LARGE`` bytes into a buffer that takes them all."""
    end.sendall(pattern(LARGE))
    return LARGE


def held_end(address: tuple[str, int], family: int, situation: str, go: int, ready: int) -> NoReturn:
    """The end that a test dumps: alone in its session, with nothing open but its socket."""
    os.setsid()
    null = os.open("/dev/null", os.O_RDWR)
    for standard in (0, 1, 2):
        os.dup2(null, standard)
    os.close(null)
    end = socket.socket(family)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SMALL)
    if situation == "large":
        end.setsockopt(socket.SOL_SOCKET, SO_SNDBUFFORCE, 4 * LARGE)
        end.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 4 * LARGE)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    end.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    end.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 777)
    end.connect(address)
    os.read(go, 1)
    os.close(go)
    written = (fill_much if situation == "large" else fill)(end) if situation in WRITES else 0
    if situation in SHUTS_DOWN:
        end.shutdown(socket.SHUT_WR)
    for _ in range(3 if situation == "threads" else 0):
        threading.Thread(target=threading.Event().wait, daemon=True).start()
    if situation == "shared" and os.fork() == 0:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    else:
        os.write(ready, struct.pack("=qi", written, end.fileno()))
    os.close(ready)
    while True:
        signal.pause()


def main() -> None:
    family = {"4": socket.AF_INET, "6": socket.AF_INET6}[sys.argv[1]]
    situation = sys.argv[2]
    enter_namespace()
    listener = socket.socket(family)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    listener.bind(("::1" if family == socket.AF_INET6 else "127.0.0.1", 0))
    listener.listen()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # its pid must be free as soon as CRIU has killed it
    (may_go, go), (ready, is_ready) = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        address = listener.getsockname()
        for unused in (listener.detach(), go, ready):
            os.close(unused)
        held_end(address, family, situation, may_go, is_ready)
    os.close(may_go)
    os.close(is_ready)
    peer, _ = listener.accept()
    listener.close()
    if situation == "last-ack":
        peer.shutdown(socket.SHUT_WR)
    if situation == "in-flight":
        go_deaf(peer)
    os.write(go, b"!")
    written, descriptor = struct.unpack("=qi", os.read(ready, 12))
    if situation in PEER_SENDS:
        peer.sendall(pattern(1000))
    if situation in PEER_SHUTS_DOWN:
        peer.shutdown(socket.SHUT_WR)
    if situation in PEER_SENDS | PEER_SHUTS_DOWN:
        arrived(peer)
    if situation == "reset":
        reset(peer)
    say(child, descriptor, written)
    for line in sys.stdin:
        word, _, rest = line.strip().partition(" ")
        if word == "drain":
            if situation == "in-flight":
                peer.setsockopt(socket.SOL_SOCKET, SO_DETACH_FILTER, 0)
            content = b""
            while len(content) < written and (more := peer.recv(1 << 20)):
                content += more
            say(len(content), hashlib.sha256(content).hexdigest())
        elif word == "reset":
            reset(peer)
            say("reset")
        elif word == "send":
            peer.sendall(pattern(int(rest)))
            arrived(peer)
            say("sent")


if __name__ == "__main__":
    main()
