"""What tracefs does not tell of an event: namespace, cookie and process, and the headers of the segment.

Programs at raw tracepoints copy it into a ring. For events that tracefs has too, the record stands as a witness of
that event: it was written in the same moment and names the same socket and the same segment. Drops and segments with
RST that leave the host are told here alone.
"""

import errno
import os
from enum import IntEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.collect import bpf
from workbench.collect.btf import TYPEDEF, VMLINUX, Btf, BtfError
from workbench.collect.ring_buffer import RingBuffer, write_output
from workbench.evidence import Gap
from workbench.evidence.event import RST

RING_BYTES = 1 << 23
HEADER_BYTES = 80
"""IPv4 with options and TCP without, or IPv6 and TCP: what a record has of the segment."""
_IPPROTO_TCP = 6
_NO_HEADER = 0xFFFF
"""``skb->network_header`` of a segment that has no IP header yet."""


class Seen(IntEnum):
    """At which tracepoint."""

    STATE = 1
    RESET_SENT = 2
    RESET_RECEIVED = 3
    RETRANSMISSION = 4
    DROP = 5
    TRANSMITTED = 6


_TRACEPOINTS = {
    Seen.STATE: "inet_sock_set_state",
    Seen.RESET_SENT: "tcp_send_reset",
    Seen.RESET_RECEIVED: "tcp_receive_reset",
    Seen.RETRANSMISSION: "tcp_retransmit_skb",
    Seen.DROP: "kfree_skb",
    Seen.TRANSMITTED: "net_dev_queue",
}

RECORD = np.dtype(
    [
        ("at_ns", "u8"),
        ("sock", "u8"),
        ("segment", "u8"),
        ("location", "u8"),
        ("cookie", "u8"),
        ("netns", "u4"),
        ("seen", "u4"),
        ("reason", "u4"),
        ("tgid", "u4"),
        ("command", "S16"),
        ("interface", "u4"),  # of a segment that came in, the device; 0 for one that this host made
        ("family", "u2"),  # of the socket
        ("type", "u2"),
        ("header", f"V{HEADER_BYTES}"),
    ]
)
_OFFSETS = {name: entry[1] - RECORD.itemsize for name, entry in (RECORD.fields or {}).items()}
_CONTEXT, _SOCK, _SEGMENT, _HEAD, _SCRATCH = 6, 7, 8, 9, 1


