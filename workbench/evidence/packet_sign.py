"""What can be notable about a segment of a capture."""

from dataclasses import dataclass
from enum import StrEnum


class Sign(StrEnum):
    """What is notable about one segment."""

    COPY = "copy"
    """The same segment as before, seen at another interface; nothing else is noted of it."""
    GAP = "gap"
    """Bytes before it were not seen: ``value`` of them."""
    RETRANSMISSION = "retransmission"
    FAST_RETRANSMISSION = "fast-retransmission"
    """After two or more duplicate acknowledgements, or SACK."""
    SPURIOUS_RETRANSMISSION = "spurious-retransmission"
    """Of bytes that had been acknowledged already."""
    OUT_OF_ORDER = "out-of-order"
    DUP_ACK = "duplicate-ack"
    """The ``value``-th in a row."""
    ACK_UNSEEN = "ack-unseen"
    """It acknowledges ``value`` bytes that were not seen."""
    ACK_BACK = "ack-back"
    """It acknowledges ``value`` bytes less than one before it: out of order, or sent by an older state of that end."""
    KEEPALIVE = "keepalive"
    """One byte below what comes next: a keepalive probe, or the probe with which repair mode ends."""
    KEEPALIVE_ANSWER = "keepalive-answer"
    WINDOW_PROBE = "window-probe"
    """The same form, into a window of zero."""
    ZERO_WINDOW = "zero-window"
    WINDOW_OPENED = "window-opened"
    WINDOW_SHRUNK = "window-shrunk"
    """Its right edge went back, by ``value`` bytes (0 if the scale is not known)."""
    WINDOW_FULL = "window-full"
    """It fills the announced window to the last byte."""
    RESET = "reset"
    """With the sequence number that the receiver waits for, as far as was seen: it is believed."""
    RESET_CHALLENGED = "reset-challenged"
    """Within the window, but not at its beginning: answered with a challenge ACK (RFC 5961)."""
    RESET_OUT_OF_WINDOW = "reset-out-of-window"
    """It is ignored. ``value``: how far from what the receiver waits for, negative before it."""
    ODD_TTL = "odd-ttl"
    """Its TTL is another than that of other segments from there, which is ``value``."""
    RESUMED = "resumed"
    """The first answer after ``value`` nanoseconds in which the other end waited for one."""


RETRANSMISSIONS = frozenset({Sign.RETRANSMISSION, Sign.FAST_RETRANSMISSION, Sign.SPURIOUS_RETRANSMISSION})
RESETS = frozenset({Sign.RESET, Sign.RESET_CHALLENGED, Sign.RESET_OUT_OF_WINDOW})


@dataclass(frozen=True, slots=True)
class Note:
    """One sign, with a number where it has one."""

    sign: Sign
    value: int = 0
