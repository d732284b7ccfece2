"""A container that runc runs, for itself or for podman: dumped and restored by its engine, which must see it go."""

import contextlib
import json
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from workbench.collect.runc import RuncState, RuncStates
from workbench.errors import WorkbenchError
from workbench.operation import podman

_FLAGS = {
    "tcp_established": "--tcp-established",
    "ext_unix_sk": "--ext-unix-sk",
    "shell_job": "--shell-job",
    "file_locks": "--file-locks",
    "leave_running": "--leave-running",
}
"""Options that ``runc checkpoint`` has itself, by their field in ``criu_opts``; restore has all but the last."""
_SETTINGS = {
    "tcp_close": "tcp-close",
    "tcp_skip_in_flight": "skip-in-flight",
    "ghost_limit": "ghost-limit",
    "network_lock": "network-lock",
}
"""The others reach CRIU by its configuration file (criu/config.c), which runc's requests leave in force."""


@dataclass(frozen=True, slots=True)
class RuncContainer:
    """All that runc needs to find a container, or to make it again."""

    id: str
    root: str
    """State directory."""
    bundle: str
    """Directory of config.json."""
    netns_path: str = ""
    """Network namespace that config.json names; empty if it names none."""
    podman: str = ""
    """podman with its global options, as typed, if that has runc run it."""

    def command(self, kind: str, images: str, options: Mapping[str, object]) -> tuple[str, ...]:
        """``checkpoint`` or ``restore`` as it could be typed, argument by argument."""
        if self.podman:
            return podman.command(self.podman, kind, self.id, options)
        places = ("--image-path", images, "--work-path", images)
        if kind == "dump":
            flags = tuple(flag for name, flag in _FLAGS.items() if options.get(name))
            return ("runc", "--root", self.root, "checkpoint", *flags, *places, self.id)
        flags = tuple(flag for name, flag in _FLAGS.items() if options.get(name) and name != "leave_running")
        return ("runc", "--root", self.root, "restore", "--detach", *flags, *places, "--bundle", self.bundle, self.id)

    def links(self, images: str) -> Mapping[Path, Path]:
        """Names that lead to the image directory while its engine works, and what in it they lead to."""
        return podman.links(self.bundle, images) if self.podman else {}


def settings(container: RuncContainer, options: Mapping[str, object]) -> tuple[str, ...]:
    """Lines of CRIU's configuration file for what its engine has no flag for."""
    found = []
    for name, word in (_SETTINGS | (podman.SETTINGS if container.podman else {})).items():
        value = options.get(name)
        if value:
            found.append(word if value is True else f"{word} {str(value).lower()}")
    return tuple(found)


def obstacles(container: RuncContainer) -> tuple[str, ...]:
    """Why the engine cannot do it, each with a way out."""
    if shutil.which("runc") is None:
        return ("runc is not installed here: it must dump and restore its containers itself",)
    found = []
    try:
        config: dict[str, Any] = json.loads(Path(container.bundle, "config.json").read_bytes())
    except (OSError, ValueError):
        return (f"Its bundle {container.bundle or '(unknown)'} has no readable config.json: runc could not restore it",)
    if (config.get("process") or {}).get("terminal"):
        found.append("It has a terminal (process.terminal in config.json), whose other end is outside: run it without")
    kinds = {each.get("type"): each.get("path") for each in (config.get("linux") or {}).get("namespaces") or ()}
    if "network" in kinds and not kinds["network"]:
        found.append(
            "runc made its network namespace, which ends with it, and its links with that: name one in config.json"
            " (linux.namespaces, type network, path)"
        )
    return (*found, *(podman.obstacles(container.bundle, container.netns_path) if container.podman else ()))


def container_at(pid: int) -> RuncContainer | None:
    """The container whose first process this is."""
    return next((_from(state) for state in RuncStates().read() if state.pid == pid and state.runs), None)


def container_named(word: str) -> tuple[RuncContainer, int]:
    """A running container by its name, its id or the beginning of that, with the pid of its first process.

    Raises WorkbenchError if there is none, or more than one.
    """
    running = [state for state in RuncStates().read() if state.runs]
    names = {state.id: monitor.name for state in running if (monitor := podman.monitor_of(state.pid)) is not None}
    found = [state for state in running if word in {state.id, names.get(state.id)}] or [
        state for state in running if word and state.id.startswith(word)
    ]
    if len(found) == 1:
        return _from(found[0]), found[0].pid
    if found:
        raise WorkbenchError(f"{len(found)} containers are called {word}, or begin so", "give more of the id")
    known = ", ".join(names.get(state.id, state.id) for state in running[:5])
    hint = f"running: {known}" if known else "runc runs none here; `workbench processes` shows those of other engines"
    raise WorkbenchError(f"there is no running container {word} of runc", hint)


def runs(container: RuncContainer) -> bool:
    """Whether a container of this id is there, running or not."""
    return Path(container.root, container.id).exists()


def delete(container: RuncContainer) -> None:
    """End a container and remove what runc keeps of it, also what a runc that was killed in a restore leaves.

    Raises WorkbenchError if something of it stays.
    """
    place = Path(container.root, container.id)
    subprocess.run(
        ["runc", "--root", container.root, "delete", "--force", container.id], capture_output=True, check=False
    )
    rest = place / "criu-root"  # the root file system, mounted there for CRIU (runc libcontainer/criu_linux.go)
    if rest.exists():
        # Whether it is a mount cannot be asked of stat(2): it may be of the same file system.
        subprocess.run(["umount", "--lazy", str(rest)], capture_output=True, check=False)
    for directory in (rest, place):
        with contextlib.suppress(OSError):
            directory.rmdir()
    if place.exists():
        raise WorkbenchError(f"{place} cannot be removed", "look at what is in it, end that, and try again")
    if container.podman:
        cleanup = [*shlex.split(container.podman), "container", "cleanup", container.id]
        subprocess.run(cleanup, capture_output=True, check=False)


def _from(state: RuncState) -> RuncContainer:
    monitor = podman.monitor_of(state.pid)
    return RuncContainer(
        state.id, state.root, state.bundle, state.netns_path, shlex.join(monitor.command) if monitor else ""
    )


def container_record(container: RuncContainer | None) -> dict[str, str] | None:
    """As JSON, for the journal and the note."""
    return None if container is None else asdict(container)


def container_from(record: Any) -> RuncContainer | None:
    """Raises TypeError for anything that ``container_record`` did not write."""
    if record is None:
        return None
    return RuncContainer(**{str(name): str(value) for name, value in record.items()})
