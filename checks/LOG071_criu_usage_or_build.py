"""CRIU was called in a way that cannot work, or built without what was asked of it.

What it looks at
----------------
CRIU inside its own tree, options it does not know or that contradict each other, directories, plugins and servers
that are not there, features left out of the build, engines that find no CRIU.

Why it matters
--------------
Some mistakes are noticed before any process is touched: nothing is lost, and the call only has to be put right.

What to do
----------
Call it as the message says. CRIU must not be a descendant of what it dumps: start it from another shell, with setsid,
or as a service.

When it is wrong
----------------
"CRIU was built without libnftables support" as a warning is harmless unless nftables are really used.

References
----------
criu(8); criu/crtools.c, criu/config.c, criu/page-xfer.c, criu/plugin.c.
"""

from collections.abc import Iterator

from workbench.checking import Problem, Severity
from workbench.checking.engines import advice, handing_over, joined
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG071"
NAME = "criu-usage-or-build"
SINCE = "0.1"

SET_UP = advice(
    "Install criu where the engine runs and finds it (PATH), 3.11 or newer; `criu check` tells whether it works there.",
    docker='Turn experimental features on ("experimental": true in /etc/docker/daemon.json) and install criu where '
    "dockerd runs.",
    podman="Install criu 3.11 or newer and a runtime built with it: `podman info` and `crun --version` (+CRIU) tell.",
    kubernetes="Enable the feature gate ContainerCheckpoint of the kubelet, and use CRI-O with enable_criu_support, or "
    "containerd 2.0, with criu on the node.",
    crio="Set enable_criu_support = true in crio.conf and install criu.",
    lxd="Turn on the CRIU that the snap of LXD brings along: `snap set lxd criu.enable=true`, then restart LXD.",
)
"""What an engine needs before it can checkpoint anything."""

SCRIPT = advice(
    "Read what the script or the calling program printed itself: CRIU goes on only if it ends with 0. With an engine "
    "look at the engine's own log of that moment."
)

