"""CRIU itself has a defect here.

What it looks at
----------------
Assertions ("BUG at"), crashes of CRIU, descriptors that CRIU lost, commands fed in a way that cannot work.

Why it matters
--------------
Nothing in the program or on the host is wrong; a newer CRIU, or one without local patches, will not do it.

What to do
----------
Use the newest CRIU release, unpatched. If it persists, report it with the whole log at -v4.

When it is wrong
----------------
"BUG at ... image.h" means a missing image file (image-incompatible). Damaged memory or a full disk can look like a
defect.

References
----------
https://github.com/checkpoint-restore/criu/issues
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG072"
NAME = "criu-bug"
SINCE = "0.1"

CAUSE = Cause(
    "CRIU ran into a defect of its own.",
    (
        Sign("BUG at", r"BUG at (?!\S*image\.h)"),
        Sign("BUG: "),
        Sign(
            "ftell: Illegal seek",
            message="CRIU feeds routes to the tool ip through a pipe, which ip cannot seek in: a defect of CRIU 3.0 "
            "with images that come over a connection.",
            weight=Weight.SURE,
        ),
        Sign(
            (
                "stack smashing detected",
                "free(): ",
                "malloc(): ",
                "double free",
                "corrupted size vs",
                "Assertion `",
                "assertion failed",
            ),
            r"^(?!\(\d+\.\d+\) pie).*",
        ),
        Sign(("segfault at", "segfault"), r"criu\[\d+\]: segfault|criu.*segfault"),
        Sign(form=r"Bad file descriptor|Bad address", weight=Weight.HINT),
        Sign(
            "Dump eventpoll (pid",
            weight=Weight.HINT,
            message="A process watches a descriptor (epoll) that it does not hold itself any more, or holds under "
            "another number, and this version of CRIU does not find it.",
        ),
        Sign(
            "an't add event on",
            r"Operation not permitted",
            weight=Weight.HINT,
            message="A process watches a descriptor (epoll) behind which now stands something that cannot be watched: "
            "CRIU put the descriptor back as something else than it was.",
        ),
        Sign(
            "mountinfo",
            r"Bad format in \d+ mountinfo: '(?!\d)",
            message="CRIU cut a long line of the list of mounts in two (overlay with many layers) and could not read "
            "the second half.",
            weight=Weight.SURE,
        ),
        Sign(
            "file owner pid",
            "No such process",
            weight=Weight.HINT,
            message="The process that a descriptor sends its signals to (F_SETOWN) is not there at the restore.",
        ),
        Sign(
            file="eventpoll.c pidfd.c eventfd.c signalfd.c timerfd.c",
            weight=Weight.PLACE,
            message="CRIU failed over a descriptor of the kernel's own (epoll, pidfd, eventfd, signalfd, timerfd), "
            "where as a rule only its own defects fail.",
        ),
        Sign(
            "Unable to open fd=",
            weight=Weight.REST,
            message="CRIU could not open a descriptor again, and does not say why: as a rule that is a defect of its "
            "own.",
        ),
        Sign(("O_o", "Run, run, run", "No suitable VM found", "already in use (called at"), weight=Weight.HINT),
        Sign(
            "read unixpacket",
            "EOF",
            weight=Weight.HINT,
            message="CRIU ended without a word while the engine waited for its answer: it crashed.",
        ),
        Sign(
            file="mem.c memfd.c shmem.c rst-malloc.c page-pipe.c pagemap-cache.c",
            weight=Weight.PLACE,
            message="CRIU failed while it handled memory of the task, where as a rule only its own defects and a lack "
            "of memory fail.",
        ),
    ),
    advice(
        "Use the newest release of CRIU, without local patches; if it persists, report it with the whole log at -v4."
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
