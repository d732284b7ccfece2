"""What the source tells the destination first: all that decides whether the process can live there."""

import ipaddress
import os
import platform
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from workbench.collect import procfs
from workbench.evidence import Connection, Descriptor, DescriptorKind, Evidence, Gap, Network, Process, Socket
from workbench.operation.journal import boot_id
from workbench.operation.migration.addresses import MovingAddress, lost_with, moving_address
from workbench.operation.record import connection_from, connection_record

_FLOATING = ("fxsr", "sse", "xsave", "avx", "avx2", "avx512", "amx", "pku")
"""Beginnings of processor features whose registers are part of an image (criu/arch/x86/cpu.c)."""


@dataclass(frozen=True, slots=True)
class File:
    """A file that the process has open or mapped."""

    path: str
    size: int
    written: bool
    """It is open for writing: its size may change until the dump."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A process that is to move."""

    id: str
    """Of the migration, the same in both journals."""
    kernel: str
    machine: str
    """``x86_64``."""
    features: tuple[str, ...]
    """Of the processor, as far as images depend on them."""
    criu: str
    """Version."""
    boot_id: str
    pids_namespace: int
    """Inode; with the same boot it tells whether both halves share their pids."""
    netns: int
    root: int
    command: str
    pids: tuple[int, ...]
    """Of all tasks and threads, of their process groups and sessions."""
    commands: tuple[str, ...]
    memory_bytes: int
    """What the images will take, about."""
    addresses: tuple[MovingAddress, ...]
    mtu: int
    """Of the interface that has them; 0: nothing moves along."""
    connections: tuple[Connection, ...]
    congestion: tuple[str, ...]
    """Congestion control of the connections."""
    files: tuple[File, ...]
    options: Mapping[str, object]
    """Fields of ``criu_opts`` of the dump."""

    def record(self) -> dict[str, object]:
        """As it travels."""
        plain = {each.name: getattr(self, each.name) for each in fields(self)}
        return plain | {
            "addresses": [each.record() for each in self.addresses],
            "connections": [connection_record(each) for each in self.connections],
            "files": [asdict(each) for each in self.files],
        }


def offer_from(record: Mapping[str, Any]) -> Offer:
    """Raises KeyError, TypeError or ValueError for anything that ``record`` did not write."""
    return Offer(
        id=_plain(record["id"]),
        kernel=str(record["kernel"]),
        machine=str(record["machine"]),
        features=tuple(map(str, record["features"])),
        criu=str(record["criu"]),
        boot_id=str(record["boot_id"]),
        pids_namespace=int(record["pids_namespace"]),
        netns=int(record["netns"]),
        root=int(record["root"]),
        command=str(record["command"]),
        pids=tuple(map(int, record["pids"])),
        commands=tuple(map(str, record["commands"])),
        memory_bytes=int(record["memory_bytes"]),
        addresses=tuple(map(moving_address, record["addresses"])),
        mtu=int(record["mtu"]),
        connections=tuple(map(connection_from, record["connections"])),
        congestion=tuple(map(str, record["congestion"])),
        files=tuple(File(str(each["path"]), int(each["size"]), bool(each["written"])) for each in record["files"]),
        options=dict(record["options"]),
    )


def _plain(text: object) -> str:
    """It becomes part of a path."""
    if not str(text).isalnum():
        raise ValueError("no identity of a migration")
    return str(text)


def make_offer(
    evidence: Evidence, tree: Sequence[Process], connections: Sequence[Connection], options: Mapping[str, object],
    memory_bytes: int,
) -> Offer:  # fmt: skip
    """From a look at the source."""
    root, pids = tree[0], frozenset(each.pid for each in tree)
    host = evidence.host
    sockets: Sequence[Socket] = () if isinstance(evidence.sockets, Gap) else evidence.sockets
    ours = [each for each in sockets if any(holder.pid in pids for holder in each.holders)]
    used = {each.connection.unmapped.local.address for each in ours}
    addresses, mtu = moving(used, evidence.network, root.namespaces.net or 0)
    return Offer(
        id=secrets.token_hex(8),
        kernel=platform.release(),
        machine=platform.machine(),
        features=processor_features(),
        criu="" if isinstance(host, Gap) or host.criu is None else host.criu.version,
        boot_id=boot_id(),
        pids_namespace=procfs.link_inode("/proc/self/ns/pid", "pid") or 0,
        netns=root.namespaces.net or 0,
        root=root.pid,
        command=root.command,
        pids=tuple(sorted(_numbers(tree))),
        commands=tuple(sorted({each.command for each in tree})),
        memory_bytes=memory_bytes,
        addresses=addresses,
        mtu=mtu,
        connections=tuple(connections),
        congestion=tuple(sorted({each.congestion for each in ours if each.congestion})),
        files=tuple(files_of(pids, () if isinstance(evidence.descriptors, Gap) else evidence.descriptors)),
        options=options,
    )


def is_loopback(connection: Connection) -> bool:
    return ipaddress.ip_address(connection.unmapped.local.address.partition("%")[0]).is_loopback


