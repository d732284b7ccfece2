"""What container engines write beside CRIU's images: JSON of libpod, CRI-O, containerd and the OCI runtime."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from workbench.evidence import ContainerAddress, ContainerCheckpoint

METADATA = frozenset({"config.dump", "spec.dump", "network.status", "status.dump", "bind.mounts", "deleted.files"})
"""Names of the files."""
_MANAGERS = {"libpod": "podman", "cri-o": "cri-o"}
_MOUNTS = 1000
_ADDRESSES = 100


def container_of(
    path: str, images: str | None, files: Mapping[str, bytes], changed_bytes: int | None, problems: Iterable[str] = ()
) -> ContainerCheckpoint:
    """A record of what the files say, whatever they hold; what cannot be understood becomes a problem."""
    wrong = list(problems)
    wrong += [
        f"{name} is missing: the engine refuses the archive"
        for name in ("config.dump", "spec.dump")
        if name not in files
    ]
    config, spec = _object(files, "config.dump", wrong), _object(files, "spec.dump", wrong)
    notes = {key: value for key, value in _dict(spec.get("annotations")).items() if isinstance(value, str)}
    deleted = _parsed(files, "deleted.files", wrong)
    return ContainerCheckpoint(
        path=path,
        images=images,
        engine=_engine(notes),
        id=_text(config, "id"),
        name=_text(config, "name") or notes.get("io.kubernetes.cri.container-name", ""),
        image=_text(config, "rootfsImageName") or notes.get("io.kubernetes.cri.image-name", ""),
        runtime=_text(config, "runtime"),
        created=_text(config, "createdTime"),
        checkpointed=_text(config, "checkpointedTime", "checkpointedAt"),
        pod=_pod(notes),
        hostname=_text(spec, "hostname"),
        addresses=tuple(_addresses(_parsed(files, "network.status", wrong), notes))[:_ADDRESSES],
        network_namespace=_network_namespace(spec),
        mounts=_mounts(spec),
        deleted_files=len(deleted) if isinstance(deleted, list) else None,
        changed_bytes=changed_bytes,
        problems=tuple(wrong),
    )


def _parsed(files: Mapping[str, bytes], name: str, wrong: list[str]) -> Any:
    if name not in files:
        return None
    try:
        return json.loads(files[name])
    except (ValueError, RecursionError):
        wrong.append(f"{name} is damaged: it is no JSON")
        return None


def _object(files: Mapping[str, bytes], name: str, wrong: list[str]) -> dict[str, Any]:
    found = _parsed(files, name, wrong)
    if found is not None and not isinstance(found, dict):
        wrong.append(f"{name} is damaged: it does not describe a container")
    return _dict(found)


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _text(fields: Mapping[str, Any], *names: str) -> str:
    return next((value for name in names if isinstance(value := fields.get(name), str)), "")


def _engine(notes: Mapping[str, str]) -> str:
    manager = notes.get("io.container.manager", "")
    if manager in _MANAGERS:
        return _MANAGERS[manager]
    return "containerd" if any(key.startswith("io.kubernetes.cri.") for key in notes) else ""


def _pod(notes: Mapping[str, str]) -> str:
    names = (
        ("io.kubernetes.pod.namespace", "io.kubernetes.pod.name"),
        ("io.kubernetes.cri.sandbox-namespace", "io.kubernetes.cri.sandbox-name"),
    )
    return next((f"{notes.get(space, '')}/{notes[name]}" for space, name in names if name in notes), "")


def _network_namespace(spec: Mapping[str, Any]) -> str | None:
    for each in _list(_dict(spec.get("linux")).get("namespaces")):
        if isinstance(each, dict) and each.get("type") == "network":
            return _text(each, "path")
    return None


def _mounts(spec: Mapping[str, Any]) -> tuple[str, ...]:
    found = []
    for each in _list(spec.get("mounts")):
        options = _list(each.get("options")) if isinstance(each, dict) else []
        if isinstance(each, dict) and (each.get("type") == "bind" or "bind" in options or "rbind" in options):
            found.append(_text(each, "destination"))
    return tuple(found[:_MOUNTS])


def _addresses(status: Any, notes: Mapping[str, str]) -> list[ContainerAddress]:
    """podman since 4.0: interfaces by network (netavark's form); before: a list of CNI results; CRI-O: annotations."""
    found: list[ContainerAddress] = []
    for network in _dict(status).values():
        for interface, each in _dict(_dict(network).get("interfaces")).items():
            for subnet in _list(_dict(each).get("subnets")):
                found += _address(interface, _dict(subnet), "ipnet", _text(_dict(each), "mac_address"))
    for result in _list(status):
        for each in _list(_dict(result).get("ips")):
            found += _address("", _dict(each), "address", "")
    for key, value in notes.items():
        if key.startswith("io.kubernetes.cri-o.IP."):
            found.append(ContainerAddress("", value))
    return found


def _address(interface: str, fields: Mapping[str, Any], name: str, mac: str) -> list[ContainerAddress]:
    address, _, prefix = _text(fields, name).partition("/")
    if not address:
        return []
    length = int(prefix) if prefix.isascii() and prefix.isdecimal() and len(prefix) < 4 else None
    return [ContainerAddress(interface, address, length, _text(fields, "gateway") or None, mac or None)]
