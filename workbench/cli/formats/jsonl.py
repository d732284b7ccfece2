"""One finding a line, as in the ``findings`` of the JSON document."""

import json
from collections.abc import Iterator

from workbench.cli.formats.json import finding_row
from workbench.cli.formats.outcome import Outcome, Style


def lines(outcome: Outcome, _style: Style) -> Iterator[str]:
    """A line for each finding; no line if there is none."""
    for finding in outcome.findings:
        yield json.dumps(finding_row(finding))
