"""The network namespace of the target ends with it: a restore would have nowhere to go.

What it looks at
----------------
Whether anything but the process tree that is to be dumped keeps its network namespace alive: another process, or a
name under /run/netns.

Why it matters
--------------
When the dumped tree ends, the last process has left the namespace, and the kernel takes it away with its addresses,
routes and rules, and with CRIU's lock. The connections then have no place to come back to, and their peers, which
nothing protects any more, are answered with resets or by silence.

What to do
----------
Give the namespace a name before the dump: `ip netns attach NAME PID`.

When it is wrong
----------------
A container engine makes the namespace anew, or CRIU saves it along (it does where it runs outside of it).

References
----------
network_namespaces(7), ip-netns(8); criu/net.c (dump_net_ns).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import namespace_name
from workbench.checking.targets import dumped, dumped_processes
from workbench.evidence import NetworkNamespace, Process, Target

CODE = "PRC015"
NAME = "namespace-ends-with-target"
SINCE = "0.1"


def check(
    namespaces: tuple[NetworkNamespace, ...], processes: Mapping[int, Process], target: Target
) -> Iterator[Problem]:
    """One warning for each such namespace; none for a container."""
    pids = dumped(target)
    tree = list(dumped_processes(processes, target))
    if any(each.container for each in tree):
        return
    homes = {each.namespaces.net for each in tree}
    for netns in namespaces:
        if netns.inode not in homes or netns.is_host or netns.names or set(netns.pids) - pids:
            continue
        if not netns.path.startswith("/proc/"):
            continue  # mounted somewhere without a name of ip-netns(8)
        place = namespace_name(netns.inode, namespaces)
        yield Problem(
            Severity.WARNING,
            Subject("netns", place, {"netns": netns.inode, "pids": tuple(sorted(pids))}),
            f"Nothing but the target keeps {place} alive: it ends with the dump, and takes addresses and lock along.",
            facts={"netns": netns.inode},
            quotes=(Quote("namespaces", f"net:[{netns.inode}] no name, no other process"),),
            fixes=(
                Fix("Give it a name before the dump.", ("ip", "netns", "attach", "NAME", str(min(netns.pids or pids)))),
            ),
        )
