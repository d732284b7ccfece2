"""The BPF program that copies a record of every TCP descriptor: ``iter/task_file``, places from the kernel's BTF."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.collect import bpf
from workbench.collect.btf import Btf, BtfError, Field

_CONNECTION = "inet_conn."
_SK = _CONNECTION + "icsk_inet.sk."
_COMMON = _SK + "__sk_common."
_MPTCP = 262
"""``IPPROTO_MPTCP``: its socket is no TCP socket, but owns some."""

# name in our record -> path in struct tcp_sock (include/linux/tcp.h)
_FIELDS = {
    "snd_una": "snd_una",
    "snd_nxt": "snd_nxt",
    "write_seq": "write_seq",
    "rcv_nxt": "rcv_nxt",
    "copied_seq": "copied_seq",
    "snd_wnd": "snd_wnd",
    "rcv_wnd": "rcv_wnd",
    "rcv_wup": "rcv_wup",
    "snd_wl1": "snd_wl1",
    "max_window": "max_window",
    "tsoffset": "tsoffset",
    "ts_recent": "rx_opt.ts_recent",
    "retrans_stamp": "retrans_stamp",
    "user_timeout": _CONNECTION + "icsk_user_timeout",  # milliseconds since Linux 4.20
    "rto": _CONNECTION + "icsk_rto",  # jiffies
    "out_of_order": "out_of_order_queue.rb_node",
    "repair": "repair",
    "state": _COMMON + "skc_state",
    "family": _COMMON + "skc_family",
    "flags": _COMMON + "skc_flags",
    "pending": _CONNECTION + "icsk_pending",
    "retransmits": _CONNECTION + "icsk_retransmits",
    "backoff": _CONNECTION + "icsk_backoff",
    "probes_out": _CONNECTION + "icsk_probes_out",
    "probes_tstamp": _CONNECTION + "icsk_probes_tstamp",  # jiffies; 0 = no probe is unanswered
    "syn_retries": _CONNECTION + "icsk_syn_retries",
    "rcv_tstamp": "rcv_tstamp",  # jiffies: last acknowledgement that arrived
    "lrcvtime": _CONNECTION + "icsk_ack.lrcvtime",  # jiffies: last data that arrived
    "keepalive_time": "keepalive_time",  # jiffies, like the next two
    "keepalive_intvl": "keepalive_intvl",
    "linger2": "linger2",
    "keepalive_probes": "keepalive_probes",
    "thin_lto": "thin_lto",
}
# What not every kernel has: the first path that there is.
_OPTIONAL = {
    "keepalive_expires": (_SK + "sk_timer.expires", _CONNECTION + "icsk_keepalive_timer.expires"),
    "expires": (_CONNECTION + "icsk_retransmit_timer.expires", "tcp_retransmit_timer.expires"),
    "rto_max": (_CONNECTION + "icsk_rto_max",),  # jiffies, Linux 6.15
    "tcp_usec_ts": ("tcp_usec_ts",),  # Linux 6.7
}

OWNER = np.dtype([("tgid", "u4"), ("tid", "u4"), ("fd", "u4"), ("netns", "u4"), ("inode", "u8"), ("cookie", "u8")])
"""How each row begins: process, thread, descriptor, inode of the network namespace, inode and cookie of the socket.

