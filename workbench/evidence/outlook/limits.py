"""What a network namespace prescribes for how long TCP waits (ip-sysctl of the kernel's documentation)."""

from collections.abc import Iterable
from dataclasses import dataclass, fields

from workbench.evidence.host import Sysctl

RTO_MIN_MS = 200
TIMEWAIT_MS = 60_000
"""TCP_TIMEWAIT_LEN: fixed when the kernel is built."""
SYN_RTO_MS = 1000
"""TCP_TIMEOUT_INIT."""
THIN_LINEAR_RETRIES = 6


@dataclass(frozen=True, slots=True)
class TcpLimits:
    """``net.ipv4.tcp_*`` of one namespace; the defaults are those of Linux."""

    retries2: int = 15
    orphan_retries: int = 0
    syn_retries: int = 6
    syn_linear_timeouts: int = 4
    synack_retries: int = 5
    rto_max_ms: int = 120_000
    fin_timeout: int = 60
    """Seconds."""
    keepalive_time: int = 7200
    keepalive_intvl: int = 75
    keepalive_probes: int = 9
    thin_linear_timeouts: int = 0
    assumed: frozenset[str] = frozenset()
    """Names of those that were not read: their default is taken."""

    def timeout_ms(self, retries: int, rto_max_ms: int, base_ms: int = RTO_MIN_MS) -> float:
        """Milliseconds that a number of retries stands for (tcp_model_timeout of net/ipv4/tcp_timer.c)."""
        doublings = max((rto_max_ms // base_ms).bit_length() - 1, 0)
        if retries <= doublings:
            return float(((2 << retries) - 1) * base_ms)
        return float(((2 << doublings) - 1) * base_ms + (retries - doublings) * rto_max_ms)


NAMES = tuple(item.name for item in fields(TcpLimits) if item.name != "assumed")
UNREAD = TcpLimits(assumed=frozenset(NAMES))
"""Of a namespace that could not be asked."""
_LATER = frozenset({"rto_max_ms", "syn_linear_timeouts"})
"""Kernels without these (before 6.15, 6.5) behave as with ours: 120 s always; SYN time-outs all doubled."""


def limits_of(sysctls: Iterable[Sysctl], netns: int) -> TcpLimits:
    """What was read of one namespace, or of the whole machine."""
    values = {
        each.name.removeprefix("net.ipv4.tcp_"): int(each.value)
        for each in sysctls
        if each.netns in {netns, None} and each.name.startswith("net.ipv4.tcp_") and each.value.isdecimal()
    }
    known = {name: values[name] for name in NAMES if name in values}
    if "retries2" in known and "syn_linear_timeouts" not in known:
        known["syn_linear_timeouts"] = 0
    assumed = frozenset(NAMES) - known.keys() - (_LATER if "retries2" in known else frozenset())
    return TcpLimits(**known, assumed=assumed)
