"""Whether a process that is offered can live here; said before anything is frozen."""

import os
import platform
import stat
from collections.abc import Iterator
from dataclasses import dataclass

from workbench.collect import procfs
from workbench.evidence import Evidence, Gap
from workbench.operation import tree_obstacles as about
from workbench.operation.journal import boot_id
from workbench.operation.migration.addresses import MovingAddress, interface_for, route_to
from workbench.operation.migration.image_cache import SPARE_BYTES
from workbench.operation.migration.offer import Offer, is_loopback, processor_features
from workbench.present.text import printable

SECTIONS = frozenset({"processes", "sockets", "locks", "rules", "network", "host"})
"""What of the destination is looked at."""


@dataclass(frozen=True, slots=True)
class Fitness:
    """The destination's answer to an offer."""

    obstacles: tuple[str, ...]
    """Why it cannot live here, each with a way out."""
    warnings: tuple[str, ...]
    addresses: tuple[MovingAddress, ...]
    """Those that come along, with the interfaces that get them."""


def judge(offer: Offer, evidence: Evidence, netns: int, *, room_bytes: int, interface: str = "") -> Fitness:
    """``netns``: inode of the namespace that it would live in; ``interface``: which is to get its addresses."""
    judge = _Judge(offer, evidence, netns, interface)
    obstacles = [*about.host_obstacles(evidence.host), *judge.machine(), *judge.pids(), *judge.files()]
    addresses, missing = judge.addresses()
    obstacles += [*missing, *judge.reach(addresses), *judge.tuples()]
    need = offer.memory_bytes + SPARE_BYTES
    if room_bytes < need:
        obstacles.append(f"The images need about {need >> 20} MiB there, and {room_bytes >> 20} MiB are free")
    return Fitness(
        tuple(printable(each) for each in obstacles),
        tuple(printable(each) for each in judge.warnings(addresses)),
        addresses,
    )


class _Judge:
    def __init__(self, offer: Offer, evidence: Evidence, netns: int, interface: str) -> None:
        self.offer, self.evidence, self.netns, self.interface = offer, evidence, netns, interface

    def machine(self) -> Iterator[str]:
        """Architecture, processor, CRIU."""
        offer = self.offer
        if offer.machine != platform.machine():
            yield f"It runs on {offer.machine}, and the destination is {platform.machine()}"
        if missing := sorted(set(offer.features) - set(processor_features())):
            yield f"The destination's processor lacks {', '.join(missing[:5])}, whose registers are part of the images"
        host = self.evidence.host
        own = "" if isinstance(host, Gap) or host.criu is None else host.criu.version
        if _numbers(own) < _numbers(offer.criu):
            yield f"The images are CRIU {offer.criu}'s, and the destination has {own or 'none'}: install the same there"

    def pids(self) -> Iterator[str]:
        """A restored task has the pid that it had."""
        own = procfs.link_inode("/proc/self/ns/pid", "pid")
        if self.offer.boot_id == boot_id() and self.offer.pids_namespace == own:
            yield (
                "Source and destination share their process ids, and it must be on both for a moment: run the"
                " destination in a pid namespace of its own"
            )
            return
        processes = self.evidence.processes
        taken = {} if isinstance(processes, Gap) else processes
        used = {each.pgid: each for each in taken.values()} | {each.sid: each for each in taken.values()} | dict(taken)
        for pid in self.offer.pids:
            if pid in used:
                yield f"Pid {pid} is taken at the destination by {about.named(used[pid])}: end that process first"

    def files(self) -> Iterator[str]:
        """Open and mapped files are not part of the images (criu/files-reg.c compares size and type)."""
        missing: list[str] = []
        for each in self.offer.files:
            try:
                status = os.stat(each.path)  # noqa: PTH116 - hundreds of them
            except (OSError, ValueError):
                missing.append(f"{each.path} is missing")
                continue
            if not stat.S_ISREG(status.st_mode):
                missing.append(f"{each.path} is no regular file")
            elif status.st_size != each.size and not each.written:
                missing.append(f"{each.path} has {status.st_size} bytes, not {each.size}")
        yield from (f"At the destination {each}: copy it there first" for each in missing[:5])
        if missing[5:]:
            yield f"At the destination {len(missing) - 5} more files are missing or differ"

    def addresses(self) -> tuple[tuple[MovingAddress, ...], tuple[str, ...]]:
        """Each with the interface that gets it, and why some cannot come."""
        network = self.evidence.network
        if isinstance(network, Gap):
            return (), (f"The destination's addresses cannot be read: {network.reason}",)
        here = {each.address: each for each in network.addresses if each.netns == self.netns}
        links = {each.name: each for each in network.links if each.netns == self.netns}
        found, missing = [], []
        for each in self.offer.addresses:
            interface = self.interface or interface_for(each.address, network, self.netns)
            if each.address in here:
                missing.append(
                    f"Address {each.address} is at the destination already, on {here[each.address].interface}"
                )
            elif interface is None or interface not in links:
                missing.append(
                    f"No interface of the destination fits address {each.address}: connections follow an address only"
                    " where it can live; name one with --interface"
                )
            elif not links[interface].up:
                missing.append(f"Interface {interface} of the destination is down")
            elif links[interface].mtu < self.offer.mtu:
                missing.append(
                    f"Interface {interface} of the destination has MTU {links[interface].mtu}, the source's"
                    f" {self.offer.mtu}: packets of the peers would not fit"
                )
            else:
                found.append(MovingAddress(interface, each.address, each.prefix))
        return tuple(found), tuple(missing)

    def reach(self, addresses: tuple[MovingAddress, ...]) -> Iterator[str]:
        """A route to each peer, other than through what is on its way."""
        network = self.evidence.network
        if isinstance(network, Gap) or not addresses:
            return
        moved = {each.address for each in addresses}
        for peer in sorted({each.unmapped.peer.address for each in self.offer.connections if not is_loopback(each)}):
            if peer not in moved and route_to(peer, network, self.netns) is None:
                yield f"The destination has no route to {peer}: add one first"

    def tuples(self) -> Iterator[str]:
        sockets = self.evidence.sockets
        if isinstance(sockets, Gap):
            return
        wanted = {each.unmapped for each in self.offer.connections}
        for each in sockets:
            if each.netns == self.netns and each.peer.port and each.inode and each.connection.unmapped in wanted:
                yield f"{each.connection} is at the destination already: end it first"

    def warnings(self, addresses: tuple[MovingAddress, ...]) -> Iterator[str]:
        offer = self.offer
        if offer.kernel != platform.release():
            yield f"The kernels differ ({offer.kernel} and {platform.release()}): CRIU restores what the newer one has"
        known = _available_congestion_control()
        for name in offer.congestion:
            if known and name not in known:
                yield f"Congestion control {name} is not available at the destination: connections go on with another"
        if not addresses and offer.connections and not any(is_loopback(each) for each in offer.connections):
            yield "No address moves along: its connections cannot follow"


def _available_congestion_control() -> tuple[str, ...]:
    found = procfs.read("/proc/sys/net/ipv4/tcp_available_congestion_control") or b""
    return tuple(found.decode(errors="replace").split())


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())
