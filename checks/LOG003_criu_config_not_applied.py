"""The option stands in a configuration file, but CRIU did not get it.

What it looks at
----------------
A refusal that an option would lift (--tcp-established, --skip-in-flight, --file-locks, --network-lock and others)
beside signs that a configuration file with it exists: its contents, "Parsing config file", an annotation
org.criu.config, or half of the file's options taking effect.

Why it matters
--------------
Engines talk to CRIU through its RPC, whose values override /etc/criu/default.conf. runc hands over
/etc/criu/runc.conf only since 1.0-rc7, with CRIU 3.11 or later; crun has a file of its own. An option in the wrong
file changes nothing, silently.

What to do
----------
Put the option into the file that this runtime reads: /etc/criu/runc.conf for runc, /etc/criu/crun.conf for crun, or a
file named by the annotation org.criu.config. Look at the first lines of CRIU's log: it names each file that it
parsed.

When it is wrong
----------------
A file that was parsed may have lacked the option. Then the refusal is the plain one, and the remedy is the same file.

References
----------
runc docs/checkpoint-restore.md; criu/config.c; https://criu.org/Configuration_files
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG003"
NAME = "criu-config-not-applied"
SINCE = "0.1"

_CONFIGURED = r"Parsing config file \S*default\.conf|(?:Would overwrite|Overwriting) RPC settings|org\.criu\.config"

CAUSE = Cause(
    "The option that CRIU asks for stands in a configuration file, but did not reach CRIU: this runtime reads "
    "another file, or a value that it hands over by RPC overrides it.",
    (
        Sign(
            ("Connected TCP socket, consider using", "Connected TCP socket in image"),
            beside=rf"^[^-\w]*tcp-established\W*$|tcp-established.{{0,60}}\.conf|\.conf.{{0,80}}tcp-established|"
            rf"Will skip in-flight TCP|{_CONFIGURED}",
            without=r"Will dump/restore TCP connections|unknown flag",
            weight=Weight.SURE,
        ),
        Sign(
            ("In-flight connection (l)", "In-flight connections can be ignored"),
            beside=r"^[^-\w]*skip-in-flight\W*$|skip-in-flight.{0,60}\.conf|\.conf.{0,80}skip-in-flight",
            without=r"Will skip in-flight TCP",
            weight=Weight.SURE,
        ),
        Sign(
            "execvp(",
            r'execvp\(\\?"ip6?tables',
            beside=r"^[^-\w]*network-lock[ =:]+(?:nftables|skip|none)|overrid\w+ .{0,40}network.lock",
            weight=Weight.SURE,
        ),
        Sign("Some file locks are hold", beside=r"^[^-\w]*file-locks\W*$", weight=Weight.SURE),
        Sign("Can't dump ghost file", beside=r"^[^-\w]*ghost-limit\b", weight=Weight.SURE),
        Sign(("Use link-remap", "Can't create link remap"), beside=r"^[^-\w]*link-remap\W*$", weight=Weight.SURE),
        Sign(("ext-unix-sk", "half of stream unix"), beside=r"^[^-\w]*ext-unix-sk\W*$", weight=Weight.SURE),
    ),
    advice(
        "Look at the first lines of CRIU's log: they name each configuration file that was parsed.",
        docker="Use /etc/criu/runc.conf, not default.conf, with runc 1.0-rc7 or newer and CRIU 3.11 or newer.",
        podman="Use /etc/criu/crun.conf or runc.conf, whichever runtime `podman info` names, or podman's own flag.",
        kubernetes="Use /etc/criu/crun.conf or runc.conf on the node, whichever runtime the node uses.",
        runc="Use /etc/criu/runc.conf or the annotation org.criu.config, with runc 1.0-rc7 or newer.",
        crun="Use /etc/criu/crun.conf or the annotation org.criu.config.",
        containerd="Use /etc/criu/runc.conf, with runc 1.0-rc7 or newer.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
