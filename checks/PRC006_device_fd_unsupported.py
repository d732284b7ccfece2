"""A process of the tree has a device open that CRIU cannot save.

What it looks at
----------------
Open character and block devices of the process tree that is to be dumped, other than the harmless ones (null, zero,
full, random, urandom).

Why it matters
--------------
What a program did with a device lies in the device's driver. CRIU needs a plugin for it (amdgpu and cuda have one),
and otherwise stops: `Can't dump file ... of type chr`.

What to do
----------
Let the program close the device before the dump, or give CRIU the plugin (`--libdir`).

When it is wrong
----------------
/dev/net/tun and the plugins' own devices can be dumped.

References
----------
criu/files-ext.c, criu/tun.c; criu-plugins.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import process_subject
from workbench.checking.targets import dumped
from workbench.evidence import Descriptor, DescriptorKind, Gap, Process, Target

CODE = "PRC006"
NAME = "device-fd-unsupported"
SINCE = "0.1"

HARMLESS = {f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "net/tun")}


def check(
    descriptors: tuple[Descriptor, ...],
    processes: Mapping[int, Process] | Gap,
    target: Target,
) -> Iterator[Problem]:
    """One problem for each device of each process."""
    seen: set[tuple[int, str]] = set()
    for item in descriptors:
        path = item.target.removesuffix(" (deleted)")  # CRIU makes a removed device node again
        if item.kind is not DescriptorKind.DEVICE or item.pid not in dumped(target) or path in HARMLESS:
            continue
        if (item.pid, item.target) in seen:
            continue
        seen.add((item.pid, item.target))
        yield Problem(
            Severity.WARNING,
            process_subject(item.pid, processes),
            f"It has the device {item.target} open, and CRIU cannot save what a device holds without a plugin for it.",
            facts={"fd": item.fd},
            quotes=(Quote("descriptors", f"{item.pid} fd {item.fd} -> {item.target}"),),
            fixes=(Fix("Let the program close the device before the dump, or give CRIU its plugin."),),
        )
