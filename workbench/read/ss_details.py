"""What ss prints of one socket with -i and -m: ``tcp_info`` and memory (iproute2, misc/ss.c: tcp_stats_print)."""

import re

from workbench.evidence import SocketMemory, TcpInfo

_MEMORY = re.compile(
    r"\bskmem:\(r(\d{1,12}),rb(\d{1,12}),t(\d{1,12}),tb(\d{1,12}),f(\d{1,12}),w(\d{1,12}),o(\d{1,12})"
    r"(?:,bl(\d{1,12}))?(?:,d(\d{1,12}))?\)"
)
_PAIR = re.compile(r"(?:^|\s)([a-z_]{2,20}):(\d{1,20}(?:\.\d{1,9})?)(?:[/,](\d{1,20}(?:\.\d{1,9})?))?(?=[\s%m]|$)")
_RATE = re.compile(r"\bdelivery_rate (\d{1,20})bps")
_WORD = re.compile(r"(?:^|\s)(ts|sack|ecn)(?=\s|$)")
_CONGESTION = re.compile(
    r"(?:^|\s)(bbr|bic|cdg|cubic|dctcp|highspeed|htcp|hybla|illinois|lp|nv|reno|scalable|vegas|veno|westwood|yeah"
    r"|bpf_\w{1,12})(?=\s|$)"
)
_BITS = {"ts": 1, "sack": 2, "ecn": 8}
_UNSET = 0x7FFFFFFF


def memory_of(details: str) -> SocketMemory | None:
    """``skmem:(r0,rb131072,...)``; None without -m."""
    match = _MEMORY.search(details)
    return SocketMemory(*(int(part or 0) for part in match.groups())) if match else None


def congestion_of(details: str) -> str | None:
    """The algorithm; None where its name is none of the kernel's own."""
    match = _CONGESTION.search(details)
    return match[1] if match else None


def info_of(details: str) -> TcpInfo | None:
    """``tcp_info`` as far as ss prints it; None without -i, and for sockets that have none."""
    pairs = {match[1]: (match[2], match[3]) for match in _PAIR.finditer(details)}
    if "rto" not in pairs and "rtt" not in pairs and "bytes_sent" not in pairs:
        return None

    def number(name: str, second: bool = False) -> int:
        return int(float(pairs.get(name, ("0", "0"))[second] or 0))

    def microseconds(name: str, second: bool = False) -> int:
        return round(float(pairs.get(name, ("0", "0"))[second] or 0) * 1000)

    options = sum(_BITS[word] for word in set(_WORD.findall(details))) | (4 if "wscale" in pairs else 0)
    rate = _RATE.search(details)
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
        snd_ssthresh=number("ssthresh") if "ssthresh" in pairs else _UNSET,
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
        snd_wnd=number("snd_wnd") if "snd_wnd" in pairs else None,
        rcv_wnd=number("rcv_wnd") if "rcv_wnd" in pairs else None,
        rcv_space=number("rcv_space") if "rcv_space" in pairs else None,
        delivery_rate=int(rate[1]) // 8 if rate else None,
    )
