"""One end of a connection was dumped twice: only the later images can still be restored with it.

What it looks at
----------------
Connections whose same end is in two image directories that are given together, and the sequence numbers of both.

Why it matters
--------------
Between the two dumps the process ran and its connections went on. The earlier images have the connection as it was
then: its peer does not remember what it was sent since, so that restoring them would repeat or lose bytes. A connection
cannot be rolled back with one of its ends.

What to do
----------
Restore the later images. The earlier ones can still be restored with `--tcp-close`: the program then connects anew.

When it is wrong
----------------
If nothing was exchanged between the dumps both are as good, and nothing is said.

References
----------
RFC 9293, 3.4; criu(8), --leave-running.
"""

from collections import defaultdict
from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.pairs import Pair, dumped_twice
from workbench.checking.phrases import counted, listed
from workbench.evidence import ImageDirectory, distance

CODE = "IMG023"
NAME = "dump-superseded"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...]) -> Iterator[Problem]:
    """One problem for each two directories."""
    found: dict[tuple[str, str], list[Pair]] = defaultdict(list)
    for pair in dumped_twice(images):
        if _sent(pair) or _received(pair):
            found[pair.first.image.path, pair.second.image.path].append(pair)
    for (earlier, later), pairs in found.items():
        connections = [pair.first.socket.connection for pair in pairs]
        yield Problem(
            Severity.WARNING,
            Subject("image", earlier, {"path": earlier, "later": later}),
            f"{earlier} was dumped before {later}, and {counted(len(pairs), 'connection')} ({listed(connections)}) "
            f"went on meanwhile: {counted(sum(map(_sent, pairs)), 'byte')} were written and "
            f"{counted(sum(map(_received, pairs)), 'byte')} received. They can be restored from {later} only.",
            facts={
                "connections": [str(connection) for connection in connections],
                "written": sum(map(_sent, pairs)),
                "received": sum(map(_received, pairs)),
            },
            quotes=tuple(
                Quote(end.image.path, f"{end.socket.connection} rcv_nxt {end.sequences.rcv_nxt} "
                      f"write_seq {end.sequences.write_seq}")
                for end in (pairs[0].first, pairs[0].second)
            ),
            fixes=(
                Fix("Restore the later images.", ("workbench", "restore", "-D", later)),
                Fix("Or restore the earlier ones with --tcp-close: the program then connects anew."),
            ),
        )  # fmt: skip


def _sent(pair: Pair) -> int:
    return distance(pair.first.sequences.write_seq, pair.second.sequences.write_seq)


def _received(pair: Pair) -> int:
    return distance(pair.first.sequences.rcv_nxt, pair.second.sequences.rcv_nxt)
