"""What a network lock costs: expected from measurements before, and found in CRIU's log afterwards."""

import itertools
import math
import re

from workbench.evidence import LogLine
from workbench.operation.request import LockMethod

# (connections, milliseconds to set and lift the lock), CRIU 4.2.1, iptables with its nft back end (Debian's default).
# Absolute times are of one machine with two cores: they tell an order of magnitude.
_MEASURED = {
    LockMethod.NFTABLES: ((1, 28.0), (10, 31.0), (100, 40.0), (1_000, 90.0), (5_000, 500.0)),
    LockMethod.IPTABLES: ((1, 33.0), (10, 400.0), (100, 4_300.0), (1_000, 57_000.0), (5_000, 400_000.0)),
}
SLOW_MS = 500.0
"""From here on a warning stands in the plan: a peer's second retransmission is lost too."""

_COMMAND = re.compile(r"\s*Running (?:ip6?tables|nftables) \[")
_TABLE = re.compile(r"(?:net: )?(?:Lock|Unlock) network")


def expected_ms(method: LockMethod, connections: int) -> float | None:
    """Milliseconds to lock and unlock, interpolated between measurements; None without a lock or a connection."""
    if method is LockMethod.SKIP or connections < 1:
        return None
    points = _MEASURED[method]
    for (low, low_ms), (high, high_ms) in itertools.pairwise(points):
        if connections <= high:
            share = (math.log(connections) - math.log(low)) / (math.log(high) - math.log(low))
            return math.exp(math.log(low_ms) + share * (math.log(high_ms) - math.log(low_ms)))
    last, last_ms = points[-1]
    return last_ms * connections / last


class LockClock:
    """What locking and unlocking took, from a log's time stamps: from each command to the next stamped line.

    CRIU prints ``Running iptables [...]`` or ``Running nftables [...]`` before it runs the command, and makes or
    deletes the nftables table after ``Lock network`` or ``Unlock network`` (criu/netfilter.c, criu/net.c).
    """

    def __init__(self) -> None:
        self.notified_s = 0.0
        """Seconds that ``query-ext-files``, which comes right after the table was made, waited for its answer."""
        self._spent = 0.0
        self._begun: float | None = None
        self._seen = False

    def add(self, line: LogLine) -> None:
        if line.seconds is None:
            return
        if self._begun is not None:
            asked = self.notified_s if line.message.startswith("RPC NOTIFY") else 0.0
            self._spent += max(line.seconds - self._begun - asked, 0.0)
            self._begun = None
        if _COMMAND.match(line.message) or _TABLE.match(line.message):
            self._begun = line.seconds
            self._seen = True

    @property
    def milliseconds(self) -> float | None:
        """None as long as no lock was mentioned."""
        return self._spent * 1000 if self._seen else None