class Witness:
    """Programs that run from now until ``close``. One thread at a time may read."""

    def __init__(self, least_reason: int = 3, btf: Path = VMLINUX, size: int = RING_BYTES) -> None:
        """``least_reason``: smaller numbers of ``enum skb_drop_reason`` are no drops that anybody asks about.

        Raises BtfError, BpfError or OSError.
        """
        self._btf = Btf.of_kernel(btf)
        self._programs: list[int] = []
        self._links: list[int] = []
        self.ring = RingBuffer(size)
        try:
            for seen, tracepoint in _TRACEPOINTS.items():
                typedef = self._btf.find(f"btf_trace_{tracepoint}", TYPEDEF)
                code = self._write(seen, self._btf.arguments(typedef), least_reason)
                program = bpf.load_raw_tracepoint(code, typedef, f"wb_{tracepoint}")
                self._programs.append(program)
            self._links += map(bpf.attach_raw_tracepoint, self._programs)
        except BaseException:
            self.close()
            raise

    def read(self) -> NDArray[Any]:
        """Records since the last reading, as ``RECORD``, in the order in which they were written."""
        return np.frombuffer(b"".join(self.ring.read()), RECORD)

    def lost(self) -> int:
        """Records that are missing since the beginning."""
        return self.ring.lost() + sum(map(bpf.missed_runs, self._programs))

    def close(self) -> None:
        for descriptor in (*self._links, *self._programs):
            os.close(descriptor)
        self._links, self._programs = [], []
        self.ring.close()

    def _write(self, seen: Seen, arguments: int, least_reason: int) -> bytes:
        write = bpf.Program()
        write.copy(_CONTEXT, 1)
        match seen:
            case Seen.DROP:
                write.load(_SCRATCH, _CONTEXT, 16, 4)
                write.end_if_at_most(_SCRATCH, least_reason - 1)
                write.load(_SEGMENT, _CONTEXT, 0)
                if arguments > 3:
                    write.load(_SOCK, _CONTEXT, 24)  # rx_sk, since Linux 6.11
                else:
                    write.number(_SOCK, 0)
            case Seen.TRANSMITTED:
                write.load(_SEGMENT, _CONTEXT, 0)
                write.load(_SOCK, _SEGMENT, self._btf.field("sk_buff", "sk").offset)
            case _:
                write.load(_SOCK, _CONTEXT, 0)
                if seen is Seen.STATE:
                    write.load(_SCRATCH, _SOCK, *self._place("sock", "sk_protocol"))
                    write.end_unless_equal(_SCRATCH, _IPPROTO_TCP)
                if seen in {Seen.RESET_SENT, Seen.RETRANSMISSION}:
                    write.load(_SEGMENT, _CONTEXT, 8)
                else:
                    write.number(_SEGMENT, 0)
        for offset in range(-RECORD.itemsize, 0, 8):
            write.number(_SCRATCH, 0)
            write.store(bpf.FRAME, offset, _SCRATCH)
        if seen is Seen.TRANSMITTED:
            self._only_resets(write)
        if seen in {Seen.DROP, Seen.TRANSMITTED, Seen.RESET_SENT}:
            self._segment(write, only_tcp=seen is not Seen.RESET_SENT)
        self._circumstances(write, seen)
        self._socket(write, trusted=seen is not Seen.TRANSMITTED)
        write_output(write, self.ring, -RECORD.itemsize, RECORD.itemsize)
        return write.assemble()

    def _place(self, structure: str, path: str) -> tuple[int, int]:
        field = self._btf.field(structure, path)
        return field.offset, field.size

    def _only_resets(self, write: bpf.Program) -> None:
        """End unless it is IP and the RST bit stands in what is then the TCP header."""
        self._only_ip(write)
        write.load(3, _SEGMENT, *self._place("sk_buff", "transport_header"))
        write.end_if_equal(3, _NO_HEADER)
        write.load(_HEAD, _SEGMENT, *self._place("sk_buff", "head"))
        write.add_register(3, _HEAD)
        write.add(3, 13)
        self._copy(write, -8, 1)
        write.load(_SCRATCH, bpf.FRAME, -8, 1)
        write.mask(_SCRATCH, RST)
        write.end_if_zero(_SCRATCH)

    def _only_ip(self, write: bpf.Program) -> None:
        write.load(_SCRATCH, _SEGMENT, *self._place("sk_buff", "protocol"))
        ipv4 = write.jump_if_equal(_SCRATCH, 0x0008)  # ETH_P_IP and ETH_P_IPV6, as they stand in memory
        write.end_unless_equal(_SCRATCH, 0xDD86)
        write.land(ipv4)

    def _segment(self, write: bpf.Program, *, only_tcp: bool) -> None:
        """Copy the headers; end if it is not TCP over IP, or leave them out where the event counts without them."""
        header = _OFFSETS["header"]
        absent: list[int] = []
        if only_tcp:
            self._only_ip(write)
        else:
            absent.append(write.jump_if_equal(_SEGMENT, 0))
        write.load(3, _SEGMENT, *self._place("sk_buff", "network_header"))
        if only_tcp:
            write.end_if_equal(3, _NO_HEADER)
        else:
            absent.append(write.jump_if_equal(3, _NO_HEADER))
        write.load(_HEAD, _SEGMENT, *self._place("sk_buff", "head"))
        write.add_register(3, _HEAD)
        self._copy(write, header, HEADER_BYTES)
        if only_tcp:
            write.load(_SCRATCH, bpf.FRAME, header, 1)
            write.shift_right(_SCRATCH, 4)
            ipv6 = write.jump_if_equal(_SCRATCH, 6)
            write.load(_SCRATCH, bpf.FRAME, header + 9, 1)
            chosen = write.jump()
            write.land(ipv6)
            write.load(_SCRATCH, bpf.FRAME, header + 6, 1)
            write.land(chosen)
            write.end_unless_equal(_SCRATCH, _IPPROTO_TCP)
        write.load(_SCRATCH, _SEGMENT, *self._place("sk_buff", "skb_iif"))
        write.store(bpf.FRAME, _OFFSETS["interface"], _SCRATCH, 4)
        # TCP takes the device away before it hands a segment to a socket; then the socket tells the namespace.
        write.load(_SCRATCH, _SEGMENT, *self._place("sk_buff", "dev"))
        absent.append(write.jump_if_equal(_SCRATCH, 0))
        write.load(_SCRATCH, _SCRATCH, *self._place("net_device", "nd_net.net"))
        absent.append(write.jump_if_equal(_SCRATCH, 0))
        write.load(_SCRATCH, _SCRATCH, *self._place("net", "ns.inum"))
        write.store(bpf.FRAME, _OFFSETS["netns"], _SCRATCH, 4)
        write.land(*absent)

    @staticmethod
    def _copy(write: bpf.Program, offset: int, length: int) -> None:
        """Copy from the address in register 3; what cannot be read is zero."""
        write.copy(1, bpf.FRAME)
        write.add(1, offset)
        write.number(2, length)
        write.call(bpf.PROBE_READ_KERNEL)

    @staticmethod
    def _circumstances(write: bpf.Program, seen: Seen) -> None:
        def keep(name: str, register: int, size: int = 8) -> None:
            write.store(bpf.FRAME, _OFFSETS[name], register, size)

        write.call(bpf.KTIME_GET_NS)
        keep("at_ns", 0)
        write.call(bpf.GET_CURRENT_PID_TGID)
        write.shift_right(0, 32)
        keep("tgid", 0, 4)
        write.copy(1, bpf.FRAME)
        write.add(1, _OFFSETS["command"])
        write.number(2, 16)
        write.call(bpf.GET_CURRENT_COMM)
        write.number(_SCRATCH, int(seen))
        keep("seen", _SCRATCH, 4)
        keep("sock", _SOCK)
        keep("segment", _SEGMENT)
        if seen is Seen.DROP:
            write.load(_SCRATCH, _CONTEXT, 8)
            keep("location", _SCRATCH)
            write.load(_SCRATCH, _CONTEXT, 16, 4)
            keep("reason", _SCRATCH, 4)

    def _socket(self, write: bpf.Program, *, trusted: bool) -> None:
        """Namespace and cookie of the socket, where there is one."""
        absent = [write.jump_if_equal(_SOCK, 0)]
        if trusted:  # the verifier knows the type of an argument, not of what a segment points to
            write.copy(1, _SOCK)
            write.call(bpf.GET_SOCKET_COOKIE)
            write.store(bpf.FRAME, _OFFSETS["cookie"], 0)
        write.load(_SCRATCH, _SOCK, *self._place("sock", "__sk_common.skc_family"))
        write.store(bpf.FRAME, _OFFSETS["family"], _SCRATCH, 2)
        write.load(_SCRATCH, _SOCK, *self._place("sock", "sk_type"))
        write.store(bpf.FRAME, _OFFSETS["type"], _SCRATCH, 2)
        write.load(_SCRATCH, _SOCK, *self._place("sock", "__sk_common.skc_net.net"))
        absent.append(write.jump_if_equal(_SCRATCH, 0))
        write.load(_SCRATCH, _SCRATCH, *self._place("net", "ns.inum"))
        write.store(bpf.FRAME, _OFFSETS["netns"], _SCRATCH, 4)
        write.land(*absent)


def gap_of(error: Exception) -> Gap:
    """Why there is no witness, and what would give one."""
    without = "so drops are shown without addresses, and other events without namespace and process"
    if isinstance(error, FileNotFoundError):
        return Gap(
            "events",
            f"this kernel does not describe its structures (no BTF), {without}",
            "boot a kernel built with CONFIG_DEBUG_INFO_BTF=y",
        )
    if isinstance(error, PermissionError) or getattr(error, "errno", None) == errno.EPERM:
        return Gap(
            "events",
            f"the kernel does not permit BPF programs at tracepoints, {without}",
            "run as root, or give the workbench CAP_BPF and CAP_PERFMON",
        )
    if isinstance(error, BtfError):
        return Gap("events", f"this kernel's BTF is of no use here ({error}), {without}", "use Linux 5.16 or later")
    return Gap("events", f"the kernel refused a BPF program ({error}), {without}", "use Linux 5.16 or later")
