"""A process of the tree has a terminal whose other end is outside of the tree.

What it looks at
----------------
Controlling terminals and open terminals of the process tree that is to be dumped.

Why it matters
--------------
A terminal belongs to whoever started the program: a shell, sshd, tmux. CRIU can dump its end only with `--shell-job`,
and then the restore must itself be started on a terminal, which takes its place.

What to do
----------
Start the program without a terminal (`setsid program </dev/null >log 2>&1`), or add `--shell-job` to the dump and to
the restore, and restore from a real terminal.

When it is wrong
----------------
If the program that has the other end of the terminal is in the tree too (tmux, screen), nothing is needed.

References
----------
criu/tty.c; criu(8), --shell-job.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity
from workbench.checking.phrases import listed, process_subject
from workbench.checking.targets import dumped_processes
from workbench.evidence import Descriptor, DescriptorKind, Gap, Process, Target

CODE = "PRC003"
NAME = "tty-external"
SINCE = "0.1"


def check(
    processes: Mapping[int, Process],
    descriptors: tuple[Descriptor, ...] | Gap,
    target: Target,
) -> Iterator[Problem]:
    """One problem for each process with a terminal, unless the tree has the master's end (/dev/ptmx)."""
    opened = () if isinstance(descriptors, Gap) else descriptors
    if any(item.target in {"/dev/ptmx", "/dev/pts/ptmx"} for item in opened):
        return
    for process in dumped_processes(processes, target):
        terminals = [item for item in opened if item.pid == process.pid and item.kind is DescriptorKind.TERMINAL]
        if not terminals and not process.tty_nr:
            continue
        what = listed(dict.fromkeys(item.target for item in terminals)) or "a controlling terminal"
        yield Problem(
            Severity.WARNING,
            process_subject(process.pid, processes),
            f"It has {what}, whose other end belongs to a program outside of the tree: the dump needs --shell-job, and "
            "the restore must be started on a terminal.",
            facts={"tty_nr": process.tty_nr, "fds": [item.fd for item in terminals]},
            quotes=tuple(Quote("descriptors", f"{item.pid} fd {item.fd} -> {item.target}") for item in terminals[:3]),
            fixes=(
                Fix("Start the program without a terminal: setsid PROGRAM </dev/null >LOG 2>&1"),
                Fix("Or add --shell-job to the dump and to the restore."),
            ),
        )
