"""Events and attributions as JSON rows."""

from collections.abc import Mapping
from datetime import UTC, datetime

from workbench.cli.document import Row
from workbench.evidence.attribution import Attribution
from workbench.evidence.event import Event, Segment
from workbench.evidence.netfilter import Rule
from workbench.present.text import printable
from workbench.present.timeline import what


def event_row(event: Event, wall_ns: int, names: Mapping[int, str]) -> Row:
    """One event; fields that do not apply are null."""
    return {
        "kind": event.kind.value,
        "at_ns": event.at_ns,
        "time": _time(event.at_ns + wall_ns),
        "netns": event.netns,
        "netns_name": _name(event.netns, names),
        "local": str(event.connection.local) if event.connection else None,
        "peer": str(event.connection.peer) if event.connection else None,
        "cookie": event.cookie,
        "pid": event.pid,
        "command": printable(event.command) or None,
        "owner_pid": event.owner_pid,
        "owner_command": printable(event.owner_command) or None,
        "reason": printable(event.reason) or None,
        "before": event.before.name if event.before else None,
        "state": event.state.name if event.state else None,
        "has_socket": event.has_socket,
        "maker": event.maker.value if event.maker else None,
        "incoming": event.incoming,
        "segment": _segment(event.segment),
        "usual_ttl": event.usual_ttl,
        "lost": event.lost,
        "since_ns": event.since_ns,
        "details": {
            printable(name): printable(value) if isinstance(value, str) else value
            for name, value in event.details.items()
        },
        "text": what(event),
    }


def attribution_row(found: Attribution, wall_ns: int, names: Mapping[int, str]) -> Row:
    """Who reset a connection and why."""
    return {
        "kind": "attribution",
        "at_ns": found.at_ns,
        "settled_ns": found.settled_ns,
        "time": _time(found.at_ns + wall_ns),
        "netns": found.netns,
        "netns_name": _name(found.netns, names),
        "from": str(found.connection.local) if found.connection else None,
        "to": str(found.connection.peer) if found.connection else None,
        "cause": found.cause.value,
        "effect": found.effect.value,
        "reason": printable(found.reason) or None,
        "sentence": printable(found.sentence),
        "rule": _rule(found.rule),
        "pids": sorted(found.ends),
    }


def _name(netns: int | None, names: Mapping[int, str]) -> str | None:
    name = None if netns is None else names.get(netns)
    return None if name is None else printable(name)


def _segment(segment: Segment | None) -> Row | None:
    if segment is None:
        return None
    return {
        "seq": segment.seq,
        "ack": segment.ack,
        "flags": segment.flags,
        "window": segment.window,
        "ttl": segment.ttl,
        "length": segment.length,
        "identification": segment.identification,
    }


def _rule(rule: Rule | None) -> Row | None:
    if rule is None:
        return None
    return {
        "backend": rule.backend.value,
        "family": rule.family,
        "table": printable(rule.table),
        "chain": printable(rule.chain),
        "handle": rule.handle,
        "text": printable(rule.text),
    }


def _time(epoch_ns: int) -> str:
    moment = datetime.fromtimestamp(epoch_ns // 1_000_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    return f"{moment}.{epoch_ns % 1_000_000_000 // 1000:06d}+00:00"
