"""A wait in words."""

from workbench.evidence.patience import Patience
from workbench.present.patience import sentence


def test_an_assumption_is_said() -> None:
    waits = Patience(next_ms=900, least_ms=920_000, most_ms=980_000, assumed=True)
    assert sentence(waits).startswith("retransmits in 900 ms, gives up in 15 min")
    assert "assumed" in sentence(waits)
