"""Packets that netfilter holds back, counted where the rules have no counter: CRIU's nftables lock has none."""

from collections import Counter
from collections.abc import Iterable

from workbench.collect.bpf import BpfError
from workbench.collect.btf import Btf, BtfError
from workbench.collect.events.headers import segment
from workbench.collect.events.records import Seen
from workbench.collect.events.witness import Witness, gap_of
from workbench.evidence import Connection, Gap

REASON = "SKB_DROP_REASON_NETFILTER_DROP"
"""What the kernel gives as the reason when a hook of netfilter says drop (include/net/dropreason-core.h)."""
RING_BYTES = 1 << 20


class HeldPackets:
    """Counts TCP segments of chosen connections that netfilter drops in one namespace, from ``start`` to ``close``.

    It listens at the kernel's tracepoint for dropped packets; nothing is changed, and what it opens vanishes with
    the process. One thread at a time.
    """

    def __init__(self, connections: Iterable[Connection], netns: int) -> None:
        """``connections`` from either end, IPv4-mapped addresses written as IPv4."""
        self._known = {way: each for each in connections for way in (each, each.reversed)}
        self._netns = netns
        self._number = 0
        self._witness: Witness | None = None
        self._counts: Counter[Connection] = Counter()

    def start(self) -> Gap | None:
        """Begin to count, some 60 ms; a Gap if this kernel or this user cannot."""
        try:
            types = Btf.of_kernel()
            self._number = types.enumerator("skb_drop_reason", REASON)
            self._witness = Witness(self._number, size=RING_BYTES, seen=(Seen.DROP,), types=types)
        except (BpfError, BtfError, OSError) as error:
            return gap_of(error)
        return None

    def held(self, connections: Iterable[Connection]) -> int | None:
        """Segments dropped so far, in both directions, of these connections; None if nobody counts."""
        if self._witness is None:
            return None
        rows = self._witness.read()
        for header in rows["header"][(rows["number"] == self._number) & (rows["netns"] == self._netns)]:
            found = segment(header.tobytes(), incoming=False)
            if found and (known := self._known.get(found[0])):
                self._counts[known] += 1
        return sum(self._counts[self._known[each]] for each in connections if each in self._known)

    def close(self) -> None:
        """Stop counting; what was counted is forgotten."""
        if self._witness:
            self._witness.close()
            self._witness = None
