"""Sockets as rows of text or JSON: the list can be 100 000 rows long, hence column by column."""

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from operator import itemgetter

import numpy as np

from workbench.collect.coded import Coded, Column
from workbench.collect.descriptor_rows import HolderColumns
from workbench.collect.socket_columns import SocketColumns
from workbench.present.cells import Aligned, Cells, Numbers, Words, stretches
from workbench.present.text import printable

_SEQUENCE_DIGITS = 10  # of 2^32


def json_rows(columns: SocketColumns, names: Mapping[int, str], between: str = ",\n") -> Iterator[str]:
    """Each socket as a JSON object, many to a text with ``between`` among them.

    What is not known is null, as sequence numbers are where they cannot be had.
    """
    held, timer = columns.holders, columns.timer
    before = {
        "netns": columns.netns, "netns_name": columns.netns.map(names.get),
        "family": columns.family, "state": columns.state,
    }  # fmt: skip
    after = {
        **columns.numbers, "timer": timer.map(itemgetter(0)), "timer_ms": timer.map(itemgetter(1)),
        "retransmits": timer.map(itemgetter(2)), "congestion": columns.congestion, "mptcp": columns.mptcp,
        **columns.sequences,
    }  # fmt: skip
    fields: dict[str, Sequence[str | Cells]] = {
        **{name: [_json(column)] for name, column in before.items()},
        "local": ['"', _words(columns.local), ":", _json(columns.local_port), '"'],
        "peer": ['"', _words(columns.peer), ":", _json(columns.peer_port), '"'],
        "pid": [_json(held.pid)],
        "fd": [_json(held.fd)],
        "command": [_json(held.command)],
        "holders": _holders(held),
        **{name: [_json(column)] for name, column in after.items()},
    }
    parts = chain.from_iterable((f', "{name}": ', *value) for name, value in fields.items())
    return stretches(["{", str(next(parts)).removeprefix(", "), *parts, "}"], len(columns), between)


def text_rows(columns: SocketColumns, names: Mapping[int, str], *, sequences: bool = False) -> Iterator[str]:
    """A heading, then a line for each socket, many to a text."""
    listening = columns.state.are("LISTEN")
    peer = columns.peer.map("{}:".format).but(listening, "-")
    shown: list[tuple[str, Aligned]] = [
        _left("STATE", columns.state),
        _left("NETNS", columns.netns.map(lambda netns: names.get(netns) or netns)),
        _left("LOCAL", columns.local.map("{}:".format), columns.local_port),
        _left("PEER", peer, columns.peer_port.but(listening, None)),
        _right("RCVQ", columns.numbers["recv_q"]),
        _right("SNDQ", columns.numbers["send_q"]),
        _left("TIMER", columns.timer.map(lambda timer: _timer(*timer))),
    ]
    for name, column in columns.sequences.items() if sequences else ():
        shown.append(_right(name.upper(), column, least=_SEQUENCE_DIGITS, absent="-"))
    heading = "".join(f"{title}  " for title, _ in shown) + "PROCESS"
    parts = [part for _, cells in shown for part in (cells, "  ")]
    return chain([heading], stretches([*parts, *_process(columns.holders)], len(columns), "\n"))


def _left(title: str, *columns: Column) -> tuple[str, Aligned]:
    cells = Aligned(*(_cells(column) for column in columns), least=len(title))
    return title.ljust(cells.characters), cells


def _right(title: str, column: Column, *, least: int = 0, absent: str = "") -> tuple[str, Aligned]:
    cells = Aligned(_cells(column, absent), least=max(least, len(title)), right=True)
    return title.rjust(cells.characters), cells


def _cells(column: Column, absent: str = "") -> Cells:
    if isinstance(column, Coded):
        return _words(column.map(lambda value: absent if value is None else str(value)))
    return Numbers(column.values, column.absent, absent)


def _words(column: Coded) -> Words:
    return Words(column.values, column.which)


def _json(column: Column) -> Cells:
    return _words(column.map(_quoted)) if isinstance(column, Coded) else _cells(column, "null")


def _quoted(value: object) -> str:
    return json.dumps(printable(value) if isinstance(value, str) else value)


def _timer(name: str, left_ms: int, count: int) -> str:
    text = "-" if name == "none" else f"{name} {left_ms / 1000:.1f}s"
    return f"{text} x{count}" if count else text


def _process(held: HolderColumns) -> list[str | Cells]:
    """The first owner of each socket, and how many there are besides."""
    nobody = held.command.are(None)
    beside = np.zeros(len(nobody), np.intp)
    for place, holders in held.several.items():
        beside[place] = len(holders) - 1
    counts = ["", *(f" +{count}" for count in range(1, int(beside.max(initial=0)) + 1))]
    command = held.command.map(lambda name: "-" if name is None else f"{printable(name)} ")
    return [_words(command), _cells(held.pid), Words([" fd ", ""], nobody * 1), _cells(held.fd), Words(counts, beside)]


def _holders(held: HolderColumns) -> list[str | Cells]:
    """All owners of each socket, as lists of pid, descriptor and command."""
    texts = ["[]", "]]"]
    which = np.where(held.command.are(None), 0, 1)
    for place, holders in held.several.items():
        which[place] = len(texts)
        texts.append(json.dumps([[holder.pid, holder.fd, printable(holder.command)] for holder in holders]))
    other = which != 1
    begin, between = (Words([text, ""], other * 1) for text in ("[[", ", "))
    command = held.command.map(_quoted).but(other, "")
    pid, fd = (_cells(column.but(other, None)) for column in (held.pid, held.fd))
    return [begin, pid, between, fd, between, _words(command), Words(texts, which)]
