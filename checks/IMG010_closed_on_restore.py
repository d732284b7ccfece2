"""These images were made with --tcp-close: the restore needs the option too, and drops the connections.

What it looks at
----------------
The flag in `inventory.img`, and the connections in the images.

Why it matters
--------------
A dump with `--tcp-close` saves no queues and no sequence numbers. The restore refuses without the option (`Need to
set the --tcp-close options.`), and with it every connection comes back closed: reading gives the end of the file,
writing EPIPE.

What to do
----------
Add `--tcp-close` to the restore; the workbench does. The program must connect anew by itself.

When it is wrong
----------------
If that is what was wanted, nothing is wrong.

References
----------
criu/sk-tcp.c; criu(8), --tcp-close.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import counted
from workbench.evidence import ImageDirectory

CODE = "IMG010"
NAME = "closed-on-restore"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...]) -> Iterator[Problem]:
    """One note for each such directory."""
    for image in images:
        lost = sum(bool(socket.connection.peer.port) for socket in image.sockets)
        if image.tcp_close and lost:
            yield Problem(
                Severity.NOTE,
                Subject("image", image.path, {"path": image.path}),
                f"{image.path} was dumped with --tcp-close: the restore needs the option too, and "
                f"{counted(lost, 'connection')} will come back closed.",
                facts={"connections": lost},
                quotes=(Quote(image.path, "inventory.img tcp_close"),),
                fixes=(Fix("Add --tcp-close to the restore.", ("workbench", "restore", "-D", image.path)),),
            )
