"""What tracefs does not tell of an event: namespace, cookie and process, and the headers of the segment.

Programs at raw tracepoints copy it into a ring. For events that tracefs has too, the record stands as a witness of
that event: it was written in the same moment and names the same socket and the same segment. Drops and segments with
RST that pass a device are told here alone.
"""

import errno
import os
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.collect import bpf
from workbench.collect.btf import TYPEDEF, VMLINUX, Btf, BtfError
from workbench.collect.events.probes import KEY_BYTES, TTL_BYTES, Probes
from workbench.collect.events.records import RECORD, TRACEPOINTS, Seen
from workbench.collect.ring_buffer import RingBuffer
from workbench.evidence import Gap

RING_BYTES = 1 << 24
"""A hundred thousand records: two seconds of 50 000 events each."""
_MAP_TYPE_LRU_HASH = 9
_MOST_ADDRESSES = 1 << 14


class Witness:
    """Programs that run from now until ``close``; with its descriptors they vanish. One thread at a time may read."""

    def __init__(
        self,
        least_reason: int = 3,
        btf: Path = VMLINUX,
        size: int = RING_BYTES,
        seen: Collection[Seen] = tuple(TRACEPOINTS),
        types: Btf | None = None,
    ) -> None:
        """``least_reason``: smaller numbers of ``enum skb_drop_reason`` are no drops that anybody asks about.

        ``seen``: the tracepoints that are watched; ``types``: the kernel's, if they are parsed already.
        Raises BtfError, BpfError or OSError.
        """
        types = types or Btf.of_kernel(btf)
        self._opened: list[int] = []
        self._programs: list[int] = []
        self.ring = RingBuffer(size)
        try:
            ttls = bpf.create_map(_MAP_TYPE_LRU_HASH, KEY_BYTES, TTL_BYTES, _MOST_ADDRESSES)
            self._opened.append(ttls)
            probes = Probes(types, self.ring, ttls, least_reason)
            for point in seen:
                tracepoint = TRACEPOINTS[point]
                typedef = types.find(f"btf_trace_{tracepoint}", TYPEDEF)
                code = probes.write(point, types.arguments(typedef))
                self._programs.append(bpf.load_raw_tracepoint(code, typedef, f"wb_{tracepoint}"))
            for program in self._programs:
                self._opened.append(bpf.attach_raw_tracepoint(program))
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
        for descriptor in (*self._opened, *self._programs):
            os.close(descriptor)
        self._opened, self._programs = [], []
        self.ring.close()


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
    said = f"this kernel's BTF is of no use here ({error})" if isinstance(error, BtfError) else f"BPF: {error}"
    return Gap("events", f"{said}, {without}", "use Linux 5.17 or later")
