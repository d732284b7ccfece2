"""/proc/PID/status: what /proc/PID/stat does not tell (proc_pid_status(5))."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ProcessStatus:
    uids: tuple[int, int, int, int]
    """Real, effective, saved and file system uid."""
    inner_sid: int | None
    """Session id in the process's own pid namespace; 0 if the leader is not in it; absent before Linux 4.1."""


def parse_status(status: bytes) -> ProcessStatus | None:
    r"""Example: ``Uid:\t0\t0\t0\t0\n`` ... ``NSsid:\t4645\t1\n``; None without the user ids."""
    uids = inner_sid = None
    for line in status.splitlines():
        name, _, rest = line.partition(b":")
        if name not in {b"Uid", b"NSsid"}:
            continue
        numbers = rest.split()
        if not numbers or not all(number.isdigit() for number in numbers):
            continue
        if name == b"NSsid":
            inner_sid = int(numbers[-1])
        elif len(numbers) == 4:
            real, effective, saved, file_system = map(int, numbers)
            uids = real, effective, saved, file_system
    return None if uids is None else ProcessStatus(uids, inner_sid)
