"""The same request twice: as fields of CRIU's RPC, and as a command that could be typed."""

from collections.abc import Mapping

from workbench.operation.request import LockMethod, Policy

_FLAGS = {
    "tcp_established": "--tcp-established",
    "tcp_close": "--tcp-close",
    "tcp_skip_in_flight": "--skip-in-flight",
    "file_locks": "--file-locks",
    "shell_job": "--shell-job",
    "ext_unix_sk": "--ext-unix-sk",
    "leave_running": "--leave-running",
}
"""Options of criu(8) by their field in ``criu_opts`` (images/rpc.proto)."""
LOG_LEVEL = 4


def policy_option(policy: Policy) -> str:
    return "tcp_established" if policy is Policy.KEEP else "tcp_close"


def lock_option(method: LockMethod) -> dict[str, object]:
    return {"network_lock": method.value.upper()}


def typed(
    kind: str, criu: str, images: str, options: Mapping[str, object], *, netns_path: str = "", pid: int | None = None
) -> tuple[str, ...]:
    """Argument by argument. ``netns_path`` empty: the command runs in the caller's own network namespace."""
    entering = ("nsenter", f"--net={netns_path}") if netns_path else ()
    target = ("-t", str(pid)) if kind == "dump" else ("-d",)
    lock = options.get("network_lock")
    locking = ("--network-lock", str(lock).lower()) if kind == "dump" and lock else ()
    flags = tuple(flag for name, flag in _FLAGS.items() if options.get(name))
    if options.get("ghost_limit"):
        flags += ("--ghost-limit", str(options["ghost_limit"]))
    log = (f"-v{LOG_LEVEL}", "-o", f"{kind}.log")
    return (*entering, criu, kind, *target, "-D", images, *flags, *locking, *log)
