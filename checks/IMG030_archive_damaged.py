"""Something of a container's checkpoint archive is missing or damaged, so that its engine refuses it.

What it looks at
----------------
The files that an engine writes beside CRIU's images: `config.dump`, `spec.dump`, `network.status`, logs, and whether
there are images at all.

Why it matters
--------------
podman, CRI-O and containerd read these files before they call CRIU. Without them the images may still be restored by
criu itself, but not as a container.

What to do
----------
Copy the archive again, or make the checkpoint again.

When it is wrong
----------------
An engine of another kind made the archive, and needs other files.

References
----------
checkpointctl(1); podman-container-restore(1), --import.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence import ContainerCheckpoint

CODE = "IMG030"
NAME = "archive-damaged"
SINCE = "0.1"


def check(checkpoints: tuple[ContainerCheckpoint, ...]) -> Iterator[Problem]:
    """One problem for each archive."""
    for checkpoint in checkpoints:
        if checkpoint.problems:
            name = checkpoint.name or checkpoint.id[:12] or "a container"
            yield Problem(
                Severity.ERROR,
                Subject("image", checkpoint.path, {"path": checkpoint.path, "container": checkpoint.id}),
                f"The archive of {name} is not whole: {checkpoint.problems[0]}.",
                facts={"problems": list(checkpoint.problems)},
                quotes=tuple(Quote(checkpoint.path, problem) for problem in checkpoint.problems),
                fixes=(Fix("Copy the archive again from where it was made, or make it again."),),
            )
