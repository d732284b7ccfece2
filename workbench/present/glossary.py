"""What each number and word on the screens means: asked for by key, shown as help of a column."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Meaning:
    """One entry; ``source`` says where a reader can check it."""

    name: str
    text: str
    source: str = ""


GLOSSARY: dict[str, Meaning] = {
    "lock": Meaning(
        "LOCK",
        "A network lock of CRIU holds this connection back. held: an operation at work needs it. needed: the "
        "process is dumped and the lock keeps its peer from being reset. LEAK: the socket lives, nobody works on "
        "it, the connection is dead until the lock is lifted. STUCK: the socket is still in repair mode. HALF: "
        "one direction only. orphan: nothing belongs to it any more. unclear: something that would tell could not"
        " be read.",
        "criu/netfilter.c, criu/net.c",
    ),
    "finding": Meaning(
        "!",
        "Before a row: a finding of the checks concerns it. The detail says which, and 6 shows all of them. /! shows "
        "only such rows.",
    ),
    "severity": Meaning(
        "HOW BAD",
        "error: a dump or restore failed or will fail, or a connection is or will be lost. warning: may. note: worth "
        "knowing, or it follows from another finding.",
    ),
    "code": Meaning("CODE", "The check that found it; `workbench explain CODE` prints its page too."),
    "follows": Meaning("+", "How many findings merely follow from this one; f shows them."),
    "about": Meaning("ABOUT", "What it is about: a lock, a socket, a process, images, the host."),
    "message": Meaning("WHAT IS WRONG", "What was found, in a sentence; the detail says what to do."),
    "state": Meaning(
        "STATE",
        "State of the connection as the kernel has it; ! marks a lock. The detail gives its full name.",
        "RFC 9293 3.3.2",
    ),
    "netns": Meaning(
        "NETNS",
        "Network namespace: its name under /run/netns, host for our own, else its inode.",
        "network_namespaces(7)",
    ),
    "local": Meaning("LOCAL", "Address and port of this end."),
    "peer": Meaning("PEER", "Address and port of the other end. A peer on the same host has a row of its own."),
    "recv_q": Meaning(
        "RCVQ",
        "Bytes received in order and not yet read by the program (a received FIN counts as one). Listening: "
        "connections that wait to be accepted; CRIU refuses to dump those.",
        "ss(8); SIOCINQ in tcp(7)",
    ),
    "send_q": Meaning(
        "SNDQ",
        "Bytes written by the program and not acknowledged: in flight and unsent (a FIN counts as one). "
        "Listening: how many may wait to be accepted. Yellow: it does not move.",
        "ss(8); SIOCOUTQ in tcp(7)",
    ),
    "timer": Meaning(
        "TIMER",
        "The timer that runs and what is left of it; xN: it has fired N times without an answer, each time it "
        "waits twice as long. rto retransmission, probe zero-window probe, keep keepalive, tw end of TIME_WAIT.",
        "RFC 6298; idiag_timer in sock_diag(7)",
    ),
    "in_flight": Meaning("FLIGHT", "Bytes sent and not acknowledged: snd_nxt - snd_una.", "RFC 9293 3.3.1"),
    "snd_wnd": Meaning(
        "WINDOW",
        "Bytes that the peer allows us beyond what it acknowledged; 0: it takes nothing now.",
        "SND.WND, RFC 9293",
    ),
    "rcv_wnd": Meaning(
        "receive window", "Bytes that we allow the peer beyond what we acknowledged.", "RCV.WND, RFC 9293"
    ),
    "rtt": Meaning("RTT", "Smoothed time from a segment to its acknowledgement.", "tcpi_rtt; RFC 6298"),
    "cwnd": Meaning("CWND", "Congestion window: segments that may be in flight at once.", "tcpi_snd_cwnd; RFC 5681"),
    "idle": Meaning(
        "SILENT", "Time since data last went in either direction.", "tcpi_last_data_sent, tcpi_last_data_recv"
    ),
    "process": Meaning("PROCESS", "Name and pid of the process that has the socket open; +N: N more have it open too."),
    "snd_una": Meaning("snd_una", "First byte that we sent and the peer has not acknowledged.", "SND.UNA, RFC 9293"),
    "snd_nxt": Meaning("snd_nxt", "Next byte to send, as bytes after snd_una.", "SND.NXT, RFC 9293"),
    "write_seq": Meaning(
        "write_seq", "End of what the program has written, as bytes after snd_una.", "struct tcp_sock"
    ),
    "copied_seq": Meaning("copied_seq", "Next byte that the program will read.", "struct tcp_sock"),
    "rcv_nxt": Meaning("rcv_nxt", "Next byte expected from the peer, as bytes after copied_seq.", "RCV.NXT, RFC 9293"),
    "repair": Meaning(
        "repair",
        "TCP_REPAIR: the socket is taken out of the protocol so that its state can be read or set.",
        "tcp(7), CRIU",
    ),
    "gives_up": Meaning(
        "gives up",
        "When this end ends the connection by itself if nothing more comes: for data TCP_USER_TIMEOUT, else what "
        "tcp_retries2 stands for, from the first retransmission on. A range: kernel timers fire somewhat late, and on "
        "the edge it is one time-out more or less. The detail says by which rule.",
        "net/ipv4/tcp_timer.c, kernel/time/timer.c",
    ),
    "window_edge": Meaning(
        "window ... up to",
        "The right edge of a window: may send: snd_una + what the peer announced; may come: rcv_wup + what we did. "
        "16 bits go over the wire, which are shifted by a scale that both ends agreed on.",
        "RFC 9293 3.3.1, RFC 7323 2.2",
    ),
    "usable": Meaning("usable", "What is left of a window: its edge less snd_nxt or rcv_nxt.", "RFC 9293 3.8.6.2"),
    "clocks": Meaning(
        "clocks",
        "Timestamps: ours is the kernel's millisecond clock and an offset that hides it; the peer's last one in order "
        "is what segments of its past are told by (PAWS). A restore sets the offset so that ours goes on.",
        "RFC 7323; tsoffset, ts_recent of struct tcp_sock",
    ),
    "pid": Meaning("PID", "Process id in our pid namespace. A pid alone is no identity: it may be used again."),
    "name": Meaning("NAME", "Name of the process, at most 15 bytes.", "comm in proc_pid_comm(5)"),
    "process_state": Meaning(
        "S", "R running, S sleeping, D uninterruptible, T stopped, t traced, Z zombie.", "proc_pid_stat(5)"
    ),
    "user": Meaning("USER", "Real user of the process."),
    "connections": Meaning("CONN", "TCP sockets with a peer: what a dump must lock and keep, or close."),
    "listening": Meaning("LISTEN", "Listening TCP sockets."),
    "locked": Meaning("LOCKED", "How many of its sockets a lock of CRIU holds back."),
    "rss": Meaning("MEMORY", "Resident memory: roughly what its images will take.", "proc_pid_status(5)"),
    "age": Meaning(
        "AGE",
        "Of a process: since it started. Of images: since they were written. Of a lock: of its images; the kernel"
        " keeps none.",
    ),
    "container": Meaning("CONTAINER", "The container that its control group names."),
    "command": Meaning("COMMAND", "Arguments as the process shows them; a name in brackets where it shows none."),
    "backend": Meaning(
        "BACKEND", "Who made the rule: iptables-legacy, iptables-nft (iptables over nftables) or nftables."
    ),
    "table": Meaning(
        "TABLE", "Netfilter table. CRIU's own nftables tables are called CRIU- and the start of its run id."
    ),
    "chain": Meaning("CHAIN", "Chain of the rule; of a lock: the directions that it holds back."),
    "packets": Meaning(
        "PKTS", "Packets that the rule has seen: of a lock, held back. CRIU's nftables locks count none."
    ),
    "owner": Meaning("OWNER", "Process whose connections the lock holds back, living or dumped."),
    "rule": Meaning("RULE", "The rule as its own tool lists it; of a lock, the connections."),
    "image_state": Meaning(
        "IMAGES",
        "waiting: complete, its process is gone. runs on: complete, and the process still lives. restored: a "
        "restore has written its numbers beside them. damaged: something is missing. broken: the dump did not "
        "end.",
    ),
    "queued": Meaning("QUEUED", "Bytes of both queues of all its connections: unread, unacknowledged, unsent."),
    "lock_method": Meaning(
        "LOCK", "How the dump locked its connections; the restore unlocks the same way.", "inventory.img"
    ),
    "size": Meaning("SIZE", "Size of all images."),
    "path": Meaning("DIRECTORY", "The image directory."),
    "at": Meaning("TIME", "Time of day here; events of all sources are on one clock (CLOCK_MONOTONIC)."),
    "ends": Meaning("CONNECTION", "This end > the other end, as the namespace of the row sees them."),
    "event": Meaning(
        "EVENT",
        "What happened. = before it: what was found out about the events above, as who reset the connection and why. "
        "lost: the kernel had no room for records. left out: seen, but too many to show one by one.",
        "docs/timeline.md",
    ),
    "doer": Meaning("PROCESS", "Who did it, where that has a meaning; else who owns the socket."),
    "frozen": Meaning("frozen", "Time for which every process of the tree was stopped.", "stats-dump"),
}
"""By the key of a column or the name of a field."""

DETAIL_TERMS = {
    "connections": (
        "finding",
        "snd_una",
        "snd_nxt",
        "write_seq",
        "copied_seq",
        "rcv_nxt",
        "rcv_wnd",
        "window_edge",
        "usable",
        "clocks",
        "repair",
        "gives_up",
    ),
    "processes": ("finding",),
    "netfilter": ("finding",),
    "timeline": (),
    "findings": (),
    "checkpoints": ("finding", "snd_una", "rcv_nxt", "frozen"),
    "operation": ("snd_una", "snd_nxt", "write_seq", "copied_seq", "rcv_nxt", "repair", "gives_up", "frozen", "lock"),
}
"""Words of each screen's detail beyond its columns."""
