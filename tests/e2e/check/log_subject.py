"""A process in a network namespace of its own, with one thing that CRIU will mind; run as a program."""

import fcntl
import os
import signal
import socket
import struct
import sys
from pathlib import Path

SIOCGIFFLAGS, SIOCSIFFLAGS, SIOCSIFADDR = 0x8913, 0x8914, 0x8916
LISTENER = ("127.0.0.1", 7022)


def loopback_up(*aliases: str) -> None:
    """Bring lo up, and give it further addresses."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for number, address in enumerate(aliases):
            packed = struct.pack("16sH2x4s8x", f"lo:{number}".encode(), socket.AF_INET, socket.inet_aton(address))
            fcntl.ioctl(control, SIOCSIFADDR, packed)
        flags = struct.unpack_from("16sh", fcntl.ioctl(control, SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0)))[1]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | 1))


def connected(address: str = "127.0.0.1", *, accept: bool = True) -> list[socket.socket]:
    """A listener and one client of it, accepted or not."""
    listener = socket.create_server((address, 7022))
    client = socket.create_connection((address, 7022))
    return [listener, client, *([listener.accept()[0]] if accept else [])]


def main(kind: str, file: str) -> None:
    """Hold what is asked for, say so, and wait for the end."""
    loopback_up(*(["10.9.9.9"] if kind == "address" else []))
    held: list[object] = []
    if kind in ("connected", "address"):
        held += connected("10.9.9.9" if kind == "address" else "127.0.0.1")
    elif kind == "in flight":
        held += connected(accept=False)
    elif kind == "mptcp":
        held.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262))
    elif kind == "file":
        held.append(Path(file).open("rb"))  # noqa: SIM115 - stays open; opened to append, the file might grow
    os.write(1, b"ready\n")
    with Path(os.devnull).open("r+b") as null:
        for descriptor in (0, 1, 2):
            os.dup2(null.fileno(), descriptor)
    signal.pause()


if __name__ == "__main__":
    main(*sys.argv[1:])
