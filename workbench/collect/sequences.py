"""Sequence numbers and owners of every TCP descriptor of the host, read by one BPF iterator.

``iter/task_file`` passes over the descriptors of every process; for those that are TCP sockets the program
copies fields of ``struct tcp_sock``, whose places BTF tells. Nothing is stopped and no socket is locked: the
fields of one socket are copied within a microsecond, and a segment that arrives just then may show in some of
them only. The one trace left is that a socket gets its cookie (bpf_get_socket_cookie), as it does when sock_diag
lists it: so every socket has one. Not seen: sockets without a descriptor (TIME_WAIT, SYN_RECV, orphans,
connections not yet accepted).
"""

import errno
import os
import socket
import struct
import sys
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.collect import bpf
from workbench.collect.btf import FUNC, VMLINUX, Btf, BtfError
from workbench.evidence import Gap, Sequences, Socket

_SK = "inet_conn.icsk_inet.sk."
_COMMON = _SK + "__sk_common."

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
    "user_timeout": "inet_conn.icsk_user_timeout",  # milliseconds since Linux 4.20
    "rto": "inet_conn.icsk_rto",  # jiffies
    "out_of_order": "out_of_order_queue.rb_node",
    "repair": "repair",
    "state": _COMMON + "skc_state",
    "family": _COMMON + "skc_family",
}

OWNER = np.dtype([("tgid", "u4"), ("tid", "u4"), ("fd", "u4"), ("netns", "u4"), ("inode", "u8"), ("cookie", "u8")])
"""How each row begins: process, thread, descriptor, inode of the network namespace, inode and cookie of the socket."""

_COPIED = tuple(
    name for name in _FIELDS if name in {item.name for item in fields(Sequences)} - {"out_of_order", "repair"}
)
_SO_COOKIE = 57


class SequenceTable(Mapping[int, Sequences]):
    """Sequences by socket cookie; a record is made only when it is asked for, so that 50 000 sockets cost little."""

    def __init__(self, rows: NDArray[Any], ticks_per_second: int | None, repair_mask: int) -> None:
        self._cookies, first = np.unique(rows["cookie"], return_index=True)
        self._rows = rows[first]
        self._ticks = ticks_per_second
        self._repair_mask = repair_mask

    def of(self, sock: Socket) -> Sequences | None:
        """Those of a listed socket; None for one without a descriptor (TIME_WAIT, SYN_RECV, orphans)."""
        return self.get(sock.cookie)

    def __getitem__(self, cookie: int) -> Sequences:
        place = int(np.searchsorted(self._cookies, np.uint64(cookie))) if 0 <= cookie < 1 << 64 else len(self)
        if place == len(self) or self._cookies[place] != cookie:
            raise KeyError(cookie)
        row = dict(zip(self._rows.dtype.names or (), self._rows[place].item(), strict=True))
        return Sequences(
            **{name: row[name] for name in _COPIED},
            user_timeout_ms=row["user_timeout"],
            rto_ms=row["rto"] * 1000 // self._ticks if self._ticks else None,
            out_of_order=row["out_of_order"] != 0,
            repair=row["repair"] & self._repair_mask != 0,
        )

    def __iter__(self) -> Iterator[int]:
        return iter(self._cookies.tolist())

    def __len__(self) -> int:
        return len(self._cookies)


