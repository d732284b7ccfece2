"""A program of a lab in a container of runc, on a root file system made for it."""

import json
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from workbench.errors import WorkbenchError
from workbench.lab.marker import RUNC_ROOT, SCRATCH_PREFIX, VARIABLE
from workbench.lab.namespaces import Host
from workbench.operation.container import RuncContainer
from workbench.operation.container import delete as remove

_MERGED = ("bin", "sbin", "lib", "lib64")
_CAPABILITIES = ("CAP_NET_BIND_SERVICE", "CAP_NET_ADMIN")


def container_id(lab: str) -> str:
    """Name of a lab's container."""
    return f"{SCRATCH_PREFIX}{lab}"


def make_bundle(place: Path, host: Host, lab: str, program: Sequence[str]) -> Path:
    """A bundle (OCI runtime specification 1.0.2) in the host's network namespace; its directory.

    The interpreter and this package are mounted read-only where they lie here; nothing else of this machine is seen.
    """
    if shutil.which("runc") is None:
        raise WorkbenchError("runc is not installed, which runs the container of this scenario", "install runc")
    root = place / "rootfs"
    root.mkdir(parents=True)
    mounts = [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755", "size=64k"]},
    ]
    for name in _MERGED:
        path = Path("/", name)
        if path.is_symlink():
            (root / name).symlink_to(path.readlink())
    for directory in _needed():
        (root / directory.lstrip("/")).mkdir(parents=True, exist_ok=True)
        mounts.append({"destination": directory, "type": "bind", "source": directory, "options": ["bind", "ro"]})
    namespaces = [{"type": kind} for kind in ("pid", "ipc", "uts", "mount")]
    config = {
        "ociVersion": "1.0.2",
        "process": {
            "user": {"uid": 0, "gid": 0},
            "args": list(program),
            "env": [f"{VARIABLE}={lab}", "PYTHONDONTWRITEBYTECODE=1", "PATH=/usr/bin:/bin"],
            "cwd": "/",
            "capabilities": {kind: list(_CAPABILITIES) for kind in ("bounding", "effective", "permitted")},
        },
        "root": {"path": "rootfs"},
        "hostname": "lab",
        "mounts": mounts,
        "linux": {
            "namespaces": [*namespaces, {"type": "network", "path": host.path}],
            "cgroupsPath": f"/{container_id(lab)}",
        },
    }
    (place / "config.json").write_text(json.dumps(config, indent=1))
    return place


def _needed() -> list[str]:
    """Directories that a program of the lab needs, none inside another one."""
    package = Path(__file__).resolve().parents[2]
    wanted = ["/usr", *(f"/{name}" for name in _MERGED if not Path("/", name).is_symlink())]
    wanted += [os.path.realpath(path) for path in (sys.base_prefix, sys.prefix, package)]
    found: list[str] = []
    for path in sorted((path for path in set(wanted) if Path(path).is_dir()), key=len):
        if not any(path == other or path.startswith(f"{other}/") for other in found):
            found.append(path)
    return found


def start_command(bundle: Path, lab: str) -> list[str]:
    """What a host of the lab starts: runc, which ends once the container runs."""
    return ["runc", "--root", RUNC_ROOT, "run", "--detach", "--bundle", str(bundle), container_id(lab)]


def delete(lab: str) -> None:
    """Remove what runc keeps of a lab's container, which is ended if it still runs."""
    if os.path.exists(f"{RUNC_ROOT}/{container_id(lab)}"):  # noqa: PTH110 - False where root alone may look
        remove(RuncContainer(container_id(lab), RUNC_ROOT, bundle=""))
