import os
import platform
from pathlib import Path

import pytest

from workbench.collect.kernel import collect_features, collect_host, parse_capabilities
from workbench.collect.sysctls import OF_HOST, OF_NAMESPACE, collect_sysctls
from workbench.evidence import Gap, NetworkNamespace, Sysctl


def test_capabilities_by_name() -> None:
    assert parse_capabilities(b"CapEff:\t0000000000000000\n") == frozenset()
    assert parse_capabilities(b"CapPrm:\tffff\nCapEff:\t0000018000201001\n") == {
        "CAP_CHOWN", "CAP_NET_ADMIN", "CAP_SYS_ADMIN", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
    }  # fmt: skip
    assert parse_capabilities(b"") == frozenset()


def test_this_host() -> None:
    host = collect_host()
    assert (host.kernel_release, host.uid) == (platform.release(), os.geteuid())
    assert len(host.boot_id) == 36
    assert host.clock_ticks > 0
    assert host.uptime_s > 0


@pytest.mark.root
def test_repair_can_be_tried_and_nothing_is_left_of_it() -> None:
    before = set(Path("/proc/self/fd").iterdir())
    features = collect_features()
    assert features["tcp_repair"] is True
    assert set(Path("/proc/self/fd").iterdir()) == before


def sysctl(root: Path, name: str, value: str) -> None:
    file = root / name.replace(".", "/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(value)


def test_those_that_this_kernel_has(tmp_path: Path) -> None:
    sysctl(tmp_path, "kernel.pid_max", "32768\n")
    sysctl(tmp_path, "net.ipv4.tcp_retries2", "15\n")
    sysctl(tmp_path, "net.ipv4.tcp_rmem", "4096\t131072\t33554432\n")
    found, gaps = collect_sysctls([NetworkNamespace(9, "/proc/self/ns/net", is_host=True)], tmp_path)
    assert found == (
        Sysctl(None, "kernel.pid_max", "32768"),
        Sysctl(9, "net.ipv4.tcp_retries2", "15"),
        Sysctl(9, "net.ipv4.tcp_rmem", "4096 131072 33554432"),
    )
    assert gaps == ()


def test_a_namespace_that_is_gone_is_a_gap(tmp_path: Path) -> None:
    sysctl(tmp_path, "kernel.pid_max", "1")
    _, (gap,) = collect_sysctls([NetworkNamespace(9, str(tmp_path / "gone"))], tmp_path)
    assert (gap.section, gap.netns) == ("sysctls", 9)


def test_without_proc_there_is_a_gap(tmp_path: Path) -> None:
    found, _ = collect_sysctls([], tmp_path)
    assert isinstance(found, Gap)


def test_no_name_stands_in_both_lists() -> None:
    assert set(OF_HOST).isdisjoint(OF_NAMESPACE)
