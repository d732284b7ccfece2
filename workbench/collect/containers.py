"""Which container a process belongs to, as told by its cgroup path."""

import re

from workbench.evidence import Container

_ID = r"(?P<id>[0-9a-f]{64})"
_FORMS = (
    ("docker", re.compile(rf"/docker[-/]{_ID}(?:\.scope)?(?:/|$)")),
    ("podman", re.compile(rf"/libpod-{_ID}(?:\.scope)?(?:/|$)")),
    ("crio", re.compile(rf"/crio-{_ID}(?:\.scope)?(?:/|$)")),
    ("containerd", re.compile(rf"[/:](?:cri-)?containerd[-:]{_ID}(?:\.scope)?(?:/|$)")),
    ("lxc", re.compile(r"/lxc(?:\.payload)?[./](?P<id>[^/]+)")),
    ("runc", re.compile(r"/runc-(?P<id>[^/]+)\.scope(?:/|$)")),
    # A pod's cgroup without the engine's prefix: dockershim and containerd with the cgroupfs driver look alike.
    ("unknown", re.compile(rf"/kubepods[^:]*/{_ID}(?:/|$)")),
)


def parse_cgroup(data: bytes) -> tuple[str, ...]:
    """Paths in /proc/PID/cgroup, that of the unified hierarchy first (cgroups(7)).

    Example of a line: ``0::/system.slice/docker-<64 hexadecimal digits>.scope``.
    """
    paths: list[str] = []
    for line in data.decode(errors="surrogateescape").splitlines():
        number, _, rest = line.partition(":")
        _, separator, path = rest.partition(":")
        if separator and path not in paths:
            paths.insert(0 if number == "0" else len(paths), path)
    return tuple(paths)


def main_path(paths: tuple[str, ...]) -> str | None:
    """The path that says most: the unified hierarchy's, unless that is unused (version 1 and hybrid hosts)."""
    return next((path for path in paths if path != "/"), paths[0] if paths else None)


def container_of(paths: tuple[str, ...]) -> Container | None:
    """The container whose engine's form one of the paths has; None for a process of the host.

    runc alone lets its caller choose the path: with the cgroupfs driver its containers cannot be told by it.
    """
    for engine, form in _FORMS:
        for path in paths:
            if match := form.search(path):
                return Container(engine, match["id"])
    return None
