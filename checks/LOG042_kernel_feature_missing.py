"""The kernel was built without something that CRIU needs.

What it looks at
----------------
Probes at CRIU's start that failed ("kerndat_... failed when initializing kerndat"), calls that are not implemented,
files of /proc that do not exist, and the requirements that `criu check` prints.

Why it matters
--------------
CRIU needs CONFIG_CHECKPOINT_RESTORE and what depends on it. Kernels of small computers, of appliances, WSL and
hardened builds leave parts out; so do emulators and sandboxes that imitate a kernel.

What to do
----------
Run `criu check`, and use a kernel that has what it names (CONFIG_CHECKPOINT_RESTORE, namespaces, EVENTFD, EPOLL, the
*_DIAG options, IPv6).

When it is wrong
----------------
A probe can also fail for lack of rights (missing-capability).

References
----------
criu/kerndat.c, criu/cr-check.c; https://criu.org/Linux_kernel
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG042"
NAME = "kernel-feature-missing"
SINCE = "0.1"

CAUSE = Cause(
    "The kernel lacks something that CRIU needs; it was built without it.",
    (
        Sign(form=r"Function not implemented|not supported|No such (?:file|device)|Protocol not", file="kerndat.c"),
        Sign(
            "failed when initializing kerndat",
            r"(?P<probe>\w+) failed when",
            without=r"kerndat_vdso_fill",
            weight=Weight.HINT,
        ),
        Sign(
            (
                "System call kcmp is not supported",
                "Tracking memory is not available",
                "but kernel lacks get_rseq_conf",
                "probably lacks the support for mremapping",
                "Compatible mode without vdso map support",
                "syscall is not supported",
            ),
            r"Error|System call",
        ),
        Sign(("UFFD is not supported", "autofs not supported"), "Error", weight=Weight.HINT),
        Sign(
            ("CHECKPOINT_RESTORE", "CONFIG_"),
            r"CONFIG_(?!NETFILTER)\w+.*(?:not set|=n|missing|disabled|is required|turned on)|"
            r"CHECKPOINT_RESTORE.*(?:not set|=n|missing|disabled)",
        ),
        Sign(
            ("ipv6", "IPv6", "ip6"),
            r"(?:/proc/sys/net/ipv6|dgram socket|inet socket).*(?:No such file|not supported by protocol)|"
            r"get_ipv6 failed",
            message="The kernel has no IPv6, or it is turned off; the images or CRIU need it.",
        ),
        Sign(
            "an't create inet socket",
            r"(?:Address family|Protocol) not supported",
            message="The kernel lacks the address family or the protocol of a socket in the images.",
        ),
        Sign(
            ("map_files", "ns_last_pid", "/children on procfs", "clear_refs", "timens_offsets"),
            "No such file or directory",
        ),
        Sign(
            ("is inaccessible", "sysctl is missing", "file is missing.", "directory is missing"),
            r"inaccessible: No such file|is missing",
            file="cr-check.c",
        ),
        Sign("Does not look good", weight=Weight.HINT),
        Sign("PR_SET_MM", r"PR_SET_MM\w*(?: is not supported|.*failed with -22)", weight=Weight.HINT),
        Sign(form=r"Function not implemented", weight=Weight.HINT),
        Sign("Could not initialize kernel features detection", weight=Weight.PLACE),
        Sign(file="kerndat.c cr-check.c", weight=Weight.PLACE),
    ),
    advice(
        "Run `criu check` and use a kernel that has what it names, first of all CONFIG_CHECKPOINT_RESTORE.",
        "In an emulator, a sandbox or a small computer's system use a full distribution kernel instead.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
