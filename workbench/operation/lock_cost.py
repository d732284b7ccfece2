"""What a network lock costs: expected from measurements before, and found in CRIU's log afterwards."""

import re

from workbench.checking.survival.freeze import lock_ms
from workbench.evidence import LogLine
from workbench.operation.request import LockMethod

SLOW_MS = 500.0
"""From here on a warning stands in the plan: a peer's second retransmission is lost too."""

_COMMAND = re.compile(r"\s*Running (?:ip6?tables|nftables) \[")
_TABLE = re.compile(r"(?:net: )?(?:Lock|Unlock) network")


def expected_ms(method: LockMethod, connections: int) -> float | None:
    """Milliseconds to lock and unlock, from measurements; None without a lock or a connection."""
    return lock_ms(method, connections)


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