class SequenceReader:
    """Reads the sequence numbers of all TCP descriptors, again and again; loaded once and kept open.

    Loading takes some 50 ms, a reading about 1 us a descriptor. One thread at a time.
    """

    def __init__(self, btf: Path = VMLINUX) -> None:
        self._btf = btf
        self._link = -1
        self._record = OWNER
        self._repair_mask = 0
        self._ticks: int | None = None
        self._gap: Gap | None = None
        self._expected = 1 << 16
        self.pids_are_ours = False
        """Known after the first reading: the pids are those of this process's pid namespace too."""

    def read(self) -> Mapping[int, Sequences] | Gap:
        """Sequences of every TCP socket that some process has open, by cookie (a ``SequenceTable``)."""
        rows = self.read_owned()
        return rows if isinstance(rows, Gap) else self.table(rows)

    def table(self, rows: NDArray[Any]) -> SequenceTable:
        """The sequences in rows that ``read_owned`` gave: both from one reading."""
        return SequenceTable(rows, self._ticks, self._repair_mask)

    def read_owned(self) -> NDArray[Any] | Gap:
        """One row for each TCP descriptor of the host: the fields of ``OWNER``, then raw ones of ``struct tcp_sock``.

        A socket with several descriptors has as many rows. Pids are those of the initial pid namespace: use them
        only if ``pids_are_ours``. ``tid`` differs from ``tgid`` where a thread has descriptors of its own.
        """
        if self._gap is None and self._link < 0:
            self._gap = self._load()
        if self._gap is not None:
            return self._gap
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                content = bpf.read_iterator(self._link, self._expected)
                self._expected = len(content) + (1 << 16)
                return self._without(probe, np.frombuffer(content, self._record))
        except (bpf.BpfError, OSError) as error:
            return Gap("sequences", f"The BPF iterator over descriptors could not be read: {error}")

    def close(self) -> None:
        """Let the program go; reading again would load it again."""
        if self._link >= 0:
            os.close(self._link)
            self._link = -1

    def _without(self, probe: socket.socket, rows: NDArray[Any]) -> NDArray[Any]:
        """Take our own fresh socket out of the rows, and learn from it what nobody else tells.

        Its retransmission timeout stands in ``tcp_sock`` in jiffies and in TCP_INFO in microseconds: their ratio
        is the kernel's HZ. Its pid tells whether the kernel's numbers are those of our pid namespace.
        """
        cookie = int.from_bytes(probe.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, 8), sys.byteorder)
        ours = rows["cookie"] == cookie
        if ours.any():
            row = rows[ours][0]
            (rto_us,) = struct.unpack_from("8xI", probe.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 12))
            self._ticks = round(int(row["rto"]) * 1_000_000 / rto_us) if rto_us else None
            self.pids_are_ours = int(row["tgid"]) == os.getpid()
        others: NDArray[Any] = rows[~ours]
        return others

    def _load(self) -> Gap | None:
        try:
            btf = Btf.of_kernel(self._btf)
            function = btf.find("bpf_iter_task_file", FUNC)
            code = self._write(btf)
        except FileNotFoundError:
            return Gap(
                "sequences",
                "This kernel does not describe its structures (no BTF), so where struct tcp_sock keeps its sequence"
                " numbers is not known",
                "Boot a kernel built with CONFIG_DEBUG_INFO_BTF=y",
            )
        except OSError as error:
            return Gap("sequences", f"{self._btf} cannot be read: {error.strerror}", "Run the workbench as root")
        except BtfError as error:
            return Gap("sequences", f"This kernel's BTF is of no use here: {error}", "Use Linux 5.12 or later")
        try:
            program = bpf.load_iterator(code, function, "workbench_tcp")
            try:
                self._link = bpf.attach_iterator(program)
            finally:
                os.close(program)
        except bpf.BpfError as error:
            if error.errno == errno.EPERM:
                return Gap(
                    "sequences",
                    "The kernel does not permit reading TCP sockets by BPF",
                    "Run the workbench as root, or give it CAP_BPF and CAP_PERFMON",
                )
            return Gap("sequences", f"The kernel refused the BPF iterator: {error}", "Use Linux 5.12 or later")
        return None

    def _write(self, btf: Btf) -> bytes:
        """The program: for the descriptor at hand, copy a record to the stack and write it out."""
        places = {name: btf.field("tcp_sock", path) for name, path in _FIELDS.items()}
        self._repair_mask = (1 << places["repair"].bits) - 1 << places["repair"].shift
        # Aligned, because the verifier wants the stack so.
        self._record = np.dtype([*OWNER.descr, *((name, f"u{at.size}") for name, at in places.items())], align=True)
        length = self._record.itemsize
        offsets = {name: entry[1] - length for name, entry in (self._record.fields or {}).items()}
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
        write.load(1, 0, btf.field("socket", "sk").offset)
        write.end_if_zero(1)
        write.call(bpf.SKC_TO_TCP_SOCK)
        write.end_if_zero(0)
        write.copy(sock, 0)

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
        write.load(scratch, sock, btf.field("tcp_sock", _COMMON + "skc_net.net").offset)
        write.load(scratch, scratch, btf.field("net", "ns.inum").offset, 4)
        write.store(bpf.FRAME, offsets["netns"], scratch, 4)
        write.copy(1, sock)
        write.call(bpf.GET_SOCKET_COOKIE)
        write.store(bpf.FRAME, offsets["cookie"], 0)
        for name, place in places.items():
            write.load(scratch, sock, place.offset, place.size)
            write.store(bpf.FRAME, offsets[name], scratch, place.size)

        write.load(1, context, 0)
        write.load(1, 1, 0)  # meta->seq
        write.copy(2, bpf.FRAME)
        write.add(2, -length)
        write.number(3, length)
        write.call(bpf.SEQ_WRITE)
        return write.assemble()
