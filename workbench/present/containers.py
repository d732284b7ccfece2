"""What a container engine wrote beside CRIU's images."""

from collections.abc import Iterator

from workbench.evidence import ContainerCheckpoint
from workbench.present.text import printable
from workbench.present.units import byte_size, count


def container_lines(found: ContainerCheckpoint) -> Iterator[str]:
    """A container, one fact a line; what is not known is left out."""
    what = f"{found.name or 'a container'} {found.id[:12]}".strip()
    yield printable(f"{found.engine or 'unknown engine'} container {what}{f' of pod {found.pod}' if found.pod else ''}")
    facts = (
        ("image", found.image),
        ("runtime", found.runtime),
        ("created", found.created),
        ("host name", found.hostname),
    )
    told = ", ".join(f"{name} {value}" for name, value in facts if value)
    if told:
        yield printable(f"  {told}")
    for each in found.addresses:
        prefix = f"/{each.prefix}" if each.prefix is not None else ""
        via = f", gateway {each.gateway}" if each.gateway else ""
        yield printable(f"  address {each.address}{prefix} {each.interface}{via}".rstrip())
    network = {None: "the host's", "": "one of its own"}.get(found.network_namespace, found.network_namespace)
    yield printable(f"  network namespace: {network}")
    if found.mounts:
        yield printable(f"  {count(len(found.mounts), 'mount')} of the host's: {', '.join(found.mounts[:8])}")
    if found.changed_bytes is not None:
        yield f"  changed in its file system: {byte_size(found.changed_bytes)}"
    for problem in found.problems:
        yield printable(f"  ! {problem}")
