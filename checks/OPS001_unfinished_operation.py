"""A dump or restore of the workbench was begun and not ended, and nobody works on it any more.

What it looks at
----------------
The journals that the workbench writes before each step of an operation, and whether the workbench and the CRIU that
they name are still alive.

Why it matters
--------------
Somewhere between its steps the operation leaves connections locked, sockets in repair mode, or processes stopped.
Until it is put right, the peers' time runs.

What to do
----------
`workbench recover --plan` says what it would do; `workbench recover` does it.

When it is wrong
----------------
An operation whose workbench still runs is never reported.

References
----------
docs/safety.md.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import counted
from workbench.evidence import UnfinishedOperation

CODE = "OPS001"
NAME = "unfinished-operation"
SINCE = "0.1"


def check(unfinished: tuple[UnfinishedOperation, ...]) -> Iterator[Problem]:
    """One problem for each operation."""
    for item in unfinished:
        if item.workbench_alive or item.criu_alive:
            continue
        yield Problem(
            Severity.ERROR,
            Subject(
                "operation",
                item.title,
                {
                    "operation": item.id,
                    "netns": item.netns,
                    "connections": tuple(str(connection.unmapped) for connection in item.connections),
                    "pid": item.pid,
                },
            ),
            f"The {item.title} stopped after `{item.last}` and nobody works on it any "
            f"more; {counted(len(item.connections), 'connection')} may be locked or out of order.",
            facts={"last": item.last, "images": item.images, "started": item.started},
            quotes=(Quote("unfinished", f"{item.id} {item.kind} {item.last}"),),
            fixes=(
                Fix("See what would be done.", ("workbench", "recover", "--plan"), safe=True),
                Fix("Put it right.", ("workbench", "recover")),
            ),
            weight=5,
        )
