"""``struct tcp_info`` as kernels of different age give it."""

import struct

import pytest

from workbench.collect.tcp_info import parse_tcp_info

# Each 32-bit word of the structure holds its own offset: a field read at the wrong place shows.
WHOLE = bytes([1, 0, 3, 2, 5, 7, 0xA9, 0]) + b"".join(struct.pack("=I", offset) for offset in range(8, 280, 4))


def _long(offset: int) -> int:
    return int(struct.unpack("=Q", struct.pack("=II", offset, offset + 4))[0])


def test_each_field_is_read_where_it_lies() -> None:
    info = parse_tcp_info(WHOLE)
    assert info is not None
    assert (info.probes, info.backoff, info.options, info.snd_wscale, info.rcv_wscale) == (2, 5, 7, 9, 10)
    words = {
        "rto_us": 8, "snd_mss": 16, "rcv_mss": 20, "unacked": 24, "sacked": 28, "lost": 32, "retrans": 36,
        "last_data_sent_ms": 44, "last_data_recv_ms": 52, "last_ack_recv_ms": 56, "pmtu": 60, "rcv_ssthresh": 64,
        "rtt_us": 68, "rttvar_us": 72, "snd_ssthresh": 76, "snd_cwnd": 80, "advmss": 84, "rcv_space": 96,
        "total_retrans": 100, "segs_out": 136, "segs_in": 140, "notsent_bytes": 144, "snd_wnd": 228, "rcv_wnd": 232,
    }  # fmt: skip
    assert {name: getattr(info, name) for name in words} == words
    longs = {
        "bytes_acked": 120, "bytes_received": 128, "delivery_rate": 160, "bytes_sent": 200, "bytes_retrans": 208,
    }  # fmt: skip
    assert {name: getattr(info, name) for name in longs} == {name: _long(at) for name, at in longs.items()}


@pytest.mark.parametrize(
    ("size", "absent"),
    [
        (104, {"bytes_acked", "bytes_received", "segs_out", "notsent_bytes", "delivery_rate", "bytes_sent", "snd_wnd"}),
        (136, {"segs_out", "segs_in", "notsent_bytes", "delivery_rate", "bytes_sent", "snd_wnd", "rcv_wnd"}),
        (160, {"delivery_rate", "bytes_sent", "bytes_retrans", "snd_wnd", "rcv_wnd"}),
        (192, {"bytes_sent", "bytes_retrans", "snd_wnd", "rcv_wnd"}),
        (224, {"snd_wnd", "rcv_wnd"}),
        (232, {"rcv_wnd"}),
        (280, set()),
    ],
)
def test_what_an_older_kernel_does_not_give_is_none(size: int, absent: set[str]) -> None:
    info = parse_tcp_info(WHOLE[:size])
    assert info is not None
    optional = (
        "bytes_acked", "bytes_received", "segs_out", "segs_in", "notsent_bytes", "delivery_rate", "bytes_sent",
        "bytes_retrans", "snd_wnd", "rcv_wnd",
    )  # fmt: skip
    missing = {name for name in optional if getattr(info, name) is None}
    assert absent <= missing
    assert info.rto_us == 8
    whole = parse_tcp_info(WHOLE)
    assert all(getattr(info, name) == getattr(whole, name) for name in set(optional) - missing)


def test_cut_short_it_says_nothing() -> None:
    assert parse_tcp_info(WHOLE[:103]) is None
    assert parse_tcp_info(b"") is None
