"""The program that stops and reads, in which somebody is killed at a chosen step: ``failing_stop.py STEP WHOM``.

STEP: ``told`` (nobody is stopped yet), ``stopped``, ``repairing`` (the socket is in repair mode), ``read``,
``released``. WHOM: ``itself``, or ``asker`` (whoever started it; it goes on then).
"""

import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from workbench.operation import queue_stop
from workbench.repair import read


def main() -> None:
    step, whom = sys.argv[1:]
    asker = os.getppid()
    assert asker > 1

    def fail(now: str) -> None:
        nonlocal step
        if now != step:
            return
        step = ""  # once
        victim = os.pidfd_open({"itself": os.getpid(), "asker": asker}[whom])
        signal.pidfd_send_signal(victim, signal.SIGKILL)
        os.close(victim)

    def wrap(module: Any, name: str, before: str = "", after: str = "") -> None:
        original: Callable[..., Any] = getattr(module, name)

        def wrapped(*arguments: Any, **named: Any) -> Any:
            fail(before)
            result = original(*arguments, **named)
            fail(after if after != "told" or arguments == ("stopping",) else "")
            return result

        setattr(module, name, wrapped)

    wrap(queue_stop, "tell", after="told")
    wrap(queue_stop, "stop", after="stopped")
    wrap(read, "_peek", before="repairing")
    wrap(queue_stop, "read_stopped", after="read")
    wrap(queue_stop, "tell_result", before="released")
    queue_stop.main()


main()
