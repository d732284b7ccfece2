"""/proc/PID/stat: the one file that says who a process is (proc_pid_stat(5))."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProcessStat:
    command: str
    """comm, at most 15 bytes, hostile: it may hold spaces and parentheses."""
    state: str
    ppid: int
    pgid: int
    sid: int
    tty_nr: int
    threads: int
    start_time: int
    """Clock ticks after boot."""
    rss_pages: int

    @property
    def identity(self) -> tuple[int, str]:
        """What changes when a pid is used anew, or its program replaced."""
        return self.start_time, self.command


def parse_stat(data: bytes) -> ProcessStat | None:
    """Example: ``4645 (server) S 1 4645 4645 0 -1 4194560 ...``; None if it is cut short."""
    opening, closing = data.find(b"("), data.rfind(b")")
    fields = data[closing + 1 :].split()
    if opening < 0 or closing < opening or len(fields) < 22:
        return None
    command = data[opening + 1 : closing].decode(errors="surrogateescape")
    try:
        ppid, pgid, sid, tty_nr = (int(field) for field in fields[1:5])
        return ProcessStat(
            command,
            fields[0].decode("ascii"),
            ppid,
            pgid,
            sid,
            tty_nr,
            int(fields[17]),
            int(fields[19]),
            int(fields[21]),
        )
    except ValueError:
        return None
