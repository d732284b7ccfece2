"""Socket options and ioctls that Python's socket module does not name (include/uapi/linux/tcp.h, sockios.h)."""

TCP_REPAIR = 19
TCP_REPAIR_QUEUE = 20
TCP_QUEUE_SEQ = 21
TCP_REPAIR_OPTIONS = 22
TCP_TIMESTAMP = 24
TCP_REPAIR_WINDOW = 29
TCP_ULP = 31

REPAIR_ON = 1
REPAIR_OFF = 0
"""Sends a window probe: a bare ACK with sequence number snd_una - 1."""
REPAIR_OFF_SILENT = -1
"""Sends nothing (Linux >= 4.19)."""

NO_QUEUE = 0
RECEIVE_QUEUE = 1
SEND_QUEUE = 2

OPTION_MSS = 2
OPTION_WINDOW = 3
OPTION_SACK_PERMITTED = 4
OPTION_TIMESTAMP = 8
"""TCPOPT_* (include/net/tcp.h), for TCP_REPAIR_OPTIONS."""
HAS_TIMESTAMPS = 1
HAS_SACK = 2
HAS_WINDOW_SCALE = 4
"""TCPI_OPT_* bits of ``tcp_info.tcpi_options``."""

SIOCINQ = 0x541B
"""Bytes received and not read, without a FIN."""
SIOCOUTQ = 0x5411
"""Bytes not acknowledged; an own FIN counts as one."""
SIOCOUTQNSD = 0x894B
"""Bytes never sent; an own FIN counts as one."""

SO_SNDBUFFORCE = 32
SO_RCVBUFFORCE = 33
"""Beyond the limits of net.core.[rw]mem_max, with CAP_NET_ADMIN."""
SO_MARK = 36
SO_PEEK_OFF = 42
SO_COOKIE = 57
SO_BUF_LOCK = 72

MARK = 0xC114
"""Firewall mark of packets that pass every lock of CRIU's form (criu/include/netfilter.h: SOCCR_MARK)."""
