"""A /proc of our own: as much of it as the collectors read."""

from pathlib import Path

STATUS = "Name:\tx\nUid:\t{0}\t{0}\t{0}\t{0}\nNSsid:\t{1}\n"


class FakeProc:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("self/mountinfo", "25 1 0:22 / /proc rw - proc proc rw\n")
        self.link("self/ns/net", "net:[1]")

    def write(self, path: str, content: str | bytes) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)

    def link(self, path: str, target: str) -> None:
        link = self.root / path
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)
        link.symlink_to(target)

    def process(
        self, pid: int, command: str = "server", ppid: int = 1, *, uid: int = 0, net: int = 1, start: int = 100,
        sid: int | None = None,
    ) -> None:  # fmt: skip
        sid = pid if sid is None else sid
        # proc_pid_stat(5): 9 to 17 are of no interest, then priority, nice, threads, 0, start, size, resident pages
        numbers = f"{ppid} {pid} {sid} 34816 -1 {'0 ' * 9}20 0 4 0 {start} 4096000 250 0"
        self.write(f"{pid}/stat", f"{pid} ({command}) S {numbers}\n")
        self.write(f"{pid}/comm", f"{command}\n")
        self.write(f"{pid}/status", STATUS.format(uid, sid))
        self.write(f"{pid}/cmdline", f"/usr/bin/{command}\0--port\x007022\0")
        self.write(f"{pid}/cgroup", "0::/system.slice/server.service\n")
        self.link(f"{pid}/exe", f"/usr/bin/{command}")
        self.link(f"{pid}/ns/net", f"net:[{net}]")
        (self.root / str(pid) / "fd").mkdir(exist_ok=True)

    def descriptor(self, pid: int, fd: int, target: str, info: str = "pos:\t0\nflags:\t0100002\n") -> None:
        self.link(f"{pid}/fd/{fd}", target)
        self.write(f"{pid}/fdinfo/{fd}", info)
