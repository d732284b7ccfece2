"""The machine, its kernel and its CRIU."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CriuTool:
    """A CRIU that was found."""

    path: str
    version: str
    """As ``criu --version`` prints it, without the word; e.g. ``4.2.1``."""
    works: bool | None
    """A real dump and restore of a connected process succeeded here; None = not tried."""
    origin: str
    """``path`` (found on PATH), ``private`` (made by set-up) or ``configured``."""
    detail: str = ""
    """Why it does not work, or what was tried."""


@dataclass(frozen=True, slots=True)
class Host:
    hostname: str
    kernel_release: str
    boot_id: str
    clock_ticks: int
    """Per second, the unit of ``Process.start_time``."""
    uptime_s: float
    uid: int
    """Effective uid of the workbench."""
    capabilities: frozenset[str] = frozenset()
    """Effective capabilities by name, e.g. ``CAP_NET_ADMIN``."""
    workbench_pid: int | None = None
    """The process that looked; CRIU will share its namespaces, but enters the network namespace of what it dumps."""
    criu: CriuTool | None = None
    features: dict[str, bool] = field(default_factory=dict)
    """Kernel features that matter, found by trying: ``tcp_repair``, ``btf``, ``nft_tables``, ..."""


@dataclass(frozen=True, slots=True)
class Sysctl:
    netns: int | None
    """None for those of the whole machine."""
    name: str
    """Dotted: ``net.ipv4.tcp_retries2``."""
    value: str


@dataclass(frozen=True, slots=True)
class Part:
    """One thing that the workbench needs, and whether it works here, by trying."""

    name: str
    found: str
    """Where; empty if it was not found."""
    version: str
    works: bool | None
    """None: it could not be tried (no root)."""
    detail: str
    """What was tried, or why it does not work; one sentence."""
    remedy: str = ""
    """What to do; empty where nothing is to be done."""
    required: bool = True
    """Without it dump and restore do not work; otherwise only a section of evidence is missing."""
