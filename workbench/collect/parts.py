"""The parts of the host that the workbench needs, each tried: nothing outside a scratch namespace is touched."""

import ctypes
import ctypes.util
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable

from workbench.evidence import Gap, Part

TIMEOUT_S = 20
TCP_REPAIR = 19
CRIU_MARK = "0xC114"
"""Packets with this mark pass CRIU's lock; a lock needs the mark match."""
SBIN = os.environ.get("PATH", "") + ":/usr/sbin:/sbin:/usr/local/sbin"

NFT_TRIAL = """
add table inet workbench
add set inet workbench held { type ipv4_addr . inet_service . ipv4_addr . inet_service; }
add element inet workbench held { 10.0.0.1 . 1 . 10.0.0.2 . 2 }
add chain inet workbench input { type filter hook input priority 0; }
add rule inet workbench input ip saddr . tcp sport . ip daddr . tcp dport @held drop
"""


def _run(command: list[str], text: str | None = None) -> tuple[bool, str]:
    """Whether it succeeded, and the last line that it said."""
    try:
        done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return False, str(error)
    said = (done.stderr if done.returncode else done.stdout).strip().splitlines()
    return done.returncode == 0, said[-1] if said else ""


def _in_scratch_namespace(command: list[str], text: str | None = None) -> tuple[bool | None, str]:
    """Run in a network namespace that ends with the command; None without the privilege to make one."""
    if os.geteuid() != 0:
        return None, "not tried: that needs root"
    return _run(["unshare", "--net", *command], text)


def python_interpreter() -> Part:
    """The interpreter and the application's library."""
    from importlib.metadata import version

    found = f"Python {sys.version.split()[0]}, textual {version('textual')}"
    return Part("python", sys.executable, found, True, "runs this command")


def nftables() -> Part:
    """``nft``, and a rule on a set of connections as CRIU's nftables lock needs it."""
    path = shutil.which("nft", path=SBIN)
    if path is None:
        return Part("nftables", "", "", False, "nft is not installed", "apt-get install nftables")
    version = _run([path, "--version"])[1].removeprefix("nftables ").split(" ")[0]
    works, said = _in_scratch_namespace([path, "-f", "-"], NFT_TRIAL)
    detail = "a drop rule on a set of 4-tuples, in a scratch namespace" if works else said
    remedy = "" if works is not False else "the kernel lacks nf_tables or set concatenations: use --lock iptables"
    return Part("nftables", path, version, works, detail, remedy)


def libnftables() -> Part:
    """The library by which rules are listed without a process for each look."""
    try:
        library = ctypes.CDLL("libnftables.so.1")
        works = bool(library.nft_ctx_new(0))
    except OSError:
        return Part(
            "libnftables", "", "", False, "libnftables.so.1 is not installed", "apt-get install libnftables1",
            required=False,
        )  # fmt: skip
    return Part("libnftables", "libnftables.so.1", "1", works, "a context was made", required=False)


def iptables(backend: str) -> Part:
    """``iptables-legacy`` or ``iptables-nft``, and a rule with CRIU's mark."""
    name = f"iptables-{backend}"
    path = shutil.which(name, path=SBIN)
    if path is None:
        return Part(name, "", "", False, "not installed", "apt-get install iptables", required=False)
    version = _run([path, "--version"])[1].removeprefix("iptables ")
    rule = ["-w", "-I", "INPUT", "-p", "tcp", "-m", "mark", "!", "--mark", CRIU_MARK, "-j", "DROP"]
    works, said = _in_scratch_namespace([path, *rule])
    meant = shutil.which("iptables", path=SBIN)
    is_default = meant is not None and os.path.realpath(meant) == os.path.realpath(path)
    detail = "a drop rule with CRIU's mark, in a scratch namespace" if works else said
    if is_default:
        detail += "; `iptables` means this one"
    remedy = "" if works is not False else "use --lock nftables"
    return Part(name, path, version, works, detail, remedy, required=False)


def tcp_repair() -> Part:
    """TCP_REPAIR on a fresh socket of our own."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as fresh:
        try:
            fresh.setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        except OSError as error:
            remedy = "run as root" if isinstance(error, PermissionError) else "a kernel with CHECKPOINT_RESTORE"
            return Part("tcp_repair", "kernel", os.uname().release, False, str(error.strerror), remedy)
    return Part("tcp_repair", "kernel", os.uname().release, True, "turned on for a fresh socket")


def bpf_iterator() -> Part:
    """Sequence numbers of every socket by a BPF iterator."""
    from workbench.collect.sequences import SequenceReader

    reader = SequenceReader()
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM):  # so that there is one to be found
        result = reader.read()
    reader.close()
    if isinstance(result, Gap):
        return Part("sequence numbers", "", "", False, result.reason, result.remedy, required=False)
    return Part(
        "sequence numbers", "/sys/kernel/btf/vmlinux", os.uname().release, True,
        f"a BPF iterator read {len(result)} sockets", required=False,
    )  # fmt: skip


def events() -> Part:
    """A trace instance and BPF programs of our own; what killed workbenches left is removed by starting."""
    from workbench.collect.events.instance import remove_abandoned
    from workbench.collect.events.reader import EventReader

    abandoned = remove_abandoned(dry_run=True)
    with EventReader() as reader:
        gap = next(iter(reader.gaps), None)
    left = f"; removed what killed workbenches had left: {', '.join(abandoned)}" if abandoned else ""
    if reader.refused is not None or gap is not None:
        found = reader.refused or gap
        assert found is not None
        return Part("events", "", "", False, found.reason + left, found.remedy, required=False)
    detail = f"a trace instance and programs at tracepoints recorded for a moment{left}"
    return Part("events", "tracefs, BPF", os.uname().release, True, detail, required=False)


def python_iptables() -> Part:
    """python-iptables, in a child: it may abort the process that loads it."""
    works, said = _run([sys.executable, "-c", "import iptc; print(iptc.__file__)"])
    return Part(
        "python-iptables", said if works else "", "", works, "imported in a child" if works else said,
        "" if works else "run `make setup`", required=False,
    )  # fmt: skip


def privilege() -> Part:
    """Root and its capabilities."""
    uid = os.geteuid()
    if uid != 0:
        return Part("privilege", "", f"uid {uid}", False, "dump and restore need root", "run as root")
    with open("/proc/self/status") as status:  # noqa: PTH123 - one line of a proc file
        effective = next(int(line.split()[1], 16) for line in status if line.startswith("CapEff"))
    if not effective >> 24 & 1:
        return Part(
            "privilege", "", "root without CAP_SYS_RESOURCE", True,
            "processes of other users than root cannot be dumped", "a root with all capabilities",
        )  # fmt: skip
    return Part("privilege", "", "root", True, "all that is needed")


PARTS: tuple[Callable[[], Part], ...] = (
    python_interpreter,
    privilege,
    tcp_repair,
    nftables,
    libnftables,
    lambda: iptables("nft"),
    lambda: iptables("legacy"),
    python_iptables,
    bpf_iterator,
    events,
)
"""Every part but CRIU, in the order in which they are shown."""
