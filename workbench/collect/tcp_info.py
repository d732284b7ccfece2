"""``struct tcp_info`` of any kernel: it only ever grew at its end (include/uapi/linux/tcp.h)."""

import struct
from collections.abc import Sequence
from dataclasses import fields
from typing import Any

from workbench.evidence import TcpInfo
from workbench.evidence.columns import records

_BASE = struct.Struct("=3x4Bx I4xII IIII4x I4xII IIIIIII 8x II")
_REST = struct.Struct("=QQ II I12x Q 32x QQ 12x I I")
_REST_AT = 120
_FULL = _REST_AT + _REST.size
# Size of the structure from which on each field of _REST is there: Linux 4.1 (two), 4.2 (two), 4.6, 4.9, 4.19 (two),
# 5.4 and 6.2.
_SINCE = (128, 136, 140, 144, 148, 168, 208, 216, 232, 236)


_NAMES = tuple(each.name for each in fields(TcpInfo))


def parse_tcp_info(data: bytes) -> TcpInfo | None:
    """What this kernel gave: fields that it does not have are None, and so is the whole if it is cut short."""
    return None if len(data) < _BASE.size else TcpInfo(*_values(data))


def parse_tcp_infos(structures: Sequence[bytes]) -> list[TcpInfo | None]:
    """The same of very many, all of one length."""
    if not structures or len(structures[0]) < _BASE.size:
        return [None] * len(structures)
    columns = zip(*map(_values, structures), strict=True)
    return [*records(TcpInfo, len(structures), dict(zip(_NAMES, columns, strict=True)))]


def _values(data: bytes) -> tuple[Any, ...]:
    """In the order of the fields."""
    (
        probes, backoff, options, scales,
        rto, snd_mss, rcv_mss,
        unacked, sacked, lost, retrans,
        last_data_sent, last_data_recv, last_ack_recv,
        pmtu, rcv_ssthresh, rtt, rttvar, snd_ssthresh, snd_cwnd, advmss,
        rcv_space, total_retrans,
    ) = _BASE.unpack_from(data)  # fmt: skip
    whole = data if len(data) >= _FULL else data.ljust(_FULL, b"\0")
    values = _REST.unpack_from(whole, _REST_AT)
    if len(data) < _FULL:
        values = tuple(value if len(data) >= since else None for value, since in zip(values, _SINCE, strict=True))
    acked, received, segs_out, segs_in, notsent, delivery_rate, sent, bytes_retrans, snd_wnd, rcv_wnd = values
    return (
        rto, rtt, rttvar, backoff, probes, options,
        scales & 15, scales >> 4,
        snd_mss, rcv_mss, advmss, pmtu,
        snd_cwnd, snd_ssthresh, rcv_ssthresh,
        unacked, sacked, lost, retrans, total_retrans,
        last_data_sent, last_data_recv, last_ack_recv,
        acked, received, sent, bytes_retrans,
        segs_out, segs_in, notsent, snd_wnd, rcv_wnd, rcv_space, delivery_rate,
    )  # fmt: skip
