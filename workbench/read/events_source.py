"""Recorded events as a source of evidence: nothing else is known of their host."""

from pathlib import Path

from workbench.evidence import Evidence, NetworkNamespace
from workbench.read.events_file import read_events


class EventsSource:
    """A file that `workbench events --format jsonl` or `json` has written. Raises WorkbenchError if it is another."""

    def __init__(self, path: str | Path) -> None:
        recorded = read_events(path)
        self._path = str(path)
        began = recorded.events[0].at_ns if recorded.events else 0
        names = recorded.names.items()
        self._evidence = Evidence(
            (began + recorded.wall_ns) / 1e9,
            began,
            (self._path,),
            namespaces=tuple(NetworkNamespace(inode, "", (name,), is_host=name == "host") for inode, name in names),
            events=recorded.events,
        )

    @property
    def label(self) -> str:
        return self._path

    @property
    def is_live(self) -> bool:
        return False

    def evidence(self) -> Evidence:
        return self._evidence

    def close(self) -> None:
        """Nothing is open."""
