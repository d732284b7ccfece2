"""These images were restored successfully before: their connections may have gone on since.

What it looks at
----------------
Whether `stats-restore`, which CRIU writes at the end of a successful restore, lies in the image directory.

Why it matters
--------------
A checkpoint of a live connection is good for one restore. Once the restored end has exchanged a byte, the images are
out of date: a second restore starts with old sequence numbers, and the peer answers with acknowledgements for data that
the restored end has not sent, or has forgotten that connection altogether and resets it. Where the peer is on this
host, IMG008 compares the numbers.

What to do
----------
Dump again. Restore old images with --tcp-close only: the program then connects anew.

When it is wrong
----------------
The connections exchanged nothing since, or the restore wrote its statistics to another directory (-W).

References
----------
criu/stats.c (write_stats); criu/cr-restore.c.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import counted, listed
from workbench.checking.targets import connected, restored
from workbench.evidence import ImageDirectory, Target

CODE = "IMG013"
NAME = "restored-before"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...], target: Target) -> Iterator[Problem]:
    """One problem for the directory that is to be restored, if it holds connections."""
    image = restored(images, target)
    if image is None or image.restore_stats is None:
        return
    alive = [socket.connection for socket in connected(image)]
    if alive:
        yield Problem(
            Severity.WARNING,
            Subject("image", image.path, {"path": image.path}),
            f"{image.path} was restored before: {counted(len(alive), 'connection')} ({listed(alive)}) may "
            "have gone on since, and a second restore would not fit their peers any more.",
            facts={"connections": [str(connection) for connection in alive]},
            quotes=(Quote(image.path, "stats-restore"),),
            fixes=(Fix("Dump again, or restore with --tcp-close."),),
            follows=("images-outdated", "tuple-in-use"),
        )