A multipath (MPTCP) socket has nothing but these, and no cookie (0).
"""
_CLOCKS = np.dtype([("now_ns", "u8"), ("jiffies", "u8")])


@dataclass(frozen=True)
class TcpProgram:
    """Ready to be loaded; what it writes, and how to take bit fields out of it."""

    code: bytes
    record: np.dtype[Any]
    places: dict[str, Field]

    def bit(self, row: dict[str, int], name: str) -> bool:
        """Whether a field of one bit is set; false if this kernel does not have it."""
        place = self.places.get(name)
        return place is not None and row[name] >> place.shift & ((1 << place.bits) - 1) != 0

    def bits(self, columns: Mapping[str, Sequence[int]], name: str, count: int) -> list[bool]:
        """The same of ``count`` rows."""
        place = self.places.get(name)
        if place is None:
            return [False] * count
        mask = ((1 << place.bits) - 1) << place.shift
        return [each & mask != 0 for each in columns[name]]


Rows = NDArray[Any]
"""Records of a ``TcpProgram``."""


def write_program(btf: Btf) -> TcpProgram:
    """For the descriptor at hand, copy a record to the stack and write it out. Raises BtfError."""
    places = {name: btf.field("tcp_sock", path) for name, path in _FIELDS.items()}
    for name, paths in _OPTIONAL.items():
        if place := _first(btf, paths):
            places[name] = place
    fields = [*OWNER.descr, *_CLOCKS.descr, *((name, f"u{at.size}") for name, at in places.items())]
    record = np.dtype(fields, align=True)  # aligned, because the verifier wants the stack so
    length = record.itemsize
    offsets = {name: entry[1] - length for name, entry in (record.fields or {}).items()}
    context, sock, task, file, scratch = 6, 7, 8, 9, 1

    write = bpf.Program()
    write.copy(context, 1)  # struct bpf_iter__task_file { meta, task, fd, file }
    write.load(task, context, 8)
    write.end_if_zero(task)
    write.load(file, context, 24)
    write.end_if_zero(file)
    write.copy(1, file)
    write.call(bpf.SOCK_FROM_FILE)
    write.end_if_zero(0)
    write.load(sock, 0, btf.field("socket", "sk").offset)
    write.end_if_zero(sock)

    write.number(scratch, 0)
    for offset in range(-length, 0, 8):
        write.store(bpf.FRAME, offset, scratch)
    write.load(scratch, task, btf.field("task_struct", "tgid").offset, 4)
    write.store(bpf.FRAME, offsets["tgid"], scratch, 4)
    write.load(scratch, task, btf.field("task_struct", "pid").offset, 4)
    write.store(bpf.FRAME, offsets["tid"], scratch, 4)
    write.load(scratch, context, 16, 4)
    write.store(bpf.FRAME, offsets["fd"], scratch, 4)
    write.load(scratch, file, btf.field("file", "f_inode").offset)
    write.load(scratch, scratch, btf.field("inode", "i_ino").offset)
    write.store(bpf.FRAME, offsets["inode"], scratch)
    write.load(scratch, sock, btf.field("sock", "__sk_common.skc_net.net").offset)
    write.load(scratch, scratch, btf.field("net", "ns.inum").offset, 4)
    write.store(bpf.FRAME, offsets["netns"], scratch, 4)
    protocol = btf.field("sock", "sk_protocol")
    write.load(scratch, sock, protocol.offset, protocol.size)
    multipath = write.jump_if_equal(scratch, _MPTCP)

    write.copy(1, sock)
    write.call(bpf.SKC_TO_TCP_SOCK)
    write.end_if_zero(0)
    write.copy(sock, 0)
    write.copy(1, sock)
    write.call(bpf.GET_SOCKET_COOKIE)
    write.store(bpf.FRAME, offsets["cookie"], 0)
    write.call(bpf.KTIME_GET_NS)
    write.store(bpf.FRAME, offsets["now_ns"], 0)
    write.call(bpf.JIFFIES64)
    write.store(bpf.FRAME, offsets["jiffies"], 0)
    for name, place in places.items():
        write.load(scratch, sock, place.offset, place.size)
        write.store(bpf.FRAME, offsets[name], scratch, place.size)

    write.land(multipath)
    write.load(1, context, 0)
    write.load(1, 1, 0)  # meta->seq
    write.copy(2, bpf.FRAME)
    write.add(2, -length)
    write.number(3, length)
    write.call(bpf.SEQ_WRITE)
    return TcpProgram(write.assemble(), record, places)


def _first(btf: Btf, paths: tuple[str, ...]) -> Field | None:
    for path in paths:
        try:
            return btf.field("tcp_sock", path)
        except BtfError:
            continue
    return None
