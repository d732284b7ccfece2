"""Packet captures: pcap and pcapng of either byte order, read once from the front in bounded memory."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from workbench.errors import WorkbenchError
from workbench.evidence.packet import Capture, CaptureInterface, Packet
from workbench.read.packet_headers import LINKS, Decoder, Kind
from workbench.read.pcap_records import Damage, Interface, Record, records

MOST_PACKETS = 1_000_000
"""What is looked at; what comes after is not."""
MOST_COMMENTS = 100


@dataclass
class _Found:
    packets: list[Packet] = field(default_factory=list)
    interfaces: list[Interface] = field(default_factory=list)
    comments: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    others: int = 0
    unreadable: int = 0
    of_unknown_link: dict[int, int] = field(default_factory=dict)


def read_capture(path: str | Path) -> Capture:
    """The TCP segments of a capture; damage at its end is a problem, what came before counts.

    Raises WorkbenchError if the file cannot be read or is no capture.
    """
    found = _Found()
    try:
        with Path(path).open("rb", buffering=1 << 20) as file:
            _read(file, found, MOST_PACKETS)
    except FileNotFoundError as error:
        raise WorkbenchError(f"There is no {path}") from error
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise WorkbenchError(f"{path} cannot be read: {reason}") from error
    except Damage as error:
        raise WorkbenchError(f"{path} is no packet capture: {error}", "pcap and pcapng are read") from error
    for link, count in found.of_unknown_link.items():
        found.problems.append(f"{count} packets of link type {link} were left out: it is not known here")
    return Capture(
        str(path),
        tuple(CaptureInterface(each.name, each.netns, each.dropped, each.received) for each in found.interfaces),
        tuple(found.packets),
        found.others,
        found.unreadable,
        tuple(found.comments),
        tuple(found.problems),
    )


def _read(file: BinaryIO, found: _Found, most: int) -> None:
    """Raises Damage if it is no capture at all."""
    decoder = Decoder()
    stream = records(file)
    first = next(stream, None)  # after the header, without which it is no capture
    for record in chain(() if first is None else (first,), _until_damage(stream, found)):
        if isinstance(record, Interface):
            found.interfaces.append(record)
        elif isinstance(record, str):
            if len(found.comments) < MOST_COMMENTS:
                found.comments.append(record)
        elif len(found.packets) + found.others + found.unreadable >= most:
            found.problems.append(f"only the first {most} packets were looked at")
            return
        else:
            _keep(record, decoder, found)


def _until_damage(stream: Iterator[Interface | str | Record], found: _Found) -> Iterator[Interface | str | Record]:
    try:
        yield from stream
    except Damage as error:
        found.problems.append(str(error))


def _keep(record: Record, decoder: Decoder, found: _Found) -> None:
    if (link := record.interface.link) not in LINKS:
        found.others += 1
        found.of_unknown_link[link] = found.of_unknown_link.get(link, 0) + 1
        return
    packet = decoder.decode(record)
    if isinstance(packet, Packet):
        found.packets.append(packet)
    elif packet is Kind.OTHER:
        found.others += 1
    else:
        found.unreadable += 1
