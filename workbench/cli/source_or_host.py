"""What a command lists: one source that is named, or this host; whichever it is, the other is not loaded."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager

from workbench.evidence import Evidence


@contextmanager
def looked_at(
    path: str | None, sections: Collection[str], details: Collection[int] | None = None
) -> Iterator[Evidence]:
    """What one source tells, or None: this host. Raises WorkbenchError if it cannot be read.

    ``details``: what this host is asked of each socket; None: all that there is.
    """
    if path is not None:
        from workbench.cli.sources import evidence_of

        yield evidence_of(path)
        return
    from workbench.collect.live import LiveSource

    source = LiveSource(sections) if details is None else LiveSource(sections, details=details)
    try:
        yield source.evidence()
    finally:
        source.close()
