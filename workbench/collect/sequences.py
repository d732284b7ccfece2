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
from collections.abc import Iterable, Iterator, Mapping, Sequence, ValuesView
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.collect import bpf
from workbench.collect.arrays import distinct
from workbench.collect.btf import FUNC, VMLINUX, Btf, BtfError
from workbench.collect.coded import Numbered
from workbench.collect.tcp_program import Rows, TcpProgram, write_program
from workbench.evidence import Gap, Sequences, Socket
from workbench.evidence.clockwork import Clockwork, Pending
from workbench.evidence.columns import records
from workbench.evidence.sequences import SEQUENCE_MODULUS, SequenceColumns

_COPIED = (
    "snd_una", "snd_nxt", "write_seq", "rcv_nxt", "copied_seq", "snd_wnd", "rcv_wnd", "rcv_wup", "snd_wl1",
    "max_window", "tsoffset", "ts_recent", "retrans_stamp",
)  # fmt: skip
_PENDING = {1: Pending.RTO, 3: Pending.PROBE, 5: Pending.LOSS_PROBE, 6: Pending.REORDERING}
_SENDING = frozenset({Pending.RTO, Pending.LOSS_PROBE, Pending.REORDERING})
_SOCK_KEEPOPEN = 1 << 3  # enum sock_flags, include/net/sock.h
_SO_COOKIE = 57


