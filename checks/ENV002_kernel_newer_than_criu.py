"""The kernel is newer than this CRIU can bear.

What it looks at
----------------
The versions of CRIU and of the kernel. Known borders: from Linux 6.13 on CRIU 4.1 or newer is needed (the vDSO's data
pages), from 6.16 on CRIU 4.2 (SO_PASSCRED of inet sockets).

Why it matters
--------------
CRIU copies what the kernel keeps inside of every process, and each kernel may change it. An older CRIU fails before
it looks at anything (`vdso: Unexpected rt vDSO area bounds`), or at the first socket (`Can't get 1:16 opt: Operation
not supported`).

What to do
----------
Use a newer CRIU; `make setup` makes one.

When it is wrong
----------------
Distributions carry fixes back into older versions. If the workbench has seen this CRIU dump and restore here, nothing
is said.

References
----------
criu/vdso.c, criu/sockets.c; CRIU issues 2532, 2705, 2804.
"""

import re
from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence import Host

CODE = "ENV002"
NAME = "kernel-newer-than-criu"
SINCE = "0.1"

BORDERS = (((6, 16), (4, 2), "it cannot read the options of any socket"), ((6, 13), (4, 1), "it does not start at all"))
"""Kernel from, CRIU from, and what happens below it."""


def check(host: Host) -> Iterator[Problem]:
    """One problem for the first border that is crossed."""
    tool = host.criu
    if tool is None or tool.works:
        return
    kernel, version = _numbers(host.kernel_release), _numbers(tool.version)
    for from_kernel, from_criu, what in BORDERS:
        if kernel >= from_kernel and version < from_criu:
            needed = ".".join(map(str, from_criu))
            yield Problem(
                Severity.ERROR,
                Subject("host", host.hostname, {"host": host.hostname, "criu": tool.path}),
                f"CRIU {tool.version} ({tool.path}) is too old for Linux {host.kernel_release}: {what}. "
                f"This kernel needs CRIU {needed} or newer.",
                facts={"criu": tool.version, "kernel": host.kernel_release, "needed": needed},
                quotes=(Quote("host", f"criu {tool.version}, Linux {host.kernel_release}"),),
                fixes=(Fix("Make one that works on this kernel.", ("make", "setup")),),
                weight=2,
            )
            return


def _numbers(version: str) -> tuple[int, ...]:
    found = re.match(r"(\d+)\.(\d+)", version)
    return (int(found[1]), int(found[2])) if found else ()
