"""A socket has settings that no image carries: they will be lost without a word.

What it looks at
----------------
All options of the sockets of the process tree that is to be dumped, against those of a new socket of the same kind in
the same network namespace: what differs and is not among those that CRIU saves will be lost. Where the sockets may not
be asked, congestion control and TCP_USER_TIMEOUT are told by the kernel's lists.

Why it matters
--------------
CRIU reports success, and the restored connection behaves differently: another congestion control, no user timeout (so
that a dead peer is noticed after 15 minutes instead of the seconds that the program asked for), no path MTU discovery,
or no ancillary messages any more where the program waits for them.

What to do
----------
Let the program set the option again after the restore, for example on a signal; or make the congestion control the
default of the namespace in which it is restored.

When it is wrong
----------------
The setting may not matter to the program. Memberships in multicast groups and TCP_WINDOW_CLAMP of a connection are
lost, too, and cannot be told.

References
----------
criu/sockets.c, criu/sk-tcp.c (dump_tcp_opts); tcp(7).
"""

from collections.abc import Iterator, Mapping, Sequence

from workbench.checking import Fix, Problem, Severity
from workbench.checking.phrases import listed
from workbench.checking.survival import Answer, Verdict
from workbench.checking.survival.options import VITAL
from workbench.checking.survival.words import caused, quotes, subject, what
from workbench.checking.targets import dumped_sockets
from workbench.evidence import BorrowedSocket, Gap, Process, Sequences, Socket, Sysctl, Target

CODE = "SCK011"
NAME = "option-not-in-image"
SINCE = "0.1"


def check(
    verdicts: tuple[Verdict, ...],
    sockets: Sequence[Socket],
    borrowed: Mapping[int, BorrowedSocket] | Gap,
    sysctls: tuple[Sysctl, ...] | Gap,
    sequences: Mapping[int, Sequences] | Gap,
    processes: Mapping[int, Process] | Gap,
    target: Target,
) -> Iterator[Problem]:
    """One problem for each socket that loses something: a warning if the program would behave differently."""
    asked = {} if isinstance(borrowed, Gap) else borrowed
    known = () if isinstance(sysctls, Gap) else sysctls
    defaults = {item.netns: item.value for item in known if item.name == "net.ipv4.tcp_congestion_control"}
    told = {socket.inode: _told(socket, defaults, sequences) for socket in dumped_sockets(sockets, target)}
    found: dict[str, tuple[Verdict, list[str]]] = {}
    for verdict in caused(verdicts, NAME):
        lost = verdict.facts["lost"]
        if isinstance(lost, list):
            found.setdefault(what(verdict), (verdict, []))[1].extend(lost)
    for socket in dumped_sockets(sockets, target):
        if socket.inode not in asked and told[socket.inode]:
            verdict = Verdict(Answer.LOSES, NAME, "", socket=socket)
            found.setdefault(what(verdict), (verdict, []))[1].extend(told[socket.inode])
    for name, (verdict, lost) in found.items():
        vital = any(option in VITAL for each in lost for option in each.split(" ", 1)[:1])
        yield Problem(
            Severity.WARNING if vital else Severity.NOTE,
            subject(verdict, processes),
            f"{name} has settings that no image can carry; they will be gone after the restore: {listed(lost)}.",
            facts={"lost": lost},
            quotes=quotes(verdict),
            fixes=(Fix("Let the program set it again after the restore, if it matters."),),
        )


def _told(socket: Socket, defaults: Mapping[int | None, str], sequences: Mapping[int, Sequences] | Gap) -> list[str]:
    """What the kernel's lists tell of a socket that could not be asked; ``defaults`` by network namespace."""
    default = defaults.get(socket.netns, socket.congestion)
    lost = []
    if socket.peer.port and socket.congestion and socket.congestion != default:
        lost.append(f"TCP_CONGESTION {socket.congestion} (back to {default})")
    timers = None if isinstance(sequences, Gap) else sequences.get(socket.cookie)
    if timers and timers.user_timeout_ms:
        lost.append(f"TCP_USER_TIMEOUT {timers.user_timeout_ms} (back to 0)")
    return lost