class SequenceTable(SequenceColumns):
    """Sequences by socket cookie; a record is made only when it is asked for, so that 50 000 sockets cost little."""

    def __init__(self, rows: Rows, program: TcpProgram, ticks_per_second: int | None) -> None:
        self._rows = rows
        self._program = program
        self._ticks = ticks_per_second

    @cached_property
    def _order(self) -> NDArray[np.int64]:
        return np.argsort(self._rows["cookie"], kind="stable")

    @cached_property
    def _cookies(self) -> NDArray[np.uint64]:
        cookies: NDArray[np.uint64] = self._rows["cookie"][self._order]
        return cookies

    def in_repair(self) -> frozenset[int]:
        """Cookies of the sockets in repair mode."""
        place = self._program.places["repair"]
        rows = self._rows[(self._rows["repair"] >> place.shift) & ((1 << place.bits) - 1) != 0]
        return frozenset(rows["cookie"].tolist()) - {0}

    def settle(self, now: "SequenceTable") -> None:
        """Sockets that have left repair mode by a later reading are no longer shown in it."""
        if left := self.in_repair() - now.in_repair():
            place = self._program.places["repair"]
            rows = np.isin(self._rows["cookie"], np.array(sorted(left), np.uint64))
            self._rows["repair"][rows] &= ~np.array(((1 << place.bits) - 1) << place.shift, self._rows["repair"].dtype)

    def of(self, sock: Socket) -> Sequences | None:
        """Those of a listed socket; None for one without a descriptor (TIME_WAIT, SYN_RECV, orphans)."""
        return self.get(sock.cookie)

    def columns(self, cookies: NDArray[Any], names: Iterable[str]) -> dict[str, Numbered]:
        """Fields of ``Sequences`` for all these sockets at once; absent where there are none."""
        wanted = list(names)
        if not len(self._rows):
            nothing = Numbered(np.zeros(len(cookies), np.uint32), np.ones(len(cookies), np.bool_))
            return dict.fromkeys(wanted, nothing)
        places = np.minimum(np.searchsorted(self._cookies, cookies), len(self._rows) - 1)
        unknown = self._cookies[places] != cookies
        # Side by side first: to pick whole records in another order is slow.
        values = np.column_stack([self._rows[name] for name in wanted])[self._order[places]]
        return {name: Numbered(values[:, place], unknown) for place, name in enumerate(wanted)}

    def __getitem__(self, cookie: int) -> Sequences:
        place = int(np.searchsorted(self._cookies, np.uint64(cookie))) if 0 < cookie < 1 << 64 else len(self._rows)
        if place == len(self._rows) or self._cookies[place] != cookie:
            raise KeyError(cookie)
        record = self._rows[self._order[place]]
        row = dict(zip(record.dtype.names, record.item(), strict=True))
        return Sequences(
            **{name: row[name] for name in _COPIED},
            user_timeout_ms=row["user_timeout"],
            rto_ms=row["rto"] * 1000 // self._ticks if self._ticks else None,
            out_of_order=row["out_of_order"] != 0,
            repair=self._program.bit(row, "repair"),
            clockwork=self._clockwork(row, self._ticks) if self._ticks else None,
        )

    def _clockwork(self, row: dict[str, int], hz: int) -> Clockwork | None:
        def milliseconds(name: str) -> int:
            return row[name] * 1000 // hz

        if not {"expires", "keepalive_expires"} <= row.keys():
            return None
        pending = _PENDING.get(row["pending"], Pending.NOTHING)
        unit_ns = 1000 if self._program.bit(row, "tcp_usec_ts") else 1_000_000
        since_first = (row["now_ns"] // unit_ns - row["retrans_stamp"]) % SEQUENCE_MODULUS * unit_ns / 1e6
        heard = min((row["jiffies"] - row[name]) % SEQUENCE_MODULUS for name in ("rcv_tstamp", "lrcvtime"))
        since_probe = (row["jiffies"] - row["probes_tstamp"]) % SEQUENCE_MODULUS * 1000 / hz
        linger2 = row["linger2"] - (SEQUENCE_MODULUS if row["linger2"] >> 31 else 0)
        return Clockwork(
            pending=pending,
            unanswered=row["retransmits"] if pending in _SENDING else row["probes_out"],
            backoff=row["backoff"],
            hz=hz,
            jiffies=row["jiffies"],
            expires=row["expires"],
            keepalive_expires=row["keepalive_expires"],
            retransmitting_ms=since_first if row["retrans_stamp"] else None,
            probing_ms=since_probe if row["probes_tstamp"] else None,
            silent_ms=heard * 1000 / hz,
            rto_max_ms=milliseconds("rto_max") if "rto_max" in row else None,
            keepalive=row["flags"] & _SOCK_KEEPOPEN != 0,
            keepalive_idle_ms=milliseconds("keepalive_time"),
            keepalive_interval_ms=milliseconds("keepalive_intvl"),
            keepalive_probes=row["keepalive_probes"],
            linger2_ms=linger2 * 1000 // hz,
            syn_retries=row["syn_retries"],
            thin=self._program.bit(row, "thin_lto"),
        )

    def values(self) -> ValuesView[Sequences]:
        return _Together(self)

    def records(self) -> list[Sequences]:
        """Every record in the order of the keys, made field by field: one by one takes five times as long."""
        places = np.searchsorted(self._cookies, np.array(list(self), np.uint64))
        rows = self._rows[self._order[places]]
        columns: dict[str, list[int]] = {name: rows[name].tolist() for name in rows.dtype.names or ()}
        nothing: list[None] = [None] * len(rows)
        made: dict[str, Sequence[object]] = {name: columns[name] for name in _COPIED}
        made["user_timeout_ms"] = columns["user_timeout"]
        made["rto_ms"] = _scaled(columns["rto"], 1000, self._ticks) if self._ticks else nothing
        made["out_of_order"] = [each != 0 for each in columns["out_of_order"]]
        made["repair"] = self._program.bits(columns, "repair", len(rows))
        made["clockwork"] = (self._clockworks(columns, len(rows), self._ticks) if self._ticks else None) or nothing
        return records(Sequences, len(rows), made)

    def _clockworks(self, columns: Mapping[str, list[int]], count: int, hz: int) -> list[Clockwork] | None:
        """As ``_clockwork`` makes each."""
        if not {"expires", "keepalive_expires"} <= columns.keys():
            return None
        pending = [_PENDING.get(each, Pending.NOTHING) for each in columns["pending"]]
        now, jiffies = columns["now_ns"], columns["jiffies"]
        in_us = self._program.bits(columns, "tcp_usec_ts", count)
        units = [1000 if each else 1_000_000 for each in in_us]
        made: dict[str, Sequence[object]] = {
            name: columns[name]
            for name in ("backoff", "jiffies", "expires", "keepalive_expires", "keepalive_probes", "syn_retries")
        }
        made["pending"] = pending
        made["unanswered"] = [
            sent if kind in _SENDING else probed
            for kind, sent, probed in zip(pending, columns["retransmits"], columns["probes_out"], strict=True)
        ]
        made["hz"] = [hz] * count
        made["retransmitting_ms"] = [
            (at // unit - stamp) % SEQUENCE_MODULUS * unit / 1e6 if stamp else None
            for at, unit, stamp in zip(now, units, columns["retrans_stamp"], strict=True)
        ]
        made["probing_ms"] = [
            (at - stamp) % SEQUENCE_MODULUS * 1000 / hz if stamp else None
            for at, stamp in zip(jiffies, columns["probes_tstamp"], strict=True)
        ]
        made["silent_ms"] = [
            min((at - one) % SEQUENCE_MODULUS, (at - other) % SEQUENCE_MODULUS) * 1000 / hz
            for at, one, other in zip(jiffies, columns["rcv_tstamp"], columns["lrcvtime"], strict=True)
        ]
        made["rto_max_ms"] = _scaled(columns["rto_max"], 1000, hz) if "rto_max" in columns else [None] * count
        made["keepalive"] = [each & _SOCK_KEEPOPEN != 0 for each in columns["flags"]]
        made["keepalive_idle_ms"] = _scaled(columns["keepalive_time"], 1000, hz)
        made["keepalive_interval_ms"] = _scaled(columns["keepalive_intvl"], 1000, hz)
        linger2 = [each - (SEQUENCE_MODULUS if each >> 31 else 0) for each in columns["linger2"]]
        made["linger2_ms"] = _scaled(linger2, 1000, hz)
        made["thin"] = self._program.bits(columns, "thin_lto", count)
        return records(Clockwork, count, made)

    def __iter__(self) -> Iterator[int]:
        return iter(distinct(self._cookies[self._cookies != 0]))

    def __len__(self) -> int:
        return len(distinct(self._cookies[self._cookies != 0]))


class _Together(ValuesView[Sequences]):
    """The values of a table, all made at once."""

    def __init__(self, table: SequenceTable) -> None:
        super().__init__(table)
        self._table = table

    def __iter__(self) -> Iterator[Sequences]:
        return iter(self._table.records())


def _scaled(values: Iterable[int], factor: int, divisor: int) -> list[int]:
    return [each * factor // divisor for each in values]


class SequenceReader:
    """Reads the sequence numbers of all TCP descriptors, again and again; loaded once and kept open.

    Loading takes some 50 ms, a reading about 1 us a descriptor. One thread at a time.
    """

    def __init__(self, btf: Path = VMLINUX) -> None:
        self._btf = btf
        self._link = -1
        self._program: TcpProgram | None = None
        self._ticks: int | None = None
        self._gap: Gap | None = None
        self._expected = 1 << 20
        self.pids_are_ours = False
        """Known after the first reading: the pids are those of this process's pid namespace too."""

    def read(self) -> Mapping[int, Sequences] | Gap:
        """Sequences of every TCP socket that some process has open, by cookie (a ``SequenceTable``)."""
        rows = self.read_owned()
        return rows if isinstance(rows, Gap) else self.table(rows)

    def table(self, rows: Rows) -> SequenceTable:
        """The sequences in rows that ``read_owned`` gave: both from one reading."""
        assert self._program, "rows come from a program"
        return SequenceTable(rows, self._program, self._ticks)

    def read_owned(self) -> Rows | Gap:
        """One row for each TCP descriptor of the host: the fields of ``OWNER``, then raw ones of ``struct tcp_sock``.

        Multipath sockets are among them, with the fields of ``OWNER`` alone.

        A socket with several descriptors has as many rows. Pids are those of the initial pid namespace: use them
        only if ``pids_are_ours``. ``tid`` differs from ``tgid`` where a thread has descriptors of its own.
        """
        if self._gap is None and (self._link < 0 or self._program is None):
            self._gap = self._load()
        if self._gap is not None or self._program is None:
            return self._gap or Gap("sequences", "The BPF iterator over descriptors was not loaded")
        try:
            with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
                content = bpf.read_iterator(self._link, self._expected)
                self._expected = len(content) + (1 << 16)
                self._take_out(probe, content, self._program.record)
                return np.frombuffer(content, self._program.record)
        except (bpf.BpfError, OSError) as error:
            return Gap("sequences", f"The BPF iterator over descriptors could not be read: {error}")

    def settle(self, table: SequenceTable) -> None:
        """Repair mode that was on at a reading, and is off now, was somebody's at work: it is no longer shown."""
        if table.in_repair():
            now = self.read()
            if isinstance(now, SequenceTable):
                table.settle(now)

    @property
    def hz(self) -> int | None:
        """The kernel's ticks a second, known after the first reading."""
        return self._ticks

    def close(self) -> None:
        """Let the program go; reading again would load it again."""
        if self._link >= 0:
            os.close(self._link)
            self._link = -1

    def _take_out(self, probe: socket.socket, content: bytearray, record: np.dtype[Any]) -> None:
        """Take our own fresh socket out of the rows, and learn from it what nobody else tells.

        Its retransmission timeout stands in ``tcp_sock`` in jiffies and in TCP_INFO in microseconds: their ratio
        is the kernel's HZ. Its pid tells whether the kernel's numbers are those of our pid namespace.
        """
        cookie = int.from_bytes(probe.getsockopt(socket.SOL_SOCKET, _SO_COOKIE, 8), sys.byteorder)
        rows = np.frombuffer(content, record)
        places = np.flatnonzero(rows["cookie"] == cookie).tolist()
        if places:
            row = rows[places[0]]
            (rto_us,) = struct.unpack_from("8xI", probe.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 12))
            self._ticks = round(int(row["rto"]) * 1_000_000 / rto_us) if rto_us else None
            self.pids_are_ours = int(row["tgid"]) == os.getpid()
            del row
        del rows  # a bytearray that is looked at keeps its length
        for place in reversed(places):
            del content[place * record.itemsize : (place + 1) * record.itemsize]

    def _load(self) -> Gap | None:
        try:
            btf = Btf.of_kernel(self._btf)
            function = btf.find("bpf_iter_task_file", FUNC)
            self._program = write_program(btf)
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
            program = bpf.load_iterator(self._program.code, function, "workbench_tcp")
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
