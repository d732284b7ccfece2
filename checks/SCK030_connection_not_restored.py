"""Of the connections in the images some are among the sockets of a listing and some are not.

What it looks at
----------------
Images, and sockets that were recorded with them (the output of ss).

Why it matters
--------------
If the listing is from the host of the restore, the connections that it lacks were lost: reset by the peer when they
came back, or closed by the program since. If it is from before the dump, they were closed in between.

What to do
----------
Look what became of them: the log of the restore, and a packet capture if there is one.

When it is wrong
----------------
The program closed them by itself, as it would have done without the restore.

References
----------
ss(8); criu(8).
"""

from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import counted, listed
from workbench.evidence import ImageDirectory, Socket, TcpState

CODE = "SCK030"
NAME = "connection-not-restored"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...], sockets: Sequence[Socket], sources: tuple[str, ...]) -> Iterator[Problem]:
    """One problem for each directory of which only a part is there."""
    if "live" in sources:
        return
    there = {socket.connection.unmapped for socket in sockets if socket.state is not TcpState.TIME_WAIT}
    for image in images:
        open_ = [
            each.connection.unmapped
            for each in image.sockets
            if each.connection.peer.port and each.state is not TcpState.CLOSE and not image.tcp_close
        ]
        missing = [each for each in open_ if each not in there]
        if missing and len(missing) < len(open_):
            yield Problem(
                Severity.WARNING,
                Subject("image", image.path, {"path": image.path}),
                f"Of {counted(len(open_), 'connection')} in {image.path} the listed sockets lack "
                f"{len(missing)}: {listed(missing)}.",
                facts={"missing": [str(each) for each in missing], "there": len(open_) - len(missing)},
                quotes=tuple(Quote("sockets", f"no socket {each}") for each in missing[:3]),
                fixes=(Fix("See the log of the restore, and who reset them in a packet capture."),),
            )
