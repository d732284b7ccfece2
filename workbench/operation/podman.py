"""Containers of podman whose runtime is runc: podman must see them go and come, or it takes them for dead.

podman tells CRIU where its images are to lie: in a directory of its own, ``userdata/checkpoint``, with the logs beside
it (libpod/container_internal_common.go). While an operation lasts these names lead to the image directory.
"""

import itertools
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from workbench.collect import procfs
from workbench.collect.process_stat import parse_stat

_FLAGS = {"tcp_established": "--tcp-established", "file_locks": "--file-locks", "leave_running": "--leave-running"}
"""Of ``podman container checkpoint``; ``restore`` has all but the last."""
SETTINGS = {"ext_unix_sk": "ext-unix-sk", "shell_job": "shell-job"}
"""What it has no flag for, while runc has one: lines of CRIU's configuration file."""
_OURS = ("dump.log", "restore.log", "stats-dump", "stats-restore")
_MANAGED = ("/run/netns/netns-", "/run/user/")
"""Where podman keeps network namespaces that it makes and ends with the container."""


@dataclass(frozen=True, slots=True)
class Monitored:
    """What conmon(8), the parent of a container's first process, knows of it."""

    name: str
    command: tuple[str, ...]
    """``podman`` with all its global options."""


def monitor_of(pid: int) -> Monitored | None:
    """The one of this process; None if podman did not start it."""
    data = procfs.read(f"/proc/{pid}/stat")
    stat = parse_stat(data) if data else None
    words = (procfs.read(f"/proc/{stat.ppid}/cmdline") or b"").decode(errors="replace").split("\0") if stat else []
    return monitored(words)


def monitored(words: list[str]) -> Monitored | None:
    """From conmon's command line: what it calls when the container has ended is podman, with all of its options."""
    if not words or Path(words[0]).name != "conmon" or "-n" not in words or "--exit-command" not in words:
        return None
    called = [words[words.index("--exit-command") + 1]]
    called += [after for word, after in itertools.pairwise(words) if word == "--exit-command-arg"]
    if Path(called[0]).name != "podman" or "container" not in called:
        return None
    return Monitored(words[words.index("-n") + 1], tuple(called[: len(called) - called[::-1].index("container") - 1]))


def command(podman: str, kind: str, container: str, options: Mapping[str, object]) -> tuple[str, ...]:
    """``checkpoint`` or ``restore`` as it could be typed, argument by argument."""
    flags = [flag for name, flag in _FLAGS.items() if options.get(name) and (kind == "dump" or name != "leave_running")]
    action = ("checkpoint", "--keep") if kind == "dump" else ("restore", "--keep")
    return (*shlex.split(podman), "container", *action, *flags, container)


def obstacles(bundle: str, netns_path: str) -> tuple[str, ...]:
    """Why podman cannot do it, each with a way out."""
    found = []
    place = Path(bundle, "checkpoint")
    if place.exists() and not place.is_symlink():
        found.append(f"podman keeps a checkpoint of its own in {place}: restore from that, or remove it")
    if netns_path.startswith(_MANAGED):
        found.append(
            "podman made its network namespace, which ends with it, and the lock with that: run it with --network"
            " ns:PATH or --network host"
        )
    return tuple(found)


def links(bundle: str, images: str) -> dict[Path, Path]:
    """Names in podman's directory, and what in the image directory they lead to while an operation lasts."""
    wanted = {Path(bundle, "checkpoint"): Path(images)}
    return wanted | {Path(bundle, name): Path(images, name) for name in _OURS}
