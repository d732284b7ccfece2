"""What ``ss -tanpeimo`` prints (iproute2, misc/ss.c), with any of its columns left out, in the words of any version."""

import itertools
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workbench.evidence import Endpoint, Holder, Socket, SocketTimer, TcpState
from workbench.read.marks import SS_HEADER, SS_ROW
from workbench.read.ss_details import CONGESTION, info_of, memory_of, words_of

_STATES = {
    "ESTAB": TcpState.ESTABLISHED,
    "SYN-SENT": TcpState.SYN_SENT,
    "SYN-RECV": TcpState.SYN_RECV,
    "FIN-WAIT-1": TcpState.FIN_WAIT1,
    "FIN-WAIT-2": TcpState.FIN_WAIT2,
    "TIME-WAIT": TcpState.TIME_WAIT,
    "UNCONN": TcpState.CLOSE,
    "CLOSE-WAIT": TcpState.CLOSE_WAIT,
    "LAST-ACK": TcpState.LAST_ACK,
    "LISTEN": TcpState.LISTEN,
    "CLOSING": TcpState.CLOSING,
    "NEW-SYN-RECV": TcpState.NEW_SYN_RECV,
    "BOUND-INACTIVE": TcpState.BOUND_INACTIVE,
}
_TIMERS = {
    "on": SocketTimer.RTO,
    "keepalive": SocketTimer.KEEPALIVE,
    "timewait": SocketTimer.TIMEWAIT,
    "persist": SocketTimer.PROBE,
}
_USERS = re.compile(r'\busers:\((?:\("[^"]{0,64}",[^()]{1,250}\),?){1,100000}\)')
_USER = re.compile(r'\("([^"]{0,64})",(?:pid=)?(\d{1,10}),(?:\w{2,10}_ctx=[^,]{1,200},)?(?:fd=)?(\d{1,10})[,)]')
_TIMER = re.compile(r"\((\w+),(?:(\d{1,6})min)?(?:(\d{1,6})sec)?(?:(\d{1,6})\.)?(?:(\d{1,6})ms)?,(\d{1,6})\)")
_SHUTDOWN = {"<->": 0, "-->": 1, "<--": 2, "---": 3}
MOST = 1 << 18
"""Sockets that are read."""
_FOLLOWING = 16
"""Indented lines that are read of one socket; ss prints one."""


@dataclass(frozen=True, slots=True)
class SocketListing:
    """What one listing tells."""

    sockets: tuple[Socket, ...]
    by_name: int
    """Sockets that were passed over since their addresses or ports are names: ss was run without -n."""


def read_ss(lines: Iterable[str], netns: int = 0) -> SocketListing:
    """Every TCP socket; lines that are no socket are passed over.

    ``netns`` is what the sockets will bear: a listing does not tell its namespace. What ss leaves out where it is 0
    (retransmissions, bytes) is 0 here too; where a whole option of ss was not given, the field is None.
    """
    found: list[Socket] = []
    by_name = 0
    for row, details in itertools.islice(_rows(lines), MOST):
        if row["netid"] not in {None, "tcp"}:
            continue
        try:
            local, peer = _endpoint(row["local"]), _endpoint(row["peer"])
        except ValueError:
            by_name += 1
        else:
            found.append(_socket(row, local, peer, details, netns))
    return SocketListing(tuple(found), by_name)


def _rows(lines: Iterable[str]) -> Iterator[tuple[re.Match[str], str]]:
    """Each socket's first line, and all that follows it in indented lines joined to one."""
    row: re.Match[str] | None = None
    details: list[str] = []
    for line in lines:
        if line[:1] in {"\t", " "} and row is not None and not SS_HEADER.match(line.strip()):
            if len(details) < _FOLLOWING:
                details.append(line.strip())
            continue
        if row is not None:
            yield row, " ".join(details)
        row = SS_ROW.match(line)
        details = [row["rest"].strip()] if row else []
    if row is not None:
        yield row, " ".join(details)


def _socket(row: re.Match[str], local: Endpoint, peer: Endpoint, details: str, netns: int) -> Socket:
    six = ":" in local.address or row["local"].startswith("*")
    if six and peer.address == _ANY:
        peer = Endpoint("::", peer.port)
    users = _USERS.search(details) if "users:((" in details else None
    if users:
        details = f"{details[: users.start()]} {details[users.end() :]}"
    told = words_of(details)
    timer, milliseconds, retransmits = _timer(told.get("timer", ""))
    return Socket(
        netns=netns,
        family=10 if six else 2,
        state=_STATES[row["state"]],
        local=Endpoint("::", local.port) if row["local"].startswith("*") else local,
        peer=peer,
        inode=_number(told.get("ino")),
        cookie=_number(told.get("sk"), 16),
        uid=_number(told.get("uid")),
        recv_q=int(row["recv"]),
        send_q=int(row["send"]),
        timer=timer,
        timer_ms=milliseconds,
        retransmits=retransmits,
        holders=tuple(Holder(int(pid), int(fd), name) for name, pid, fd in _USER.findall(users[0])) if users else (),
        mark=_number(told["fwmark"], 16) if "fwmark" in told else None,
        shutdown=next((bits for word, bits in _SHUTDOWN.items() if word in told), None),
        congestion=next((word for word in told if word in CONGESTION), None),
        ulp=next((word.removeprefix("tcp-ulp-")[:16] for word in told if word.startswith("tcp-ulp-")), None),
        v6only=told["v6only"] == "1" if "v6only" in told else None,
        info=info_of(told),
        memory=memory_of(told.get("skmem", "")),
        md5_keys=told["md5keys"].count(",") + 1 if "md5keys" in told else 0,
    )


def _endpoint(text: str) -> Endpoint:
    """``10.0.0.1:22``, ``[::1]:22``, ``[fe80::1]%eth0:22``, ``*:22``, ``:::22`` (old). Raises ValueError for names."""
    host, _, port = text.rpartition(":")
    number = 0 if port == "*" else int(port) if port.isascii() and port.isdecimal() else -1
    if not 0 <= number < 1 << 16:
        raise ValueError(port)
    address = host.partition("%")[0].removeprefix("[").removesuffix("]")
    if address in {"*", ""}:
        return Endpoint(_ANY, number)
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        return Endpoint(socket.inet_ntop(family, socket.inet_pton(family, address)), number)
    except OSError as error:
        raise ValueError(address) from error


def _timer(text: str) -> tuple[SocketTimer, int, int]:
    """``(on,1min4.320ms,3)``: whole seconds stand before a dot or before ``sec`` (ss.c, print_ms_timer)."""
    match = _TIMER.match(text)
    if match is None:
        return SocketTimer.NONE, 0, 0
    minutes, seconds, dotted, thousandths = (int(part or 0) for part in match.groups()[1:5])
    return (
        _TIMERS.get(match[1], SocketTimer.NONE),
        (minutes * 60 + seconds + dotted) * 1000 + thousandths,
        int(match[6]),
    )


_ANY = "0.0.0.0"  # noqa: S104 - nothing is bound


def _number(text: str | None, base: int = 10) -> int:
    try:
        return int((text or "0")[:24], base)
    except ValueError:
        return 0
