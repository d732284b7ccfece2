"""What ss(8) says of each socket, to compare with."""

import re
from dataclasses import dataclass

from workbench.evidence import TcpState

STATES = {
    "ESTAB": TcpState.ESTABLISHED,
    "SYN-SENT": TcpState.SYN_SENT,
    "SYN-RECV": TcpState.SYN_RECV,
    "FIN-WAIT-1": TcpState.FIN_WAIT1,
    "FIN-WAIT-2": TcpState.FIN_WAIT2,
    "TIME-WAIT": TcpState.TIME_WAIT,
    "UNCONN": TcpState.CLOSE,
    "CLOSE-WAIT": TcpState.CLOSE_WAIT,
    "LAST-ACK": TcpState.LAST_ACK,
    "LISTEN": TcpState.LISTEN,
    "CLOSING": TcpState.CLOSING,
}
TIMERS = {"on": "rto", "keepalive": "keepalive", "timewait": "timewait", "persist": "probe"}
_MILLISECONDS = {"ms": 1, "sec": 1000, "min": 60_000}


@dataclass(frozen=True)
class SsSocket:
    state: TcpState
    recv_q: int
    send_q: int
    local: str
    peer: str
    cookie: int
    inode: int
    holders: frozenset[tuple[int, int]]
    timer: str
    timer_ms: int
    retransmits: int
    memory: tuple[int, ...]
    """r, rb, t, tb, f, w, o, bl, d as ``skmem`` lists them; empty if it does not."""
    v6only: int | None
    congestion: str | None
    words: dict[str, str]
    """``name:value`` of the rest."""


def parse_ss(text: str) -> dict[int, SsSocket]:
    """``ss -tanpeimoOH``, by cookie."""
    return {parsed.cookie: parsed for parsed in map(_parse, text.splitlines())}


def _parse(line: str) -> SsSocket:
    state, recv_q, send_q, local, peer, *rest = line.split()
    words = dict(word.split(":", 1) for word in rest if ":" in word and "((" not in word)
    timer = re.search(r"timer:\((\w+),([^,]*),(\d+)\)", line)
    memory = re.search(r"skmem:\(([^)]*)\)", line)
    congestion = re.search(r"\b(cubic|bbr|reno)\b", line)
    return SsSocket(
        state=STATES[state],
        recv_q=int(recv_q),
        send_q=int(send_q),
        local=local,
        peer=peer,
        cookie=int(words["sk"], 16),
        inode=int(words.get("ino", "0")),
        holders=frozenset((int(pid), int(fd)) for pid, fd in re.findall(r"pid=(\d+),fd=(\d+)", line)),
        timer=TIMERS[timer[1]] if timer else "none",
        timer_ms=_milliseconds(timer[2]) if timer else 0,
        retransmits=int(timer[3]) if timer else 0,
        memory=tuple(int(number) for number in re.findall(r"\d+", memory[1])) if memory else (),
        v6only=int(words["v6only"]) if "v6only" in words else None,
        congestion=congestion[1] if congestion else None,
        words=words,
    )


def _milliseconds(text: str) -> int:
    """``1min58sec``, ``1.632sec``, ``204ms``."""
    parts = re.findall(r"([\d.]+)(min|sec|ms)", text)
    return round(sum(float(number) * _MILLISECONDS[unit] for number, unit in parts))


def ss_address(address: str, port: int) -> str:
    """Address and port as ss writes them (``*`` for any of both families)."""
    if address == "*":
        return f"*:{port or '*'}"
    return f"{f'[{address}]' if ':' in address else address}:{port or '*'}"
