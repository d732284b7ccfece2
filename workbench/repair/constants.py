"""Socket options and ioctls that Python's socket module does not name (include/uapi/linux/tcp.h, sockios.h)."""

TCP_REPAIR = 19
TCP_REPAIR_QUEUE = 20
TCP_QUEUE_SEQ = 21
TCP_TIMESTAMP = 24
TCP_REPAIR_WINDOW = 29

REPAIR_ON = 1
REPAIR_OFF = 0
"""Sends a window probe: a bare ACK with sequence number snd_una - 1."""
REPAIR_OFF_SILENT = -1
"""Sends nothing (Linux >= 4.19)."""

RECEIVE_QUEUE = 1
SEND_QUEUE = 2

SIOCINQ = 0x541B
"""Bytes received and not read, without a FIN."""
SIOCOUTQ = 0x5411
"""Bytes not acknowledged; an own FIN counts as one."""
SIOCOUTQNSD = 0x894B
"""Bytes never sent; an own FIN counts as one."""

SO_PEEK_OFF = 42
SO_COOKIE = 57
SO_BUF_LOCK = 72
