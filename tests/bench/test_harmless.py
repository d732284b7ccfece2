"""What a bulk transfer at the full speed of loopback notices of being watched at 10 Hz."""

import sys

import pytest

from tests.bulk import slowdown, stretches, transfer

pytestmark = [pytest.mark.root, pytest.mark.timeout(300)]


def test_a_bulk_transfer_watched_and_not() -> None:
    with transfer() as sender:
        measured = list(stretches(sender, pairs=20, seconds=1))
    sys.stdout.write("\n")
    for words, of in (("unwatched", False), ("watched", True)):
        part = [each for each in measured if each.watched is of]
        speeds = sorted(each.bytes_a_second / 1e9 for each in part)
        retransmitted = sum(each.retransmitted for each in part)
        spread = f"{speeds[0]:.2f} to {speeds[-1]:.2f}, median {speeds[len(speeds) // 2]:.2f}"
        sys.stdout.write(f"{words:10} GB/s: {spread}; {retransmitted} segments retransmitted\n")
    sys.stdout.write(f"watched / unwatched, median of neighbours: {slowdown(measured):.3f}\n")
    assert slowdown(measured) > 0.9
