"""What ``conntrack -L`` prints, plainly, with ``-o extended`` (and id, timestamp, ...) or with ``-o xml``."""

import re
import socket
from collections.abc import Iterable, Iterator

from workbench.evidence import Connection, ConntrackEntry, Endpoint

# [ipv4 2] tcp 6 431999 ESTABLISHED src= dst= sport= dport= src= dst= sport= dport= [ASSURED] mark=0 use=1
_LINE = re.compile(
    r"\s*(?:\[\w{2,10}\]\s+)?(?:ipv[46]\s+\d{1,3}\s+)?tcp\s+6\s+(?:(?P<timeout>\d{1,10})\s+)?(?:(?P<state>[A-Z_0-9]{3,12})\s+)?"
    r"src=(?P<src>\S{2,64})\s+dst=(?P<dst>\S{2,64})\s+sport=(?P<sport>\d{1,5})\s+dport=(?P<dport>\d{1,5})(?P<rest>.*)"
)
_MARK = re.compile(r"\smark=(\d{1,10})\b")
_XML_DIRECTION = re.compile(r'<meta direction="(\w{1,20})">(.{0,1000}?)</meta>', re.DOTALL)
_XML_FIELD = re.compile(r"<(src|dst|sport|dport|state|timeout|mark)>([^<]{1,64})<")
_XML_PROTOCOL = re.compile(r'<layer4 protonum="6"')


def read_conntrack(lines: Iterable[str], netns: int = 0) -> tuple[ConntrackEntry, ...]:
    """Every TCP entry, original direction; lines that are no entry are passed over."""
    return tuple(entry for line in lines for entry in _entries(line, netns) if entry is not None)


def _entries(line: str, netns: int) -> Iterator[ConntrackEntry | None]:
    if match := _LINE.match(line[:1000]):
        rest = match["rest"]
        mark = _MARK.search(rest)
        yield _entry(netns, match.groupdict(), "[ASSURED]" in rest, int(mark[1]) if mark else 0)
    elif "<flow" in line:
        for flow in line.split("<flow")[1:]:
            if _XML_PROTOCOL.search(flow[:4000]):
                yield _from_xml(flow[:4000], netns)


def _from_xml(flow: str, netns: int) -> ConntrackEntry | None:
    """One ``<flow>``, by no parser that would follow entities."""
    parts = {direction: dict(_XML_FIELD.findall(content)) for direction, content in _XML_DIRECTION.findall(flow)}
    fields = parts.get("original", {}) | parts.get("independent", {})
    mark = fields.get("mark", "")
    return _entry(netns, fields, "<assured/>" in flow, int(mark) if mark.isascii() and mark.isdecimal() else 0)


def _entry(netns: int, fields: dict[str, str], assured: bool, mark: int) -> ConntrackEntry | None:
    try:
        ends = [
            Endpoint(_normal(fields[address]), int(fields[port]))
            for address, port in (("src", "sport"), ("dst", "dport"))
        ]
        timeout = int(fields["timeout"]) if fields.get("timeout") else None
    except (KeyError, ValueError, OSError):
        return None
    if any(end.port >= 1 << 16 for end in ends):
        return None
    return ConntrackEntry(netns, Connection(*ends), fields.get("state"), timeout, assured, mark)


def _normal(address: str) -> str:
    """Raises OSError for what is no address, ValueError for a NUL in it."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return socket.inet_ntop(family, socket.inet_pton(family, address))