def moving(used: Iterable[str], network: Network | Gap, netns: int) -> tuple[tuple[MovingAddress, ...], int]:
    """Those of these addresses that interfaces of a namespace have, and the smallest MTU of the interfaces."""
    if isinstance(network, Gap):
        return (), 0
    wanted = {each for each in used if not ipaddress.ip_address(each.partition("%")[0]).is_loopback}
    found = [each for each in network.addresses if each.netns == netns and each.address in wanted]
    links = {each.name: each for each in network.links if each.netns == netns}
    mtus = [links[each.interface].mtu for each in found if each.interface in links]
    moved = tuple(MovingAddress(each.interface, each.address, each.prefix) for each in found)
    return moved, min(mtus, default=0)


def source_obstacles(offer: Offer, evidence: Evidence, carriers: frozenset[int]) -> Iterable[str]:
    """What at the source keeps it from moving, whatever the destination says; ``carriers`` hold the stream to it."""
    network = evidence.network
    inside = set(offer.connections) | {each.reversed for each in offer.connections}
    moved = {each.address for each in offer.addresses}
    for each in offer.connections:
        if is_loopback(each):
            if each.reversed not in offer.connections:
                yield f"{each}: its peer stays on this host, where the moved process cannot reach it by loopback"
        elif each.unmapped.local.address not in moved:
            yield f"{each}: its address is on no interface here, so it cannot move along"
        elif each.unmapped.peer.address in moved and each.reversed not in inside:
            yield f"{each}: both ends use the address that moves, and its peer stays here"
    sockets: Sequence[Socket] = () if isinstance(evidence.sockets, Gap) else evidence.sockets
    for socket in sockets:
        if socket.connection.unmapped.local.address in moved and any(each.pid in carriers for each in socket.holders):
            yield (
                f"The stream to the destination comes from {socket.local.address}, which moves: connect from another"
                " address (ssh -b ADDRESS)"
            )
    if isinstance(network, Gap):
        yield f"The addresses of this host cannot be read: {network.reason}"
        return
    here = [each for each in network.addresses if each.netns == offer.netns]
    for address in here:
        if address.address in moved and (lost := lost_with(address, here)):
            yield (
                f"Taking {address.address} away from {address.interface} takes {', '.join(lost)} along (they depend on"
                " it): sysctl net.ipv4.conf.all.promote_secondaries=1 does not help, give it a prefix of its own (/32)"
            )


def source_warnings(offer: Offer, evidence: Evidence) -> Iterable[str]:
    """What else uses the addresses that move."""
    if isinstance(evidence.sockets, Gap):
        return
    moved = {each.address for each in offer.addresses}
    kept = {each.unmapped for each in offer.connections}
    others = [
        each
        for each in evidence.sockets
        if each.netns == offer.netns and each.connection.unmapped.local.address in moved and each.peer.port
        and each.connection.unmapped not in kept and each.inode
    ]  # fmt: skip
    if others:
        more = f" and {len(others) - 1} more" if others[1:] else ""
        yield f"{others[0].connection}{more}: uses the address that moves away, but stays: it will be cut off"


def processor_features() -> tuple[str, ...]:
    """Flags of the first processor that images depend on."""
    for line in (procfs.read("/proc/cpuinfo") or b"").decode(errors="replace").splitlines():
        name, _, value = line.partition(":")
        if name.strip() in {"flags", "Features"}:
            return tuple(flag for flag in value.split() if flag.startswith(_FLOATING))
    return ()


def _numbers(tree: Iterable[Process]) -> Iterable[int]:
    for each in tree:
        yield from (each.pid, each.pgid, each.sid)
        try:
            yield from (int(name) for name in procfs.names(f"/proc/{each.pid}/task"))
        except OSError:  # it ended
            continue


def files_of(pids: Iterable[int], descriptors: Iterable[Descriptor]) -> Iterable[File]:
    """Regular files that are mapped or open, each once; deleted ones travel within the images."""
    found: dict[str, bool] = {}
    for pid in pids:
        for line in (procfs.read(f"/proc/{pid}/maps") or b"").splitlines():
            fields_ = line.split(maxsplit=5)
            if len(fields_) == 6 and fields_[5].startswith(b"/") and not fields_[5].endswith(b" (deleted)"):
                found.setdefault(os.fsdecode(fields_[5]), False)
    for each in descriptors:
        if each.kind is DescriptorKind.FILE and each.target.startswith("/") and not each.target.endswith(" (deleted)"):
            found[each.target] = _is_written(each.pid, each.fd)
    for path, written in sorted(found.items()):
        try:
            size = Path(path).stat().st_size
        except OSError:
            continue
        yield File(path, size, written)


def _is_written(pid: int, fd: int) -> bool:
    for line in (procfs.read(f"/proc/{pid}/fdinfo/{fd}") or b"").splitlines():
        if line.startswith(b"flags:"):
            return bool(int(line.split()[1], 8) & (os.O_WRONLY | os.O_RDWR))
    return False
