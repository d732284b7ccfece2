"""How long the end of a connection waits, in words."""

from workbench.evidence.patience import Patience
from workbench.present.units import duration, milliseconds


def sentence(patience: Patience) -> str:
    """In words: when it retransmits next, when it gives up."""
    low, high = duration(patience.least_ms / 1000), duration(patience.most_ms / 1000)
    when = f"in {high}" if low == high else f"in {low} to {high}"
    assumed = " (tcp_retries2 assumed 15)" if patience.assumed else ""
    return f"retransmits in {milliseconds(patience.next_ms)}, gives up {when}{assumed}"
