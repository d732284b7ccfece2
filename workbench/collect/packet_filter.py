"""A classic BPF program that lets through the segments of chosen connections, assembled from their addresses.

It runs on the packet from its network header on, as a packet socket of type SOCK_DGRAM gives it (packet(7)), and
returns how much of it is kept: so payload that was not asked for never leaves the kernel.
Instructions: Documentation/networking/filter.rst, include/uapi/linux/filter.h.
"""

import ctypes
import ipaddress
import socket
import struct
from collections.abc import Iterable, Sequence

from workbench.errors import WorkbenchError
from workbench.evidence import Connection

SO_ATTACH_FILTER = 26
MOST_INSTRUCTIONS = 4096  # BPF_MAXINSNS
WHOLE = 1 << 18
"""More than any packet has."""
_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE = 0x20, 0x28, 0x30
_LOAD_WORD_X, _LOAD_BYTE_X = 0x40, 0x50
_LOAD_X_HEADER = 0xB1
"""X = 4 * (low four bits of a byte): the length of an IPv4 header."""
_AND, _SHIFT_RIGHT, _ADD, _ADD_X = 0x54, 0x74, 0x04, 0x0C
_JUMP, _JUMP_EQUAL, _JUMP_SET = 0x05, 0x15, 0x45
_RETURN, _RETURN_A = 0x06, 0x16
_ANCILLARY = 0xFFFFF000  # SKF_AD_OFF
_PROTOCOL, _PACKET_TYPE, _HARDWARE = _ANCILLARY + 0, _ANCILLARY + 4, _ANCILLARY + 28
_PACKET_OUTGOING, _ARPHRD_LOOPBACK = 4, 772
_IPV4, _IPV6 = 0x0800, 0x86DD
_V4_PROTOCOL, _V4_FRAGMENT, _V4_ADDRESSES = 9, 6, 12
_V6_NEXT, _V6_ADDRESSES, _V6_LENGTH = 6, 8, 40
_TCP_OFFSET = 12

Instruction = tuple[int, int, int, int]
"""Code, jump if true, jump if false, constant."""
Tree = dict[int, "Tree"]
"""Words of addresses and both ports in the order in which they are compared; empty where all agreed."""


def program(connections: Iterable[Connection] | None, *, payload: bool = False) -> bytes:
    """The filter for these connections, both directions; None is all TCP. Without ``payload`` only headers are kept.

    Not seen: IPv6 segments behind extension headers, later fragments. Of the two looks at a packet on a loopback device
    one is left out. Raises WorkbenchError if the connections are too many.
    """
    trees: dict[int, Tree] = {4: {}, 6: {}}
    for connection in () if connections is None else connections:
        for way in (connection.unmapped, connection.unmapped.reversed):
            version, words = _words(way)
            node = trees[version]
            for word in words:
                node = node.setdefault(word, {})
    everything = connections is None
    v4 = _of_v4(trees[4], everything, payload)
    v6 = _of_v6(trees[6], everything, payload)
    found: list[Instruction] = [
        (_LOAD_HALF, 0, 0, _HARDWARE),
        (_JUMP_EQUAL, 0, 3, _ARPHRD_LOOPBACK),
        (_LOAD_BYTE, 0, 0, _PACKET_TYPE),
        (_JUMP_EQUAL, 0, 1, _PACKET_OUTGOING),
        (_RETURN, 0, 0, 0),
        (_LOAD_HALF, 0, 0, _PROTOCOL),
        (_JUMP_EQUAL, 0, 1, _IPV6),
        (_JUMP, 0, 0, len(v4) + 2),
        (_JUMP_EQUAL, 1, 0, _IPV4),
        (_RETURN, 0, 0, 0),
        *v4,
        *v6,
    ]
    if len(found) > MOST_INSTRUCTIONS:
        raise WorkbenchError("These are more connections than a kernel filter can tell apart", "name fewer of them")
    return b"".join(struct.pack("=HBBI", *each) for each in found)


def attach(sock: socket.socket, code: bytes) -> None:
    """Let the socket see only what the program lets through."""
    instructions = ctypes.create_string_buffer(code)
    described = struct.pack("@HP", len(code) // 8, ctypes.addressof(instructions))
    sock.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, described)


