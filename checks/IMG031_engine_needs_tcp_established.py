"""An archive holds open connections: its engine restores it only if it is told to keep them.

What it looks at
----------------
The connections in the images of a container's checkpoint archive, and which engine made it.

Why it matters
--------------
An engine passes `--tcp-established` to CRIU only if it is asked to. Without it CRIU refuses images with connections:
`Connected TCP socket in image`. podman has an option of its own; the kubelet has none, so that CRI-O and containerd
need it in the configuration file of the runtime.

What to do
----------
podman: `podman container restore --tcp-established --import FILE`. CRI-O and containerd: the line `tcp-established` in
`/etc/criu/runc.conf` (runc) or `/etc/criu/crun.conf` (crun).

When it is wrong
----------------
The option is set already.

References
----------
podman-container-restore(1); criu(8), --tcp-established; runc, docs/checkpoint-restore.md.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import counted, listed
from workbench.evidence import ContainerCheckpoint, ImageDirectory, TcpState

CODE = "IMG031"
NAME = "engine-needs-tcp-established"
SINCE = "0.1"


def check(checkpoints: tuple[ContainerCheckpoint, ...], images: tuple[ImageDirectory, ...]) -> Iterator[Problem]:
    """One note for each archive with connections."""
    known = {image.path: image for image in images}
    for checkpoint in checkpoints:
        image = known.get(checkpoint.images or "")
        if image is None or image.tcp_close:
            continue
        open_ = [each for each in image.sockets if each.connection.peer.port and each.state is not TcpState.CLOSE]
        if open_:
            yield Problem(
                Severity.NOTE,
                Subject("image", checkpoint.path, {"path": checkpoint.path, "container": checkpoint.id}),
                f"{checkpoint.name or 'The container'} has {counted(len(open_), 'open connection')}: "
                "the restore must be told to keep them.",
                facts={"connections": len(open_), "engine": checkpoint.engine},
                quotes=(Quote(image.path, listed(each.connection for each in open_)),),
                fixes=(_fix(checkpoint),),
            )


def _fix(checkpoint: ContainerCheckpoint) -> Fix:
    if checkpoint.engine in {"cri-o", "containerd"}:
        name = "crun" if "crun" in checkpoint.runtime else "runc"
        return Fix(f"Write the line tcp-established into /etc/criu/{name}.conf on the node of the restore.")
    command = ("podman", "container", "restore", "--tcp-established", "--import", checkpoint.path)
    return Fix("Restore it so.", command)
