"""A hand-off that keys on the terminal do not interrupt half way."""

import contextlib
import signal
from collections.abc import Iterator

from workbench.operation.handoff.perform import hand_off
from workbench.operation.handoff.plan import HandoffPlan
from workbench.operation.handoff.result import Handed

_OF_THE_TERMINAL = (signal.SIGINT, signal.SIGTSTP, signal.SIGHUP, signal.SIGTERM)


def undisturbed(plan: HandoffPlan) -> Handed:
    """``hand_off`` in the main thread: Ctrl-C, Ctrl-Z and the terminal's end wait until it is over.

    Raises what ``hand_off`` raises.
    """
    with _waiting():
        return hand_off(plan)


@contextlib.contextmanager
def _waiting() -> Iterator[None]:
    """Handlers, not a mask: a mask and an ignored signal would be inherited by the programs that are started."""
    came: list[int] = []
    wanted = [number for number in _OF_THE_TERMINAL if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, lambda arrived, _: came.append(arrived)) for number in wanted}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for arrived in dict.fromkeys(came):
            signal.raise_signal(arrived)
