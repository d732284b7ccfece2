"""By what the outputs of other tools, and files of our own, are known; what reads them is loaded when it is needed."""

import re

SS_STATES = (
    "ESTAB", "SYN-SENT", "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2", "TIME-WAIT", "UNCONN", "CLOSE-WAIT", "LAST-ACK",
    "LISTEN", "CLOSING", "NEW-SYN-RECV", "BOUND-INACTIVE",
)  # fmt: skip
"""As ss calls them."""
# State, Recv-Q, Send-Q, local, peer; "tcp" before them where other protocols were listed, too
SS_ROW = re.compile(
    rf"(?:(?P<netid>[a-z_]{{2,8}}) +)?(?P<state>{'|'.join(SS_STATES)}) +(?P<recv>\d{{1,10}}) +(?P<send>\d{{1,10}}) +"
    r"(?P<local>\S{1,100}) +(?P<peer>\S{1,100})(?P<rest>(?:\s.*)?)$"
)
SS_HEADER = re.compile(r"(?:Netid +)?State +Recv-Q +Send-Q +Local Address:Port +Peer Address:Port")
_CONNTRACK = re.compile(r"\s*(?:ipv[46]\s+\d{1,3}\s+)?\w{2,12}\s+\d{1,3}\s.{0,200}?\bsrc=\S+\s+dst=\S+")
STATE_MAGIC = b"tcp-connection "


def is_ss_line(line: str) -> bool:
    """Whether the line is ss's heading or a TCP socket as ss prints it."""
    if SS_HEADER.match(line):
        return True
    row = SS_ROW.match(line)
    return row is not None and row["netid"] in {None, "tcp"}


def is_conntrack_line(line: str) -> bool:
    """Whether the line is an entry, of whatever protocol, as conntrack(8) prints it."""
    return _CONNTRACK.match(line[:500]) is not None or line.startswith("<conntrack>")


def is_state(head: bytes) -> bool:
    """Whether a file that begins so holds the state of a connection."""
    return head.startswith(STATE_MAGIC)
