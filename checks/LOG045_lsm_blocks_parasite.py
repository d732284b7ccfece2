"""AppArmor or SELinux forbade what CRIU does inside the task.

What it looks at
----------------
"Unable to connect a transport socket: Permission denied", denials of AppArmor and SELinux beside a failure, profiles
that cannot be restored, mappings that a restored task may not make.

Why it matters
--------------
CRIU's parasite runs inside the task and is confined by the task's profile. It must connect to CRIU's UNIX socket and
map executable memory; profiles of single programs (dhclient, ntpd) and SELinux booleans forbid that.

What to do
----------
Put the profile into complain mode for the time of the dump, or allow the access; with SELinux look at ausearch -m avc
and the container's type.

When it is wrong
----------------
A denial in the log may belong to another program: look at its pid and time.

References
----------
compel/src/lib/infect.c; criu/lsm.c, criu/apparmor.c; apparmor(7).
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG045"
NAME = "lsm-blocks-parasite"
SINCE = "0.1"

CAUSE = Cause(
    "A security module (AppArmor or SELinux) forbade what the code does that CRIU runs inside the task for a moment.",
    (
        Sign(("onnect a transport socket", "onnect transport socket"), r"Permission denied"),
        Sign(
            (
                "write lsm profile",
                "apparmor parsing failed",
                "couldn't write policy for",
                "LSM specified but",
                "check selinux execmem",
            )
        ),
        Sign(('apparmor="DENIED"', "avc:  denied", "avc: denied", "SELinux is preventing"), weight=Weight.CAUSE),
        Sign(
            "apping with 0x",
            r"an't restore 0x[0-9a-f]+ mapping with 0xf+3$",
            message="A security module, as a rule SELinux, forbade the restored task to map a file or memory (the "
            "error in hexadecimal is EACCES).",
        ),
        Sign(
            ("reply from daemon is trimmed", "Can't switch parasite"),
            beside=r"SELinux|selinux|Enforcing|[Aa]pp[Aa]rmor",
            weight=Weight.HINT,
        ),
        Sign(
            "mprotect",
            r"compel_syscall for mprotect failed|remote_mprotect failed",
            weight=Weight.HINT,
            message="The code that CRIU puts into the task could not make its memory executable: as a rule a security "
            "module forbids that.",
        ),
        Sign("allow ", r"^\W*allow \w+_t \w+:?\w*", weight=Weight.HINT),
        Sign(("mismatched lsm types", "lsm-profile", "lsm_profile"), r"Error|error|failed", weight=Weight.HINT),
        Sign(file="lsm.c apparmor.c", weight=Weight.PLACE),
    ),
    advice(
        "AppArmor: put the profile that the kernel log names into complain mode (`aa-complain PROFILE`) for the "
        "dump, or remove profiles that are no longer used (`aa-remove-unknown`).",
        "SELinux: look at `ausearch -m avc -ts recent` and allow that access, or run the container with another type.",
        lxd="Put the profile of the program inside the container into complain mode there.",
        podman="Install container-selinux as new as podman, or try --security-opt label=disable.",
        docker="Start the container with --security-opt apparmor=unconfined.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
