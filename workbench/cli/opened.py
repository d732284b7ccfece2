"""What `workbench open` shows: a bundle with its moments, or whatever else `check` reads, and which screen shows it."""

from collections.abc import Container, Sequence
from pathlib import Path

from workbench.cli.sources import read_sources
from workbench.evidence import Evidence, Gap
from workbench.read.bundle import Bundle
from workbench.read.recognise import is_bundle
from workbench.source import Files, Source

_SCREENS = (
    ("sockets", "connections"),
    ("images", "checkpoints"),
    ("checkpoints", "checkpoints"),
    ("events", "timeline"),
    ("captures", "connections"),
    ("rules", "netfilter"),
)
"""Which screen shows a section, the one with most to see first."""


def opened(paths: Sequence[str]) -> tuple[Source, str]:
    """The source, and the screen to begin with. Raises WorkbenchError for the first file that cannot be read."""
    if len(paths) == 1 and is_bundle(paths[0]):
        bundle = Bundle(paths[0])
        return bundle, _screen(bundle.moments[bundle.at].sections)
    gathered = read_sources(paths)
    for error in gathered.unreadable:
        raise error
    evidence = gathered.evidence
    sections = [name for name, _ in _SCREENS if _has(evidence, name)]
    more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
    return Files(f"{Path(paths[0]).name}{more}", evidence), _screen(sections)


def _has(evidence: Evidence, section: str) -> bool:
    value = getattr(evidence, section)
    return not isinstance(value, Gap) and len(value) > 0


def _screen(sections: Container[str]) -> str:
    return next((screen for section, screen in _SCREENS if section in sections), "findings")
