"""The settings of the kernel that decide how long a connection lives and what a restore may do."""

from collections.abc import Sequence
from pathlib import Path

from workbench.collect import procfs
from workbench.collect.namespaces import inside
from workbench.evidence import Gap, NetworkNamespace, Sysctl

OF_NAMESPACE = (
    "net.core.somaxconn",
    "net.ipv4.ip_forward",
    "net.ipv4.ip_local_port_range",
    "net.ipv4.ip_nonlocal_bind",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_ecn",
    "net.ipv4.tcp_fin_timeout",
    "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
    "net.ipv4.tcp_keepalive_time",
    "net.ipv4.tcp_max_tw_buckets",
    "net.ipv4.tcp_migrate_req",
    "net.ipv4.tcp_orphan_retries",
    "net.ipv4.tcp_retries1",
    "net.ipv4.tcp_retries2",
    "net.ipv4.tcp_rfc1337",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_rto_max_ms",
    "net.ipv4.tcp_rto_min_us",
    "net.ipv4.tcp_sack",
    "net.ipv4.tcp_shrink_window",
    "net.ipv4.tcp_syn_linear_timeouts",
    "net.ipv4.tcp_syn_retries",
    "net.ipv4.tcp_synack_retries",
    "net.ipv4.tcp_thin_linear_timeouts",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tw_reuse",
    "net.ipv4.tcp_window_scaling",
    "net.ipv4.tcp_wmem",
    "net.ipv4.conf.all.arp_notify",
    "net.ipv4.conf.all.rp_filter",
    "net.ipv6.bindv6only",
    "net.ipv6.conf.all.disable_ipv6",
    "net.ipv6.ip_nonlocal_bind",
    "net.mptcp.enabled",
    "net.netfilter.nf_conntrack_tcp_be_liberal",
    "net.netfilter.nf_conntrack_tcp_loose",
    "net.netfilter.nf_conntrack_tcp_timeout_established",
    "net.netfilter.nf_conntrack_tcp_timeout_unacknowledged",
)
"""One value in each network namespace."""
OF_HOST = (
    "kernel.io_uring_disabled",
    "kernel.pid_max",
    "kernel.yama.ptrace_scope",
    "net.core.rmem_max",
    "net.core.wmem_max",
    "net.ipv4.tcp_max_orphans",
    "net.ipv4.tcp_mem",
    "net.netfilter.nf_conntrack_max",
    "vm.overcommit_memory",
)
"""One value for the whole machine."""


def read_sysctls(names: Sequence[str], netns: int | None, root: Path) -> tuple[Sysctl, ...]:
    """Those of ``names`` that this kernel has; ``net.`` ones belong to the namespace of the calling thread."""
    found = ((name, procfs.read(root / name.replace(".", "/"))) for name in names)
    return tuple(
        Sysctl(netns, name, " ".join(value.decode(errors="surrogateescape").split()))
        for name, value in found
        if value is not None
    )


def collect_sysctls(
    namespaces: Sequence[NetworkNamespace], root: Path = procfs.PROC / "sys"
) -> tuple[tuple[Sysctl, ...] | Gap, tuple[Gap, ...]]:
    """Those of the machine, then those of each namespace, and a gap for each that cannot be entered."""
    found = list(read_sysctls(OF_HOST, None, root))
    gaps: list[Gap] = []
    for namespace in namespaces:
        inode = namespace.inode

        def read(inode: int = inode) -> tuple[Sysctl, ...]:
            return read_sysctls(OF_NAMESPACE, inode, root)

        try:
            found += inside(namespace.path, read)
        except OSError as error:
            remedy = "run as root" if isinstance(error, PermissionError) else ""
            gaps.append(Gap("sysctls", f"sysctls of {namespace.path}: {error.strerror or error}", remedy, inode))
    if not found:
        return Gap("sysctls", "/proc/sys is not readable", "mount proc on /proc"), ()
    return tuple(found), tuple(gaps)
