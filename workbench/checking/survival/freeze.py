"""How long a dump and a restore right after it keep a process tree from answering: an estimate from measurements.

CRIU 4.2.1 on Linux 6.18, two cores: 0.04 s frozen and 0.06 s of restore for a small process; 0.3 to 2.5 s for each GiB
of memory, to a local disk, with the disk idle and busy. Other machines and disks are allowed to be some times slower.
"""

import itertools
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from workbench.evidence import Gap, Process

DEFAULT_LOCK = "nftables"
_LEAST_BASE_MS, _MOST_BASE_MS = 100.0, 400.0
_GIB = 1 << 30
_LEAST_MS_PER_GIB, _MOST_MS_PER_GIB = 900.0, 10_000.0
"""For dump and restore together."""
# (connections, milliseconds to set and lift the lock), iptables with its nft back end (Debian's default).
_LOCK_MS: Mapping[str, tuple[tuple[int, float], ...]] = {
    "nftables": ((1, 28.0), (10, 31.0), (100, 40.0), (1_000, 90.0), (5_000, 500.0)),
    "iptables": ((1, 33.0), (10, 400.0), (100, 4_300.0), (1_000, 57_000.0), (5_000, 400_000.0)),
}


@dataclass(frozen=True, slots=True)
class Freeze:
    """From the moment that the tree stops to the moment that it runs again, milliseconds."""

    least_ms: float
    most_ms: float
    """If the machine and its disk are slow."""
    memory_bytes: int
    """Resident memory of the tree, what is shared counted for each; all of it goes into the images."""
    assumed: tuple[str, ...]
    """What the estimate takes for granted; clauses."""


def expected_freeze(processes: Mapping[int, Process] | Gap, pids: Iterable[int], connections: int) -> Freeze:
    """Of a dump to a local disk with a restore on this host right after it."""
    known = {} if isinstance(processes, Gap) else processes
    sizes = [known[pid].rss_bytes if pid in known else None for pid in pids]
    memory = sum(size or 0 for size in sizes)
    lock = lock_ms(DEFAULT_LOCK, connections) or 0.0
    unknown = ("the memory of some processes is not known and left out",) if None in sizes else ()
    return Freeze(
        _LEAST_BASE_MS + memory / _GIB * _LEAST_MS_PER_GIB + lock / 2,
        _MOST_BASE_MS + memory / _GIB * _MOST_MS_PER_GIB + lock * 3,
        memory,
        ("restored at once, on this host", f"{DEFAULT_LOCK} lock", *unknown),
    )


def lock_ms(method: str, connections: int) -> float | None:
    """Milliseconds to lock and unlock, interpolated between measurements; None without a lock or a connection."""
    if method not in _LOCK_MS or connections < 1:
        return None
    points = _LOCK_MS[method]
    for (low, low_ms), (high, high_ms) in itertools.pairwise(points):
        if connections <= high:
            share = (math.log(connections) - math.log(low)) / (math.log(high) - math.log(low))
            return math.exp(math.log(low_ms) + share * (math.log(high_ms) - math.log(low_ms)))
    last, last_ms = points[-1]
    return last_ms * connections / last
