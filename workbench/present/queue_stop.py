"""What a stop that reads a send queue takes, said before it is done."""

from collections.abc import Sequence

from workbench.evidence import Connection
from workbench.present.text import printable
from workbench.present.units import count, milliseconds


def stop_sentences(
    connection: Connection, holders: Sequence[tuple[int, str, int]], expected_ms: tuple[float, float]
) -> tuple[str, ...]:
    """``holders``: pid, command and threads of each process that stands still meanwhile."""
    least, most = expected_ms
    named = ", ".join(f"{printable(command)} {pid} ({count(threads, 'thread')})" for pid, command, threads in holders)
    return (
        f"To read the send queue of {printable(str(connection))} these stand still: {named or 'nobody'}.",
        f"Expected: {milliseconds(least)}, with today's load up to {milliseconds(most)}; what arrives meanwhile waits.",
        "If the workbench is killed in the middle, another process ends it: nobody stays stopped.",
    )
