"""All sockets in the order in which they are listed, field by field: 50 000 of them without a record for each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from workbench.collect import inet_diag
from workbench.collect.coded import Coded, Column, Numbered, coded, coded_numbers
from workbench.collect.descriptor_rows import HolderColumns, RowOwners
from workbench.collect.sequences import SequenceTable
from workbench.collect.socket_table import STATES, TIMERS, SocketTable, address_text, name_of, ulp_of
from workbench.evidence import Gap, Holder, Sequences, Socket, SocketTimer

SEQUENCES = ("snd_una", "snd_nxt", "write_seq", "rcv_nxt", "copied_seq", "snd_wnd", "rcv_wnd")
"""Fields of ``Sequences`` that are listed."""
_NUMBERS = ("inode", "cookie", "uid", "recv_q", "send_q")


@dataclass(frozen=True, slots=True)
class SocketColumns:
    """Each column has one entry for each socket; sorted by namespace, state and both ends."""

    netns: Coded
    family: Coded
    state: Coded
    """Names."""
    local: Coded
    """Addresses as texts, IPv6 in brackets."""
    local_port: Column
    peer: Coded
    peer_port: Column
    numbers: Mapping[str, Column]
    """Other fields of ``Socket`` that are numbers."""
    timer: Coded
    """What it waits for, milliseconds left, retransmissions."""
    congestion: Coded
    """Names, or None."""
    mptcp: Coded
    holders: HolderColumns
    sequences: Mapping[str, Column]

    def __len__(self) -> int:
        return len(self.state.which)


def columns_of(sockets: Sequence[Socket], sequences: Mapping[int, Sequences] | Gap) -> SocketColumns:
    """All fields that are listed; fast for what the live host gives. ``sequences`` is empty where nobody wants them."""
    if isinstance(sockets, SocketTable):
        return _of_table(sockets, sequences)
    return _of_records(sockets, {} if isinstance(sequences, Gap) else sequences)


def _of_records(sockets: Sequence[Socket], sequences: Mapping[int, Sequences]) -> SocketColumns:
    listed = sorted(sockets, key=lambda each: (each.netns, each.state, each.local, each.peer))
    return SocketColumns(
        netns=coded(each.netns for each in listed),
        family=coded(each.family for each in listed),
        state=coded(each.state.name for each in listed),
        local=coded(_bracketed(each.local.address) for each in listed),
        local_port=coded(each.local.port for each in listed),
        peer=coded(_bracketed(each.peer.address) for each in listed),
        peer_port=coded(each.peer.port for each in listed),
        numbers={name: coded(getattr(each, name) for each in listed) for name in _NUMBERS},
        timer=coded((each.timer.value, each.timer_ms, each.retransmits) for each in listed),
        congestion=coded(each.congestion for each in listed),
        mptcp=coded(each.mptcp for each in listed),
        holders=_holders([each.holders for each in listed]),
        sequences=_of_each([sequences.get(each.cookie) for each in listed]),
    )


def _of_table(table: SocketTable, sequences: Mapping[int, Sequences] | Gap) -> SocketColumns:
    names, local, peer = _addresses(table)
    # An address is ranked as text, and a rank with a port, or a namespace with a state, is one number to sort by.
    ranks = np.argsort(np.argsort(np.array(names)))
    ends = {"local": local, "peer": peer}
    keys = [ranks[of] << 16 | table.column(f"{end}_port").astype(np.int64) for end, of in ends.items()]
    place = table.column("netns").astype(np.int64) << 8 | table.column("state").astype(np.int64)
    order = np.lexsort((keys[1], keys[0], place))
    numbers = {name: table.column(name)[order] for name in _NUMBERS}
    addresses = [_bracketed(name) for name in names]
    inodes = numbers["inode"]
    if isinstance(table.holders, RowOwners):
        holders = table.holders.columns(inodes)
    else:
        holders = _holders([table.holders.get(inode, ()) if inode else () for inode in inodes.tolist()])
    return SocketColumns(
        netns=coded_numbers(table.column("netns")[order]),
        family=coded_numbers(table.column("family")[order]),
        state=coded_numbers(table.column("state")[order]).map(lambda number: STATES[number].name),
        local=Coded(addresses, local[order]),
        local_port=Numbered(table.column("local_port")[order]),
        peer=Coded(addresses, peer[order]),
        peer_port=Numbered(table.column("peer_port")[order]),
        numbers={name: Numbered(column) for name, column in numbers.items()},
        timer=_timers(*(table.column(name)[order] for name in ("timer", "timer_ms", "retransmits"))),
        congestion=table.coded(inet_diag.CONG).at(order).map(lambda payload: name_of(payload) if payload else None),
        mptcp=table.coded(inet_diag.ULP_INFO).at(order).map(lambda layer: bool(layer) and ulp_of(layer) == "mptcp"),
        holders=holders,
        sequences=_sequences(table.column("cookie")[order], sequences),
    )


def _timers(kinds: NDArray[Any], left_ms: NDArray[Any], retransmits: NDArray[Any]) -> Coded:
    packed = kinds.astype(np.uint64) << np.uint64(40) | left_ms.astype(np.uint64) << np.uint64(8)

    def unpacked(number: int) -> tuple[str, int, int]:
        kind = number >> 40
        name = TIMERS[kind].value if kind < len(TIMERS) else SocketTimer.NONE.value
        return name, number >> 8 & 0xFFFFFFFF, number & 0xFF

    return coded_numbers(packed | retransmits).map(unpacked)


def _sequences(cookies: NDArray[Any], sequences: Mapping[int, Sequences] | Gap) -> Mapping[str, Column]:
    if isinstance(sequences, SequenceTable):
        return sequences.columns(cookies, SEQUENCES)
    known = {} if isinstance(sequences, Gap) else sequences
    if not known:
        return dict.fromkeys(SEQUENCES, Coded([None], np.zeros(len(cookies), np.intp)))
    return _of_each([known.get(cookie) for cookie in cookies.tolist()])


def _of_each(found: Sequence[Sequences | None]) -> Mapping[str, Column]:
    return {name: coded(getattr(each, name, None) for each in found) for name in SEQUENCES}


def _holders(each: Sequence[tuple[Holder, ...]]) -> HolderColumns:
    first = [holders[0] if holders else None for holders in each]
    pid, fd, command = (coded(getattr(holder, name, None) for holder in first) for name in ("pid", "fd", "command"))
    return HolderColumns(pid, fd, command, {place: some for place, some in enumerate(each) if len(some) > 1})


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address


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
