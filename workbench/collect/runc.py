"""Containers that runc keeps the state of, whoever asked it to run them: ``state.json`` in its state directories."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.collect import procfs
from workbench.collect.process_stat import parse_stat
from workbench.evidence import Container

ROOTS = (
    "/run/runc",
    "/run/containerd/runc/*",
    "/run/docker/runtime-runc/*",
    "/run/user/*/runc",
)
"""State directories (``runc --root``) of runc itself, containerd, docker and rootless users; patterns of glob(3)."""
_LARGEST = 8 << 20


@dataclass(frozen=True, slots=True)
class RuncState:
    """One container as runc wrote it down; its first process may have ended since."""

    id: str
    root: str
    """State directory, for ``runc --root``."""
    bundle: str
    """Directory of its config.json; empty if unknown."""
    pid: int
    """Its first process, on this host."""
    start_time: int
    """Of that process, clock ticks after boot."""
    cgroups: frozenset[str]
    """Its control groups as /proc/PID/cgroup tells them."""
    netns_path: str = ""
    """Where its network namespace came from; empty if runc made it, or if it is the host's."""

    @property
    def engine(self) -> str:
        """Who asked runc, as the place of the state tells."""
        for name in ("containerd", "docker"):
            if f"/{name}/" in self.root:
                return name
        return "runc"

    @property
    def runs(self) -> bool:
        """Whether its first process is there."""
        data = procfs.read(f"/proc/{self.pid}/stat") if self.pid > 1 else None
        stat = parse_stat(data) if data else None
        return stat is not None and stat.start_time == self.start_time


class RuncStates:
    """Reads them again and again; files that did not change are read once."""

    def __init__(self, roots: Iterable[str] = ROOTS) -> None:
        self._roots = tuple(roots)
        self._known: dict[Path, tuple[tuple[int, int], RuncState | None]] = {}

    def read(self) -> tuple[RuncState, ...]:
        """Every container; state that cannot be read tells of none."""
        before, self._known = self._known, {}
        for root in (path for pattern in self._roots for path in sorted(Path("/").glob(pattern.lstrip("/")))):
            for file in sorted(root.glob("*/state.json")):
                self._take(root, file, before)
        return tuple(state for _, state in self._known.values() if state is not None)

    def _take(self, root: Path, file: Path, before: dict[Path, tuple[tuple[int, int], RuncState | None]]) -> None:
        try:
            found = file.stat()
            stamp = (found.st_ino, found.st_mtime_ns)
            if file not in before or before[file][0] != stamp:
                state = parse_state(file.read_bytes(), str(root)) if found.st_size <= _LARGEST else None
                before[file] = (stamp, state)
        except OSError:
            return
        self._known[file] = before[file]

    def by_cgroup(self) -> dict[str, Container]:
        """Which container a control group belongs to; the root group is nobody's."""
        return {
            path: Container(state.engine, state.id) for state in self.read() for path in state.cgroups if path != "/"
        }


def parse_state(data: bytes, root: str) -> RuncState | None:
    """``state.json`` (runc libcontainer/container.go, ``State``); None for anything else."""
    try:
        state: dict[str, Any] = json.loads(data)
        config = state["config"]
        labels = dict(label.partition("=")[::2] for label in config.get("labels") or ())
        namespaces = {each["type"]: each.get("path") or "" for each in config.get("namespaces") or ()}
        return RuncState(
            id=str(state["id"]),
            root=root,
            bundle=str(labels.get("bundle", "")),
            pid=int(state["init_process_pid"]),
            start_time=int(state["init_process_start"]),
            cgroups=frozenset(
                _of_process(str(name), str(path)) for name, path in (state.get("cgroup_paths") or {}).items()
            ),
            netns_path=str(namespaces.get("NEWNET", "")),
        )
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return None


def _of_process(controller: str, path: str) -> str:
    """A directory below /sys/fs/cgroup as /proc/PID/cgroup names it: without the mount point of the hierarchy.

    Version 1 mounts each controller in a directory of its own, hybrid hosts version 2 in ``unified``.
    """
    rest = path.removeprefix("/sys/fs/cgroup")
    mount, _, inside = rest.removeprefix("/").partition("/")
    return f"/{inside}" if controller or mount == "unified" else rest
