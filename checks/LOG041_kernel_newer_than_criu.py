"""The kernel has changed in a way that this version of CRIU does not know.

What it looks at
----------------
Messages that older CRIU prints on newer kernels: vDSO bounds (Linux 6.13), socket options 1:16 and 1:34 (6.16), veth
pairs refused (7.1), more capabilities than known, lines of /proc in a new form, processor state of a new kind.

Why it matters
--------------
CRIU reads and rebuilds what the kernel has; each kernel adds something. Distributions often pair a new kernel with an
old CRIU.

What to do
----------
Upgrade CRIU: 4.1 for Linux 6.13, 4.2 for 6.16. Or boot an older kernel.

When it is wrong
----------------
With a self-built kernel a part may be missing instead of new (kernel-feature-missing).

References
----------
criu/vdso.c, criu/sockets.c (dump_socket_opts), criu/proc_parse.c;
https://github.com/checkpoint-restore/criu/issues/2532, 2705, 2829
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG041"
NAME = "kernel-newer-than-criu"
SINCE = "0.1"

CAUSE = Cause(
    "This kernel is newer than the version of CRIU knows: it presents or refuses something that CRIU cannot make "
    "sense of.",
    (
        Sign(
            (
                "Unexpected rt vDSO area bounds",
                "kerndat_vdso_fill_symtable failed",
                "vvar_vclock",
                "Unexpected rt-vdso",
                "Found VVAR area without support",
                "Found vDSO area without support",
            ),
            message="This CRIU does not know the vDSO of this kernel (Linux 6.13 and later need CRIU 4.1).",
        ),
        Sign(
            ("an't get 1:", "an't set 1:"),
            r"1:(?P<option>16|34) (?:opt|\(len \d+\)): (?:Operation )?[Nn]ot supported",
            message="This kernel refuses SO_PASSCRED and SO_PASSSEC on inet sockets (Linux 6.16 and later), which "
            "CRIU before 4.2 asks for: no process with an inet socket can be dumped.",
        ),
        Sign(
            ("Can't restore link", "couldn't restore veth interface"),
            beside=r"-1 reported by netlink",
            weight=Weight.SURE,
            message="The kernel refused to create the veth pair: Linux 7.1 and later want rights in the peer's "
            "network namespace too, which CRIU gives up before.",
        ),
        Sign("Kernel reports more capabilities than this CRIU supports"),
        Sign(
            (
                "xfeatures has unsupported bits",
                "max xsave frame exceed",
                "an't set FPU registers",
                "an't obtain FPU registers",
                "an't set xstate for",
            ),
            r"Error",
            message="The processor and kernel keep more state for each task than this version of CRIU knows.",
        ),
        Sign(
            (
                "Bad maps format",
                "two nonconsecutive vvar",
                "unsupported RSEQ ABI version",
                "Special mapping meet twice",
                "Unknown VMA",
                "Parse error in posix timers",
                "Bad format in",
            )
        ),
        Sign(
            file="vdso.c vdso-compat.c util-vdso.c pie-util-vdso.c parasite-vdso.c",
            weight=Weight.HINT,
            message="This CRIU cannot make sense of the vDSO of this kernel, or of the one in the images.",
        ),
        Sign(file="proc_parse.c", weight=Weight.PLACE),
    ),
    advice(
        "Upgrade CRIU: 4.1 or newer for Linux 6.13, 4.2 or newer for Linux 6.16; `workbench doctor` says whether the "
        "installed one works here.",
        "Or boot an older kernel.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
