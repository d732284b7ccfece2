"""A container's checkpoint as its engine packed it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContainerAddress:
    """One address that the engine had given to the container."""

    interface: str
    address: str
    prefix: int | None = None
    gateway: str | None = None
    mac: str | None = None


@dataclass(frozen=True, slots=True)
class ContainerCheckpoint:
    """What an archive of podman's, CRI-O's or containerd's says beside CRIU's images; all text is hostile.

    A field that this engine does not record is empty or None. Sources: libpod's config.dump, spec.dump and
    network.status; the OCI runtime specification; CRI-O's and containerd's annotations.
    """

    path: str
    """The archive."""
    images: str | None
    """Path of its ``ImageDirectory`` in the evidence; None without images."""
    engine: str
    """``podman``, ``cri-o``, ``containerd``, or empty where nothing tells."""
    id: str = ""
    name: str = ""
    image: str = ""
    runtime: str = ""
    created: str = ""
    """As it stands there, RFC 3339."""
    checkpointed: str = ""
    pod: str = ""
    """``namespace/name`` of the Kubernetes pod."""
    hostname: str = ""
    addresses: tuple[ContainerAddress, ...] = ()
    network_namespace: str | None = None
    """Path of the network namespace that it was put in; empty: one of its own; None: the host's."""
    mounts: tuple[str, ...] = ()
    """Where something of the host's is mounted in it (bind mounts)."""
    deleted_files: int | None = None
    """Files of its image that it had deleted."""
    changed_bytes: int | None = None
    """Size of what it had changed in its file system (``rootfs-diff.tar``)."""
    problems: tuple[str, ...] = ()
    """What is missing or damaged; one sentence each."""
