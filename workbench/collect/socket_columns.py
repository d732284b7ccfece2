"""All sockets in the order in which they are listed, field by field: 50 000 of them without a record for each."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.collect import inet_diag
from workbench.collect.descriptor_rows import HolderColumns, RowOwners
from workbench.collect.sequences import SequenceTable
from workbench.collect.socket_table import STATES, TIMERS, SocketTable, address_text, name_of, ulp_of
from workbench.evidence import Gap, Holder, Sequences, Socket, SocketTimer

SEQUENCES = ("snd_una", "snd_nxt", "write_seq", "rcv_nxt", "copied_seq", "snd_wnd", "rcv_wnd")
"""Fields of ``Sequences`` that are listed."""
_PLAIN = ("netns", "family", "inode", "cookie", "uid", "recv_q", "send_q", "timer_ms", "retransmits")


@dataclass(frozen=True, slots=True)
class SocketColumns:
    """Each list has one entry for each socket; sorted by namespace, state and both ends."""

    plain: Mapping[str, list[int]]
    """Fields of ``Socket`` that are numbers."""
    state: list[str]
    timer: list[str]
    local: list[str]
    peer: list[str]
    congestion: list[str | None]
    mptcp: list[bool]
    holders: HolderColumns
    sequences: Mapping[str, list[int | None]]


def columns_of(sockets: Sequence[Socket], sequences: Mapping[int, Sequences] | Gap) -> SocketColumns:
    """All fields that are listed; fast for what the live host gives. ``sequences`` is empty where nobody wants them."""
    if isinstance(sockets, SocketTable):
        return _of_table(sockets, sequences)
    return _of_records(sockets, {} if isinstance(sequences, Gap) else sequences)


def _of_records(sockets: Sequence[Socket], sequences: Mapping[int, Sequences]) -> SocketColumns:
    listed = sorted(sockets, key=lambda each: (each.netns, each.state, each.local, each.peer))
    numbers = [sequences.get(each.cookie) for each in listed]
    return SocketColumns(
        plain={name: [getattr(each, name) for each in listed] for name in _PLAIN},
        state=[each.state.name for each in listed],
        timer=[each.timer.value for each in listed],
        local=[str(each.local) for each in listed],
        peer=[str(each.peer) for each in listed],
        congestion=[each.congestion for each in listed],
        mptcp=[each.mptcp for each in listed],
        holders=_holders([each.holders for each in listed]),
        sequences={name: [getattr(each, name, None) for each in numbers] for name in SEQUENCES},
    )


def _of_table(table: SocketTable, sequences: Mapping[int, Sequences] | Gap) -> SocketColumns:
    names, local, peer = _addresses(table)
    # An address is ranked as text, and a rank with a port, or a namespace with a state, is one number to sort by.
    ranks = np.argsort(np.argsort(np.array(names)))
    ends = {"local": local, "peer": peer}
    keys = [ranks[of] << 16 | table.column(f"{end}_port").astype(np.int64) for end, of in ends.items()]
    place = table.column("netns").astype(np.int64) << 8 | table.column("state").astype(np.int64)
    order = np.lexsort((keys[1], keys[0], place))

    def column(name: str) -> list[int]:
        found: list[int] = table.column(name)[order].tolist()
        return found

    def texts(end: str) -> list[str]:
        starts = [f"[{name}]:" if ":" in name else f"{name}:" for name in names]
        return [
            starts[of] + str(port) for of, port in zip(ends[end][order].tolist(), column(f"{end}_port"), strict=True)
        ]

    inodes = table.column("inode")[order]
    if isinstance(table.holders, RowOwners):
        holders = table.holders.columns(inodes)
    else:
        holders = _holders([table.holders.get(inode, ()) if inode else () for inode in inodes.tolist()])
    payloads = table.payloads(inet_diag.CONG)
    layers = table.payloads(inet_diag.ULP_INFO)
    congestions = {payload: name_of(payload) if payload else None for payload in set(payloads)}
    multipath = {layer: layer is not None and ulp_of(layer) == "mptcp" for layer in set(layers)}
    places = order.tolist()
    states = {number: state.name for number, state in STATES.items()}
    timers = defaultdict(lambda: SocketTimer.NONE.value, {number: each.value for number, each in enumerate(TIMERS)})
    cookies = table.column("cookie")[order]
    return SocketColumns(
        plain={name: column(name) for name in _PLAIN},
        state=[states[number] for number in column("state")],
        timer=[timers[number] for number in column("timer")],
        local=texts("local"),
        peer=texts("peer"),
        congestion=[congestions[payloads[each]] for each in places],
        mptcp=[multipath[layers[each]] for each in places],
        holders=holders,
        sequences=_sequences(cookies, sequences),
    )


def _sequences(cookies: NDArray[Any], sequences: Mapping[int, Sequences] | Gap) -> Mapping[str, list[int | None]]:
    if isinstance(sequences, SequenceTable):
        return sequences.columns(cookies, SEQUENCES)
    if isinstance(sequences, Gap) or not sequences:
        return dict.fromkeys(SEQUENCES, [None] * len(cookies))
    found = [sequences.get(cookie) for cookie in cookies.tolist()]
    return {name: [getattr(each, name, None) for each in found] for name in SEQUENCES}


def _holders(each: Sequence[tuple[Holder, ...]]) -> HolderColumns:
    none: list[None] = [None] * len(each)
    found = HolderColumns([*none], [*none], [*none], {})
    for place, holders in enumerate(each):
        found.put(place, holders)
    return found


def _addresses(table: SocketTable) -> tuple[list[str], NDArray[np.int64], NDArray[np.int64]]:
    """Every address once as text, and which one is each socket's local and its peer's."""
    words = np.concatenate([table.column("local"), table.column("peer")]).astype(np.uint64)
    families = np.tile(table.column("family"), 2)
    words[families == 2, 0] &= np.uint64(0xFFFFFFFF << 32)
    words[families == 2, 1] = 0
    order = np.lexsort((words[:, 1], words[:, 0], families))
    ordered, kinds = words[order], families[order]
    is_new = np.r_[True, (ordered[1:] != ordered[:-1]).any(axis=1) | (kinds[1:] != kinds[:-1])][: len(order)]
    which = np.empty(len(order), np.int64)
    which[order] = np.cumsum(is_new) - 1
    texts = [
        address_text(family, upper.to_bytes(8, "big") + lower.to_bytes(8, "big"))
        for family, (upper, lower) in zip(kinds[is_new].tolist(), ordered[is_new].tolist(), strict=True)
    ]
    return texts, which[: len(table)], which[len(table) :]
