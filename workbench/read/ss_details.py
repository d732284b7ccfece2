"""What ss prints of one socket with -i and -m: ``tcp_info`` and memory (iproute2, misc/ss.c: tcp_stats_print)."""

import itertools
import re
from collections.abc import Mapping

from workbench.evidence import SocketMemory, TcpInfo

CONGESTION = frozenset({
    "bbr", "bic", "cdg", "cubic", "dctcp", "highspeed", "htcp", "hybla", "illinois", "lp", "nv", "reno", "scalable",
    "vegas", "veno", "westwood", "yeah",
})  # fmt: skip
"""Algorithms of the kernel's own (net/ipv4/tcp_*.c); another's name would not be known from other words."""

_MEMORY = re.compile(
    r"\(r(\d{1,12}),rb(\d{1,12}),t(\d{1,12}),tb(\d{1,12}),f(\d{1,12}),w(\d{1,12}),o(\d{1,12})"
    r"(?:,bl(\d{1,12}))?(?:,d(\d{1,12}))?\)"
)
_BITS = {"ts": 1, "sack": 2, "ecn": 8}
_UNSET = 0x7FFFFFFF
_SPACED = ("delivery_rate",)
_NUMBER = re.compile(r"(\d{1,20}(?:\.\d{1,9})?)(?:[/,](\d{1,20}(?:\.\d{1,9})?))?(?:ms|bps|%|$)")


def words_of(details: str) -> dict[str, str]:
    """Each ``name:value``, each bare word with nothing, and of a rate the word that follows it."""
    told: dict[str, str] = {}
    for word, following in itertools.pairwise([*details.split(), ""]):
        name, _, value = word.partition(":")
        told.setdefault(name, following if name in _SPACED else value)
    return told


def memory_of(text: str) -> SocketMemory | None:
    """``(r0,rb131072,...)``; None without -m."""
    match = _MEMORY.match(text)
    return SocketMemory(*(int(part or 0) for part in match.groups())) if match else None


def info_of(told: Mapping[str, str]) -> TcpInfo | None:
    """``tcp_info`` as far as ss prints it; None without -i, and for sockets that have none."""
    if "rto" not in told and "rtt" not in told and "bytes_sent" not in told:
        return None

    def value(name: str, second: bool) -> float:
        found = _NUMBER.match(told[name]) if name in told else None
        return float(found[2 if second else 1] or 0) if found else 0

    def number(name: str, second: bool = False) -> int:
        return int(value(name, second))

    def microseconds(name: str, second: bool = False) -> int:
        return round(value(name, second) * 1000)

    options = sum(bit for word, bit in _BITS.items() if word in told) | (4 if "wscale" in told else 0)
    return TcpInfo(
        rto_us=microseconds("rto"),
        rtt_us=microseconds("rtt"),
        rttvar_us=microseconds("rtt", second=True),
        backoff=number("backoff"),
        probes=0,
        options=options,
        snd_wscale=number("wscale"),
        rcv_wscale=number("wscale", second=True),
        snd_mss=number("mss"),
        rcv_mss=number("rcvmss"),
        advmss=number("advmss"),
        pmtu=number("pmtu"),
        snd_cwnd=number("cwnd"),
        snd_ssthresh=number("ssthresh") if "ssthresh" in told else _UNSET,
        rcv_ssthresh=number("rcv_ssthresh"),
        unacked=number("unacked"),
        sacked=number("sacked"),
        lost=number("lost"),
        retrans=number("retrans"),
        total_retrans=number("retrans", second=True),
        last_data_sent_ms=number("lastsnd"),
        last_data_recv_ms=number("lastrcv"),
        last_ack_recv_ms=number("lastack"),
        bytes_acked=number("bytes_acked"),
        bytes_received=number("bytes_received"),
        bytes_sent=number("bytes_sent"),
        bytes_retrans=number("bytes_retrans"),
        segs_out=number("segs_out"),
        segs_in=number("segs_in"),
        notsent_bytes=number("notsent"),
        snd_wnd=number("snd_wnd") if "snd_wnd" in told else None,
        rcv_wnd=number("rcv_wnd") if "rcv_wnd" in told else None,
        rcv_space=number("rcv_space") if "rcv_space" in told else None,
        delivery_rate=number("delivery_rate") // 8 if "delivery_rate" in told else None,
    )
