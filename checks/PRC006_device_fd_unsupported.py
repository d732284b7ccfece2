"""A process of the tree has a device open that CRIU cannot save.

What it looks at
----------------
Open character and block devices of the process tree that is to be dumped, other than those of
memory (null, zero, full, random, urandom, kmsg).

Why it matters
--------------
What a program did with a device lies in the device's driver. CRIU needs a plugin for it (amdgpu and cuda have one),
and otherwise stops: `Can't dump file 4 of that type [20600] (chr 10:229)`. A tun device it can dump, but only together
with its network namespace: `Net namespace is required to dump tun link`.

What to do
----------
Let the program close the device before the dump, or give CRIU the plugin (`--libdir`).

When it is wrong
----------------
The device is one of a plugin's own, or a tun device of a container that is dumped with its network namespace.

References
----------
criu/files-ext.c, criu/tun.c; criu-plugins.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, quotes, severity, subject, what
from workbench.evidence import Gap, Process

CODE = "PRC006"
NAME = "device-fd-unsupported"
SINCE = "0.1"


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each device of each process."""
    seen: set[tuple[int, str]] = set()
    for verdict in caused(verdicts, NAME):
        each = verdict.descriptor
        if each is None or (each.pid, each.target) in seen:
            continue
        seen.add((each.pid, each.target))
        yield Problem(
            severity(verdict),
            subject(verdict, processes),
            f"It has the device {each.target} open as {what(verdict)}: {verdict.reason}.",
            facts={"fd": each.fd},
            quotes=quotes(verdict),
            fixes=(Fix("Let the program close the device before the dump, or give CRIU its plugin."),),
        )
