"""A live capture of chosen connections in one or several network namespaces, in the order of time."""

import select
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO

from workbench.collect.packet_filter import program
from workbench.collect.packet_ring import RETIRED_MS, PacketRing
from workbench.collect.pcapng import RAW, PcapngWriter
from workbench.collect.within import NamespaceEndedError, within
from workbench.errors import WorkbenchError
from workbench.evidence import Capture, CaptureInterface, Connection, Evidence, Gap, NetworkNamespace, Packet
from workbench.evidence.socket_choice import Choice, choose
from workbench.read.packet_headers import Decoder
from workbench.read.pcap_records import Interface, Record

HELD_BACK_NS = 3 * RETIRED_MS * 1_000_000
"""Packets younger than this wait, since others from before them may still be handed over."""
MOST_BYTES = 100 << 20


@dataclass
class _Place:
    """One namespace."""

    namespace: NetworkNamespace
    name: str
    ring: PacketRing
    devices: dict[int, Interface] = field(default_factory=dict)


class LiveCapture:
    """Captures from its beginning until ``close``; one thread at a time.

    Costs nobody anything but a copy of the headers; nothing on the host is changed.
    """

    def __init__(
        self,
        namespaces: Mapping[int, tuple[NetworkNamespace, str]],
        connections: Iterable[Connection] | None,
        *,
        payload: bool = False,
    ) -> None:
        """``namespaces``: by inode, with what people call them. ``connections`` of None: all TCP.

        Raises WorkbenchError.
        """
        code = program(connections, payload=payload)
        self._places: list[_Place] = []
        self._interfaces: list[Interface] = []
        self._decoder = Decoder()
        self._waiting: list[Record] = []
        self.packets = 0
        """Handed out so far."""
        try:
            for namespace, name in namespaces.values():
                self._places.append(_Place(namespace, name, within(namespace, partial(PacketRing, code))))
        except NamespaceEndedError as error:
            self.close()
            raise WorkbenchError("The network namespace is gone", "look again") from error
        except OSError as error:
            self.close()
            raise WorkbenchError(
                f"Packets cannot be captured: {error.strerror}", "run the workbench as root (CAP_NET_RAW)"
            ) from error

    def take(self, timeout: float) -> list[tuple[Record, Packet | None]]:
        """Packets in the order of time, some 150 ms late; None for what is no TCP segment after all."""
        rings = [place.ring for place in self._places]
        select.select(rings, [], [], timeout)
        return self._settled(time.time_ns() - HELD_BACK_NS)

    def rest(self) -> list[tuple[Record, Packet | None]]:
        """All that came until now, at the end: what was not full is waited for."""
        time.sleep(2 * RETIRED_MS / 1000)  # the kernel tells of a block that it retires, but not that there is none
        return self._settled(None)

    def capture(self, packets: Sequence[Packet]) -> Capture:
        """These packets as evidence, with what was counted so far."""
        self._count()
        return Capture(
            "live",
            tuple(CaptureInterface(each.name, each.netns, each.dropped, each.received) for each in self._interfaces),
            tuple(packets),
        )

    @property
    def dropped(self) -> int:
        """Packets that came too quickly to be kept."""
        self._count()
        return sum(place.ring.dropped for place in self._places)

    @property
    def interfaces(self) -> Sequence[Interface]:
        """Those that something was seen on, with what was counted."""
        self._count()
        return self._interfaces

    def close(self) -> None:
        for place in self._places:
            place.ring.close()
        self._places = []

    def _settled(self, until_ns: int | None) -> list[tuple[Record, Packet | None]]:
        for place in self._places:
            for packet in place.ring.take():
                interface = self._interface(place, packet.interface)
                self._waiting.append(Record(interface, packet.at_ns, packet.data, packet.size, packet.incoming))
        self._waiting.sort(key=lambda record: record.at_ns)
        due = len(self._waiting) if until_ns is None else 0
        if until_ns is not None:
            due = next((n for n, each in enumerate(self._waiting) if each.at_ns > until_ns), len(self._waiting))
        ready, self._waiting = self._waiting[:due], self._waiting[due:]
        self.packets += len(ready)
        return [(record, self._decoded(record)) for record in ready]

    def _decoded(self, record: Record) -> Packet | None:
        found = self._decoder.decode(record)
        return found if isinstance(found, Packet) else None

    def _interface(self, place: _Place, index: int) -> Interface:
        if index not in place.devices:
            try:
                names = dict(within(place.namespace, socket.if_nameindex))
            except (NamespaceEndedError, OSError):
                names = {}
            device = names.get(index, f"device {index}")
            name = f"{place.name}:{device}" if place.name else device
            made = Interface(len(self._interfaces), name, RAW, "<", 1_000_000_000, netns=place.namespace.inode)
            place.devices[index] = made
            self._interfaces.append(made)
        return place.devices[index]

    def _count(self) -> None:
        """The kernel counts by namespace: it stands with the first interface of each."""
        for place in self._places:
            place.ring.count()
            for first in list(place.devices.values())[:1]:
                first.received, first.dropped = place.ring.received, place.ring.dropped


def places_of(
    connections: Iterable[Connection], evidence: Evidence, named: Iterable[int] = ()
) -> dict[int, tuple[NetworkNamespace, str]]:
    """Where to capture: the namespaces that were named, else those in which one of the connections has an end.

    If there is none, our own. With what people call each. Raises WorkbenchError if one cannot be seen.
    """
    if isinstance(evidence.namespaces, Gap):
        raise WorkbenchError(evidence.namespaces.reason, evidence.namespaces.remedy)
    inodes = set(named)
    if not inodes and not isinstance(evidence.sockets, Gap):
        ends = {way for each in connections for way in (each.unmapped, each.unmapped.reversed)}
        near = choose(evidence.sockets, Choice(local_ports={way.local.port for way in ends}))
        inodes = {each.netns for each in near if each.connection.unmapped in ends}
    if not inodes:
        inodes = {each.inode for each in evidence.namespaces if each.is_host}
    found = {each.inode: (each, _name(each)) for each in evidence.namespaces if each.inode in inodes}
    if missing := inodes - found.keys():
        raise WorkbenchError(f"The network namespace {min(missing)} cannot be seen", "run the workbench as root")
    return found


def _name(namespace: NetworkNamespace) -> str:
    if namespace.is_host:
        return ""
    return namespace.names[0] if namespace.names else f"netns {namespace.inode}"


class Saved:
    """A capture on its way into a file of bounded size."""

    def __init__(self, file: BinaryIO, comment: str, most_bytes: int = MOST_BYTES) -> None:
        self._file = file
        self._writer = PcapngWriter(file, comment)
        self._most = most_bytes
        self.packets = 0

    def write(self, records: Iterable[Record]) -> bool:
        """Write them; False, and the rest left out, once the file is as large as it may be."""
        for record in records:
            if self._writer.size + len(record.data) + 200 > self._most:
                return False
            self._writer.write(record)
            self.packets += 1
        self._file.flush()  # somebody may read along
        return True

    def finish(self, interfaces: Iterable[Interface]) -> None:
        """What was counted stands at the end."""
        for interface in interfaces:
            self._writer.finish(interface, time.time_ns())