CAUSE = Cause(
    "CRIU was called in a way that cannot work here, or lacks something that it was built without.",
    (
        Sign(
            "criu itself is within dumped tree",
            message="CRIU was started by the process that it should dump: it cannot freeze itself.",
        ),
        Sign(
            ("file locks are hold by dumping tasks", "--file-locks"),
            r"[Ee]rror|locks are hold",
            message="A process holds a file lock, and CRIU was not told to dump locks (--file-locks).",
            advice=joined(
                handing_over("file-locks", podman="--file-locks", runc=True),
                advice("Give the restore the same option; `lslocks` shows who holds the lock."),
            ),
        ),
        Sign(
            ("no libnftables installed", "have no libnftables"),
            on_success=Severity.ERROR,
            message="This CRIU was built without libnftables: rules of nftables in the network namespace are neither "
            "dumped nor restored.",
            advice=advice("Install a CRIU that was built with libnftables on both hosts, and dump again."),
        ),
        Sign(
            "without libnftables support",
            beside=r"failed using nftables|Unable to restore nftables|network-lock[ =]nftables",
            weight=Weight.SURE,
            message="This CRIU was built without libnftables and cannot lock with nftables or restore rules of "
            "nftables.",
            advice=joined(
                advice("Install a CRIU that was built with libnftables; or lock with iptables:"),
                handing_over("network-lock", "iptables"),
            ),
        ),
        Sign("Unable to restore nftables"),
        Sign(
            (
                "lazy-pages.socket",
                "connect to lazy-pages",
                "an't connect to server",
                "an't bind page server",
                "an't init page server",
                "page-server",
            ),
            r"(?i:fail|error|can't|unable|refused)",
            message="The page server or the lazy-pages daemon was not there, or not where CRIU was told to look.",
            advice=advice(
                "Start the page server (or `criu lazy-pages`) first, and give both sides the same address and port, "
                "or the same directory (--work-dir) for the socket of lazy-pages."
            ),
        ),
        Sign(
            "nable to",
            r"nable to (?:set|restore) TCP_(?:CORK|NODELAY)",
            message="The descriptor that CRIU was given for the page server is no TCP socket.",
        ),
        Sign(
            (
                "unrecognized option",
                "unknown option",
                "Unknown option",
                "invalid argument for",
                "command is required",
                "Couldn't open image dir",
                "Can't open dir",
                "Can't open images directory",
                "images-dir or work-dir is required",
                "No subdirs are allowed in log_file",
                "an't create log file",
                "The --root option is required",
                "Unsupported configuration file format",
                "Invalid value for --network-lock",
                "excessive parameter",
                "option is deprecated",
                "Deprecated functionality",
                "inherit_fd is not allowed",
                "Dumped with --allow-uprobes",
                "Consider using --allow-uprobes",
                "Invalid inherit fd argument",
                "Use --force-irmap",
                "No parent path",
                "Failed to parse",
                "is only valid on restore",
                "is restore-only option",
                "is available for the restore command only",
                "cannot be used together",
                "cannot be used with the",
                "only makes sense with",
                "Unsupported empty namespace",
                "Conflicting flags: ",
                "Join namespaces failed",
                "an't access join-ns file",
                "setns when join-ns",
                "parent image directory provided",
            ),
            r"^(?!.*(?:ping_group_range|mountinfo|unknown option .?-w|/proc/uptime)).*",
        ),
        Sign(
            (
                "an't load plugin",
                "nable to load",
                "Missing required plugin",
                "read the libraries directory",
                "Corrupted plugin",
                "Failed in init(",
            ),
            message="A plugin of CRIU, or the directory with its plugins, cannot be loaded.",
            advice=advice(
                "Install the plugins of exactly this version of CRIU, or name their directory with --libdir "
                "(CRIU_LIBS_DIR in the environment)."
            ),
        ),
        Sign(
            (
                "error while loading shared libraries",
                "executable file not found in",
                "an't exec criu swrk",
                "criu",
                "CRIU",
            ),
            r"shared librar|executable file not found|exec criu swrk.*No such file|"
            r"(?i:\bcriu\b\W{0,3}(?:binary |executable |command |is |was )*(?:not found|not installed|no such file|"
            r"isn't installed|missing)|(?:find|locate) (?:the |a )?criu\b|criu version (?:must|check|is too|too old)|"
            r"at least criu|criu\b.{0,40}\bat least \d)",
            message="The engine did not find a CRIU that works, or only one that is too old.",
            advice=SET_UP,
        ),
        Sign(
            (
                "checkpoint/restore support",
                "not support checkpoint",
                "does not support checkpoint",
                "only supported",
                "experimental feature",
                "ContainerCheckpoint",
                "checkpointing is not",
                "heckpoint/restore",
                "unknown command",
            ),
            r"unknown command .{0,2}(?:checkpoint|restore)\b|"
            r"(?i:not support|disabled|only supported|feature gate|not enabled|not available|unimplemented)",
            message="The engine was not set up for checkpoints: the feature is off or its version has none.",
            advice=SET_UP,
            weight=Weight.HINT,
        ),
        Sign(
            "execvp(",
            r'execvp\("(?P<tool>(?!(?:\S*/)?(?:ip6?tables|xtables)\b)[^"]+)".*No such file',
            # It calls iptables through a shell: what it could not do without one is told there.
            without="Iptables configuration failed",
            message="A program that CRIU needs as a helper is not installed, or not in its PATH.",
            advice=advice("Install the program that the message names where CRIU runs, and put it into CRIU's PATH."),
        ),
        Sign(
            "running in 32-bit mode",
            message="A task runs in 32-bit mode, and this CRIU was built without support for that (CONFIG_COMPAT).",
        ),
        Sign(
            ("Unknown file lock", "Unresolved lock found", "Invalid file lock info"),
            message="A process holds a lock or a lease on a file of a kind that this CRIU does not know.",
        ),
        Sign(
            "Script ",
            r"Script \S+ exited with [1-9]",
            message="A script that CRIU was told to run (--action-script) failed.",
            advice=SCRIPT,
        ),
        Sign(
            (
                "One of more action scripts failed",
                "RPC client reported script error",
                "script failed with",
                "script ret code",
            ),
            message="A script or the program that called CRIU refused one of its steps.",
            advice=SCRIPT,
            weight=Weight.HINT,
        ),
        Sign(
            file="page-xfer.c uffd.c config.c crtools.c cr-service.c plugin.c file-lock.c cr-check.c tls.c",
            weight=Weight.PLACE,
        ),
    ),
    advice(
        "Call CRIU from outside the tree (another shell, setsid, a service), with directories and servers that exist.",
        "Use a CRIU that was built with what you ask for: `criu check --feature NAME` tells.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
