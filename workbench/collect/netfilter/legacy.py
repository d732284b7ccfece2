"""iptables-legacy rules of one network namespace."""

import ctypes
import os
import shutil
import socket
import struct
import subprocess
from pathlib import Path

from workbench.collect.netfilter.libnftables import SEARCH_PATH
from workbench.collect.procfs import PROC, read
from workbench.errors import WorkbenchError
from workbench.evidence import Backend, Rule
from workbench.read.iptables_save import read_iptables_save

_TIMEOUT_S = 30
_FAMILIES = (
    ("ip", "ip_tables_names", "iptables-legacy-save", socket.AF_INET, socket.IPPROTO_IP),
    ("ip6", "ip6_tables_names", "ip6tables-legacy-save", socket.AF_INET6, socket.IPPROTO_IPV6),
)
_GET_INFO, _GET_ENTRIES = 64, 65
"""IPT_SO_GET_INFO and IPT_SO_GET_ENTRIES, include/uapi/linux/netfilter_ipv4/ip_tables.h; the same for IPv6."""
_INFO_BYTES = 84
"""struct ipt_getinfo; the size of all entries is its last field."""
_ENTRIES_OFFSET = 40
"""struct ipt_get_entries: name, size, padding, entries."""

Tables = tuple[tuple[str, str, bytes], ...]
"""Family, table and the kernel's own entries with their counters: equal entries list equally."""


def read_tables(proc: Path = PROC) -> Tables:
    """The tables that exist in the namespace of the calling thread, in the kernel's binary form.

    Looking at a table would make it, so the names of those that are there are asked for first.
    Raises OSError if it is refused (CAP_NET_ADMIN).
    """
    found: list[tuple[str, str, bytes]] = []
    for family, names, _, domain, level in _FAMILIES:
        tables = (read(proc / "thread-self/net" / names) or b"").decode().split()
        if tables:
            with socket.socket(domain, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as asked:
                found.extend((family, table, _entries(asked, level, table)) for table in sorted(tables))
    return tuple(found)


def list_tables(netns: int, tables: Tables) -> tuple[Rule, ...]:
    """Every rule of those tables, by a run of iptables-legacy-save within the namespace of the calling thread.

    Raises WorkbenchError if that program is missing or fails.
    """
    rules: list[Rule] = []
    present = {family for family, _, _ in tables}
    for family, _, program, _, _ in _FAMILIES:
        if family in present:
            rules.extend(read_iptables_save(_save(program), netns, Backend.LEGACY, family))
    return tuple(rules)


def _entries(asked: socket.socket, level: int, table: str) -> bytes:
    name = table.encode()[:31].ljust(32, b"\0")
    size = struct.unpack_from("=I", _ask(asked, level, _GET_INFO, name, _INFO_BYTES), _INFO_BYTES - 4)[0]
    return _ask(asked, level, _GET_ENTRIES, name + struct.pack("=I", size), _ENTRIES_OFFSET + size)[_ENTRIES_OFFSET:]


def _ask(asked: socket.socket, level: int, option: int, question: bytes, size: int) -> bytes:
    # socket.getsockopt passes no input and ends at 1024 bytes.
    libc = ctypes.CDLL(None, use_errno=True)
    buffer = ctypes.create_string_buffer(question, size)
    length = ctypes.c_uint32(size)
    if libc.getsockopt(asked.fileno(), level, option, buffer, ctypes.byref(length)) != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
    return buffer.raw[: length.value]


def _save(name: str) -> str:
    program = shutil.which(name, path=SEARCH_PATH)
    if program is None:
        raise WorkbenchError(f"there are iptables-legacy tables, and no {name}", "apt-get install iptables")
    # in a process group of its own: a Ctrl-C in the terminal is for us, and must not end what we wait for
    done = subprocess.run([program, "-c"], capture_output=True, timeout=_TIMEOUT_S, check=False, process_group=0)
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip()
        raise WorkbenchError(f"{name} failed ({said})", "try it by hand")
    return done.stdout.decode(errors="surrogateescape")
