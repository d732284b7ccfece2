"""The summary of a preflight, beside its findings."""

from collections.abc import Iterator
from math import isfinite

from workbench.checking.survival.summary import Summary, sentences
from workbench.cli.document import Row
from workbench.present.text import printable


def preflight_row(summary: Summary) -> Row:
    """``preflight`` of the JSON document."""
    return {
        "options": list(summary.options),
        "connections": {
            "inside_tree": summary.inside_tree,
            "on_this_host": summary.on_this_host,
            "elsewhere": summary.elsewhere,
        },
        "queues": [
            {
                "connection": str(each.socket.connection),
                "unread": each.unread,
                "unacknowledged": each.unacknowledged,
                "lost_when_kept": each.lost_when_kept(),
                "lost_when_closed": each.lost_when_closed(),
                "reset_when_closed": each.resets_peer,
            }
            for each in summary.ledger
        ],
        "refused_meanwhile": [str(each) for each in summary.listeners],
        "freeze": {
            "least_ms": round(summary.freeze.least_ms),
            "most_ms": round(summary.freeze.most_ms),
            "memory_bytes": summary.freeze.memory_bytes,
            "assumed": list(summary.freeze.assumed),
        },
        "peers": [
            {
                "connection": str(connection),
                "pid": wait.peer.pid if wait.peer else None,
                "on_this_host": wait.peer is not None,
                "gives_up_least_ms": round(wait.least_ms) if isfinite(wait.least_ms) else None,
                "gives_up_most_ms": round(wait.most_ms) if isfinite(wait.most_ms) else None,
                "because": wait.because,
                "assumed": list(wait.assumed),
            }
            for connection, wait in summary.waits
        ],
        "reset_without_lock": [
            {"connection": str(connection), "because": because} for connection, because in summary.resets
        ],
        "same_network_namespace": [each.pid for each in summary.neighbours],
        "neighbours": [
            {"pid": each.pid, "command": printable(each.command), "container": printable(each.container) or None}
            for each in summary.neighbours
        ],
        "verdicts": [
            {
                "subject": printable(thing.title),
                "verdict": thing.answer.words,
                "reasons": [
                    {
                        "verdict": each.answer.words,
                        "reason": printable(each.reason),
                        "option": each.option or None,
                        "message": each.message or None,
                        "check": each.cause or None,
                    }
                    for each in thing.verdicts
                ],
            }
            for thing in summary.things
        ],
    }


def preflight_lines(summary: Summary, *, verbose: bool) -> Iterator[str]:
    """For people; with ``verbose`` every single verdict."""
    for sentence in sentences(summary):
        yield printable(sentence)
    for thing in summary.things if verbose else ():
        reasons = "; ".join(each.reason for each in thing.verdicts)
        yield printable(f"  {thing.answer.words}: {thing.title}: {reasons}")
