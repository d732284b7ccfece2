"""A look at this host, narrowed to the network namespace that it is about: others may have very many sockets."""

from collections.abc import Callable, Collection, Iterable
from dataclasses import replace

import numpy as np

from workbench.collect.live import LiveSource
from workbench.collect.socket_table import SocketTable
from workbench.evidence import Evidence, Gap, UnfinishedOperation
from workbench.operation.journal import unfinished
from workbench.operation.planning import criu_tool


def look(sections: Collection[str], netns: int, trees: Iterable[int] = ()) -> Evidence:
    """Evidence with the sockets of one namespace; ``trees``: whose descriptors are wanted."""
    waiting: Callable[[], tuple[UnfinishedOperation, ...] | Gap] = unfinished
    source = LiveSource(sections, trees=tuple(trees), criu=criu_tool, unfinished=waiting)
    try:
        evidence = source.evidence()
    finally:
        source.close()
    if not isinstance(evidence.sockets, SocketTable):
        return evidence
    rows = np.flatnonzero(evidence.sockets.column("netns") == netns).tolist()
    return replace(evidence, sockets=tuple(evidence.sockets[row] for row in rows))