def _of_v4(tree: Tree, everything: bool, payload: bool) -> list[Instruction]:
    keep: list[Instruction] = [
        (_LOAD_BYTE_X, 0, 0, _TCP_OFFSET), (_SHIFT_RIGHT, 0, 0, 2), (_AND, 0, 0, 0x3C), (_ADD_X, 0, 0, 0),
        (_RETURN_A, 0, 0, 0),
    ]  # fmt: skip
    loads = [(_LOAD_WORD, 0, 0, _V4_ADDRESSES), (_LOAD_WORD, 0, 0, _V4_ADDRESSES + 4), (_LOAD_WORD_X, 0, 0, 0)]
    return [
        (_LOAD_BYTE, 0, 0, _V4_PROTOCOL),
        (_JUMP_EQUAL, 1, 0, socket.IPPROTO_TCP),
        (_RETURN, 0, 0, 0),
        (_LOAD_HALF, 0, 0, _V4_FRAGMENT),
        (_JUMP_SET, 0, 1, 0x1FFF),
        (_RETURN, 0, 0, 0),
        (_LOAD_X_HEADER, 0, 0, 0),
        *_chosen(tree, everything, loads, [(_RETURN, 0, 0, WHOLE)] if payload else keep),
    ]


def _of_v6(tree: Tree, everything: bool, payload: bool) -> list[Instruction]:
    keep: list[Instruction] = [
        (_LOAD_BYTE, 0, 0, _V6_LENGTH + _TCP_OFFSET), (_SHIFT_RIGHT, 0, 0, 2), (_AND, 0, 0, 0x3C),
        (_ADD, 0, 0, _V6_LENGTH), (_RETURN_A, 0, 0, 0),
    ]  # fmt: skip
    loads = [(_LOAD_WORD, 0, 0, _V6_ADDRESSES + 4 * number) for number in range(9)]
    return [
        (_LOAD_BYTE, 0, 0, _V6_NEXT),
        (_JUMP_EQUAL, 1, 0, socket.IPPROTO_TCP),
        (_RETURN, 0, 0, 0),
        *_chosen(tree, everything, loads, [(_RETURN, 0, 0, WHOLE)] if payload else keep),
    ]


def _chosen(
    tree: Tree, everything: bool, loads: Sequence[Instruction], keep: Sequence[Instruction]
) -> list[Instruction]:
    if everything:
        return list(keep)
    code = _compared(tree, loads)
    # A comparison that succeeded to the end jumps to what comes behind them all.
    return [
        (_JUMP, 0, 0, len(code) - place - 1) if each == _AGREED else each for place, each in enumerate(code)
    ] + list(keep)


_AGREED: Instruction = (_JUMP, 0, 0, 0xFFFFFFFF)


def _compared(tree: Tree, loads: Sequence[Instruction]) -> list[Instruction]:
    """Load a word; for each value that it may have, go on with its own comparisons; drop the rest."""
    if len(loads) == 1:
        last = [each for value in tree for each in ((_JUMP_EQUAL, 0, 1, value), _AGREED)]
        return [loads[0], *last, (_RETURN, 0, 0, 0)]
    below = [_compared(node, loads[1:]) for node in tree.values()]
    if len(below) == 1:
        return [loads[0], (_JUMP_EQUAL, 1, 0, next(iter(tree))), (_RETURN, 0, 0, 0), *below[0]]
    code: list[Instruction] = [loads[0]]
    behind = 2 * len(below) + 2
    for value, part in zip(tree, below, strict=True):
        code += [(_JUMP_EQUAL, 0, 1, value), (_JUMP, 0, 0, behind - len(code) - 2)]
        behind += len(part)
    return [*code, (_RETURN, 0, 0, 0), *(each for part in below for each in part)]


def _words(way: Connection) -> tuple[int, tuple[int, ...]]:
    """IP version; both addresses and both ports in words of four bytes."""
    ends = [ipaddress.ip_address(end.address) for end in (way.local, way.peer)]
    packed = b"".join(end.packed for end in ends) + struct.pack("!HH", way.local.port, way.peer.port)
    return ends[0].version, struct.unpack(f"!{len(packed) // 4}I", packed)
