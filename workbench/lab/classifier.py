"""An eBPF program at both sides of a link that drops the segments of one port: a lock that is no rule.

It is attached by a link (tcx, Linux 6.6) that the kernel takes away with the last descriptor: however the holder ends,
nothing stays. Source: include/uapi/linux/bpf.h, kernel/bpf/tcx.c.
"""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

from workbench.collect import bpf
from workbench.collect.within import within
from workbench.errors import WorkbenchError
from workbench.evidence import NetworkNamespace

CRIU_MARK = 0xC114
_SCHED_CLS = 3
_TCX_INGRESS, _TCX_EGRESS = 46, 47
_NEXT, _DROP = -1, 2
_COPY, _NUMBER, _LOAD_MARK = 0xBF, 0xB7, 0x61
_HALF_WORD, _BYTE = 0x28, 0x30
"""BPF_LD | BPF_ABS: from the packet whose context is in register 6, into register 0, network byte order."""
_EQUAL, _UNEQUAL, _EXIT = 0x15, 0x55, 0x95
_MARK = 8
"""Offset in ``struct __sk_buff``."""
_ETHERTYPE, _PROTOCOL, _SOURCE_PORT, _DESTINATION_PORT = 12, 23, 34, 36
"""Offsets in an Ethernet frame with an IPv4 header without options."""


def dropping(port: int) -> bytes:
    """The program: TCP over IPv4 from or to the port is dropped, unless it bears CRIU's mark."""
    accept, drop = 11, 13  # places of the two ends
    lines = [
        (_COPY, 6, 1, 0, 0),
        (_LOAD_MARK, 7, 1, _MARK, 0),
        (_EQUAL, 7, 0, accept - 3, CRIU_MARK),
        (_HALF_WORD, 0, 0, 0, _ETHERTYPE),
        (_UNEQUAL, 0, 0, accept - 5, 0x0800),
        (_BYTE, 0, 0, 0, _PROTOCOL),
        (_UNEQUAL, 0, 0, accept - 7, socket.IPPROTO_TCP),
        (_HALF_WORD, 0, 0, 0, _SOURCE_PORT),
        (_EQUAL, 0, 0, drop - 9, port),
        (_HALF_WORD, 0, 0, 0, _DESTINATION_PORT),
        (_EQUAL, 0, 0, drop - 11, port),
        (_NUMBER, 0, 0, 0, _NEXT),
        (_EXIT, 0, 0, 0, 0),
        (_NUMBER, 0, 0, 0, _DROP),
        (_EXIT, 0, 0, 0, 0),
    ]
    return b"".join(
        struct.pack("<BBhi", code, to | source << 4, offset, value) for code, to, source, offset, value in lines
    )


@contextmanager
def classifier(namespace: NetworkNamespace, device: str, port: int) -> Iterator[None]:
    """Drop both directions while it lasts. Raises WorkbenchError where the kernel cannot."""
    with ExitStack() as stack:
        try:
            program = bpf.load_program(_SCHED_CLS, dropping(port), "wb_lock")
            stack.callback(os.close, program)
            index = within(namespace, partial(socket.if_nametoindex, device))
            for side in (_TCX_INGRESS, _TCX_EGRESS):
                link = within(namespace, partial(bpf.attach_to_device, program, index, side))
                stack.callback(os.close, link)
        except bpf.BpfError as error:
            raise WorkbenchError(f"no eBPF program can be attached to {device}: {error}", "Linux 6.6 can") from error
        yield
