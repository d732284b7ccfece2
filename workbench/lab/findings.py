"""What the checks say of a lab: its namespaces, the images that came of it and what CRIU logged."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from workbench.checking import Finding
from workbench.checking.loading import entries, load
from workbench.checking.running import judge
from workbench.collect.live import EVERY_SECOND, LiveSource
from workbench.evidence import Evidence, Gap, NetworkNamespace
from workbench.read.criu_images import read_image_directory
from workbench.read.log_digest import read_digest


def look(namespaces: Iterable[NetworkNamespace]) -> Evidence:
    """The live host as far as it concerns these namespaces."""
    source = LiveSource(EVERY_SECOND)
    try:
        evidence = source.evidence()
    finally:
        source.close()
    own = {namespace.inode for namespace in namespaces}

    def within(section: str) -> object:
        value = getattr(evidence, section)
        if isinstance(value, Gap):
            return value
        return tuple(item for item in value if (item.inode if section == "namespaces" else item.netns) in own)

    narrowed: dict[str, object] = {name: within(name) for name in ("namespaces", "sockets", "rules", "locks")}
    partial = tuple(gap for gap in evidence.partial if gap.netns is None or gap.netns in own)
    return replace(evidence, partial=partial, **narrowed)  # type: ignore[arg-type]


def find(namespaces: Iterable[NetworkNamespace], images: Path) -> tuple[Finding, ...]:
    """Ask every check about these namespaces, an image directory and the logs in it; root cause first."""
    evidence = look(namespaces)
    if images.is_dir():
        logs = tuple(read_digest(path) for path in sorted(images.glob("*.log")))
        log = tuple(line for digest in logs for line in digest.lines)
        evidence = replace(evidence, images=(read_image_directory(images),), logs=logs, log=log)
    return judge((load(entry) for entry in entries()), evidence).findings
