"""Arguments that both programs have."""

import argparse
import socket

from workbench.lab.programs.record import SIZE


def endpoint(text: str) -> tuple[str, int]:
    """``10.77.0.2:7022`` or ``[fd77::2]:7022`` as address and port."""
    address, _, port = text.rpartition(":")
    return address.removeprefix("[").removesuffix("]"), int(port)


def family_of(end: tuple[str, int]) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in end[0] else socket.AF_INET


def add_pace(parser: argparse.ArgumentParser) -> None:
    """How fast it goes, bytes a second on each connection, the sizes of the buffers, and that of a stream's unit."""
    for name in ("--writes", "--reads", "--send-buffer", "--receive-buffer"):
        parser.add_argument(name, type=int, metavar="BYTES")
    parser.add_argument("--unit", type=int, default=SIZE, metavar="BYTES")


def buffers(opened: socket.socket, options: argparse.Namespace) -> None:
    """Set the buffers that were asked for; before connect(2) or listen(2), since the window scale follows from them."""
    if options.send_buffer:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, options.send_buffer)
    if options.receive_buffer:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options.receive_buffer)
