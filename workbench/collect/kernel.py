"""The machine and its kernel, and what that kernel can do: found by trying, on objects of our own."""

import os
import platform
import shutil
import socket
from collections.abc import Callable
from pathlib import Path

from workbench.collect import procfs
from workbench.evidence import CriuTool, Host

_TCP_REPAIR, _TCP_REPAIR_WINDOW, _SO_BUF_LOCK = 19, 29, 72
_CAPABILITIES = (
    "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP",
    "LINUX_IMMUTABLE", "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER",
    "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE", "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE",
    "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE", "AUDIT_CONTROL", "SETFCAP",
    "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF",
    "CHECKPOINT_RESTORE",
)  # fmt: skip
"""By bit (include/uapi/linux/capability.h)."""


def parse_capabilities(status: bytes) -> frozenset[str]:
    r"""Names of the effective capabilities in /proc/PID/status (``CapEff:\t000001fffeffffff``)."""
    for line in status.splitlines():
        if line.startswith(b"CapEff:"):
            mask = int(line.split()[1], 16)
            return frozenset(f"CAP_{name}" for bit, name in enumerate(_CAPABILITIES) if mask >> bit & 1)
    return frozenset()


def collect_host(criu: CriuTool | None = None, proc: Path = procfs.PROC) -> Host:
    """The host as it is now; ``criu`` is handed through."""
    uptime = (procfs.read(proc / "uptime") or b"0").split()
    return Host(
        hostname=platform.node(),
        kernel_release=platform.release(),
        boot_id=(procfs.read(proc / "sys/kernel/random/boot_id") or b"").decode("ascii", "replace").strip(),
        clock_ticks=os.sysconf("SC_CLK_TCK"),
        uptime_s=float(uptime[0]),
        uid=os.geteuid(),
        workbench_pid=os.getpid(),
        capabilities=parse_capabilities(procfs.read(proc / "self/status") or b""),
        criu=criu,
        features=collect_features(proc),
    )


def collect_features(proc: Path = procfs.PROC) -> dict[str, bool]:
    """What works here, by name; a feature that cannot be told without changing the host is left out.

    Sockets are made and closed, never connected. Nothing is asked of netfilter, as that would load its modules.
    """
    features = {
        "tcp_repair": _sets(_TCP_REPAIR),
        "tcp_repair_window": _repair_window(),
        "sockopt_buf_lock": _gets(socket.SOL_SOCKET, _SO_BUF_LOCK),
        "btf": os.access("/sys/kernel/btf/vmlinux", os.R_OK),
        "time_namespaces": (proc / "self/ns/time").is_symlink(),
        "fd_count": Path(proc / "self/fd").stat().st_size > 0 if (proc / "self/fd").exists() else False,
        "drops_beyond_window": b" BeyondWindow" in (procfs.read(proc / "net/netstat") or b""),
        "mptcp": (proc / "sys/net/mptcp/enabled").exists(),
        "conntrack": (proc / "sys/net/netfilter/nf_conntrack_max").exists(),
        "iptables_legacy": (proc / "net/ip_tables_names").exists(),
    }
    path = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"  # cron and services lack them
    features |= {tool: shutil.which(tool, path=path) is not None for tool in ("nft", "iptables", "ip6tables")}
    if meant := shutil.which("iptables", path=path):
        features["iptables_is_nft"] = "nft" in Path(meant).resolve().name
    return features


def _with_socket(question: Callable[[socket.socket], object]) -> bool:
    """Whether the kernel answers ``question`` about a fresh TCP socket."""
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as fresh:
            question(fresh)
    except OSError:
        return False
    return True


def _sets(option: int) -> bool:
    return _with_socket(lambda fresh: fresh.setsockopt(socket.IPPROTO_TCP, option, 1))


def _gets(level: int, option: int) -> bool:
    return _with_socket(lambda fresh: fresh.getsockopt(level, option))


def _repair_window() -> bool:
    def ask(fresh: socket.socket) -> None:
        fresh.setsockopt(socket.IPPROTO_TCP, _TCP_REPAIR, 1)
        fresh.getsockopt(socket.IPPROTO_TCP, _TCP_REPAIR_WINDOW, 20)

    return _with_socket(ask)
