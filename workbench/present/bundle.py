"""A bundle as lines of text: what it says of itself, its moments, its members, what was left out."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime

from workbench.evidence.recording import Manifest, RecordedFinding
from workbench.present.text import printable
from workbench.present.units import count

Sizes = Mapping[str, tuple[int, int]]
"""Of each member its bytes and its compressed bytes."""


def bundle_lines(manifest: Manifest, sizes: Sizes, findings: Sequence[RecordedFinding]) -> Iterator[str]:
    """All of it; every text is printable."""
    versions = "".join(f", {printable(name)} {printable(value)}" for name, value in manifest.versions.items())
    yield f"{printable(manifest.title)}, by workbench {printable(manifest.tool)}{versions}"
    for sentence in manifest.redaction:
        yield f"- {printable(sentence)}"
    yield ""
    moments = [
        (str(number), _time(moment.taken), printable(moment.title), str(len(moment.sections)))
        for number, moment in enumerate(manifest.moments, 1)
    ]
    yield from _table(("MOMENT", "TIME", "WHAT", "SECTIONS"), moments)
    yield ""
    members = [
        (printable(item.name), str(item.size), str(sizes.get(item.name, (0, 0))[1]), printable(item.origin))
        for item in manifest.members
    ]
    yield from _table(("MEMBER", "BYTES", "PACKED", "WHAT"), members)
    for omission in manifest.left_out:
        yield f"left out: {printable(omission.what)}: {printable(omission.why)}"
    last = [each for each in findings if each.moment == len(manifest.moments) - 1]
    yield ""
    yield f"{count(len(last), 'finding')} when it was made{', at the last moment:' if last else ''}"
    for each in last:
        yield printable(f"  {each.severity} {each.code} {each.name}: {each.subject}", 300)


def _time(taken: float) -> str:
    return datetime.fromtimestamp(taken, UTC).strftime("%Y-%m-%d %H:%M:%S")


def _table(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(heading, *rows, strict=True)]
    for row in (heading, *rows):
        cells = (
            cell.rjust(width) if cell.isdecimal() else cell.ljust(width)
            for cell, width in zip(row, widths, strict=True)
        )
        yield "  ".join(cells).rstrip()
