"""What ``ss -tanpeimo`` prints (iproute2, misc/ss.c), with any of its columns left out, in the words of any version."""

import ipaddress
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from workbench.evidence import Endpoint, Holder, Socket, SocketTimer, TcpState
from workbench.read.ss_details import congestion_of, info_of, memory_of

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
# State, Recv-Q, Send-Q, local, peer; "tcp" before them where other protocols were listed, too
_ROW = re.compile(
    rf"(?:(?P<netid>[a-z_]{{2,8}}) +)?(?P<state>{'|'.join(_STATES)}) +(?P<recv>\d{{1,10}}) +(?P<send>\d{{1,10}}) +"
    r"(?P<local>\S{1,100}) +(?P<peer>\S{1,100})(?P<rest>(?:\s.*)?)$"
)
_HEADER = re.compile(r"(?:Netid +)?State +Recv-Q +Send-Q +Local Address:Port +Peer Address:Port")
_USER = re.compile(r'\("([^"]{0,64})",(?:pid=)?(\d{1,10}),(?:\w{2,10}_ctx=[^,]{1,200},)?(?:fd=)?(\d{1,10})[,)]')
_TIMER = re.compile(r"\btimer:\((\w+),(?:(\d{1,6})min)?(?:(\d{1,6})sec)?(?:(\d{1,6})\.)?(?:(\d{1,6})ms)?,(\d{1,6})\)")
_FIELD = re.compile(r"(?:^|\s)(ino|sk|uid|fwmark|v6only|md5keys):(\S{1,100})")
_SHUTDOWN = re.compile(r"(?:^|\s)([<-])-([->])(?:\s|$)")
_ULP = re.compile(r"\btcp-ulp-(\w{1,16})")
_FOLLOWING = 16
"""Indented lines that are read of one socket; ss prints one."""


@dataclass(frozen=True, slots=True)
class SocketListing:
    """What one listing tells."""

    sockets: tuple[Socket, ...]
    by_name: int
    """Sockets that were passed over since their addresses or ports are names: ss was run without -n."""


def is_ss_line(line: str) -> bool:
    """Whether the line is ss's heading or a TCP socket as ss prints it."""
    if _HEADER.match(line):
        return True
    row = _ROW.match(line)
    return row is not None and row["netid"] in {None, "tcp"}


def read_ss(lines: Iterable[str], netns: int = 0) -> SocketListing:
    """Every TCP socket; lines that are no socket are passed over.

    ``netns`` is what the sockets will bear: a listing does not tell its namespace. What ss leaves out where it is 0
    (retransmissions, bytes) is 0 here too; where a whole option of ss was not given, the field is None.
    """
    found: list[Socket] = []
    by_name = 0
    for row, details in _rows(lines):
        if row["netid"] not in {None, "tcp"}:
            continue
        try:
            found.append(_socket(row, details, netns))
        except ValueError:
            by_name += 1
    return SocketListing(tuple(found), by_name)


def _rows(lines: Iterable[str]) -> Iterator[tuple[re.Match[str], str]]:
    """Each socket's first line, and all that follows it in indented lines joined to one."""
    row: re.Match[str] | None = None
    details: list[str] = []
    for line in lines:
        if line[:1] in {"\t", " "} and row is not None and not _HEADER.match(line.strip()):
            if len(details) < _FOLLOWING:
                details.append(line.strip())
            continue
        if row is not None:
            yield row, " ".join(details)
        row = _ROW.match(line)
        details = [row["rest"].strip()] if row else []
    if row is not None:
        yield row, " ".join(details)


def _socket(row: re.Match[str], details: str, netns: int) -> Socket:
    state = _STATES[row["state"]]
    local, peer = _endpoint(row["local"]), _endpoint(row["peer"])
    six = ":" in local.address or row["local"].startswith("*")
    if six and ":" not in peer.address:
        peer = Endpoint("::", peer.port) if peer.address == "0.0.0.0" else peer  # noqa: S104 - nothing is bound
    fields = dict(_FIELD.findall(details))
    timer, milliseconds, retransmits = _timer(details)
    shut = _SHUTDOWN.search(details)
    ulp = _ULP.search(details)
    return Socket(
        netns=netns,
        family=10 if six else 2,
        state=state,
        local=Endpoint("::", local.port) if row["local"].startswith("*") else local,
        peer=peer,
        inode=_number(fields.get("ino")),
        cookie=_number(fields.get("sk"), 16),
        uid=_number(fields.get("uid")),
        recv_q=int(row["recv"]),
        send_q=int(row["send"]),
        timer=timer,
        timer_ms=milliseconds,
        retransmits=retransmits,
        holders=tuple(Holder(int(pid), int(fd), name) for name, pid, fd in _USER.findall(details)),
        mark=_number(fields.get("fwmark"), 16) if "fwmark" in fields else None,
        shutdown=((shut[1] == "-") | ((shut[2] == "-") << 1)) if shut else None,
        congestion=congestion_of(details),
        ulp=ulp[1] if ulp else None,
        v6only=fields["v6only"] == "1" if "v6only" in fields else None,
        info=info_of(details),
        memory=memory_of(details),
        md5_keys=fields["md5keys"].count(",") + 1 if "md5keys" in fields else 0,
    )


def _endpoint(text: str) -> Endpoint:
    """``10.0.0.1:22``, ``[::1]:22``, ``[fe80::1]%eth0:22``, ``*:22``, ``:::22`` (old). Raises ValueError for names."""
    host, _, port = text.rpartition(":")
    number = 0 if port == "*" else int(port) if port.isascii() and port.isdecimal() else -1
    if not 0 <= number < 1 << 16:
        raise ValueError(port)
    address = host.partition("%")[0].removeprefix("[").removesuffix("]")
    if address in {"*", ""}:
        return Endpoint("0.0.0.0", number)  # noqa: S104 - nothing is bound
    return Endpoint(_normal(address), number)


def _normal(address: str) -> str:
    """As the kernel's inet_ntop writes it. Raises ValueError."""
    parsed = ipaddress.ip_address(address)
    mapped = getattr(parsed, "ipv4_mapped", None)
    return f"::ffff:{mapped}" if mapped else str(parsed)


def _timer(details: str) -> tuple[SocketTimer, int, int]:
    """``timer:(on,1min4.320ms,3)``: whole seconds stand before a dot or before ``sec`` (ss.c, print_ms_timer)."""
    match = _TIMER.search(details)
    if match is None:
        return SocketTimer.NONE, 0, 0
    minutes, seconds, dotted, thousandths = (int(part or 0) for part in match.groups()[1:5])
    return (
        _TIMERS.get(match[1], SocketTimer.NONE),
        (minutes * 60 + seconds + dotted) * 1000 + thousandths,
        int(match[6]),
    )


def _number(text: str | None, base: int = 10) -> int:
    try:
        return int((text or "0")[:24], base)
    except ValueError:
        return 0
