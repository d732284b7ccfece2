"""A comparison for JSON."""

from dataclasses import asdict

from workbench.cli.document import Row
from workbench.evidence.comparison import Change, Comparison, Pair
from workbench.evidence.ends import End
from workbench.present.text import printable


def comparison_row(found: Comparison) -> Row:
    """Everything that was compared, pairs without a difference too."""
    return {
        "pairs": [_pair(pair) for pair in found.pairs],
        "only_first": [_end(end) for end in found.only_first],
        "only_second": [_end(end) for end in found.only_second],
        "rules_compared": found.rules_compared,
        "rules": [_change(change) for change in found.rules],
        "misfits": found.misfits,
    }


def _pair(pair: Pair) -> Row:
    return {
        "relation": pair.relation.value,
        "first": _end(pair.first),
        "second": _end(pair.second),
        "changes": [_change(change) for change in pair.changes],
        "misfits": [printable(misfit) for misfit in pair.misfits],
    }


def _end(end: End) -> Row:
    return {
        "source": printable(end.source),
        "state": end.state.name,
        "local": str(end.connection.local),
        "peer": str(end.connection.peer),
        "holders": [[pid, fd, printable(command)] for pid, fd, command in end.holders],
        "netns": end.netns,
    }


def _change(change: Change) -> Row:
    return {name: printable(value) for name, value in asdict(change).items()}
