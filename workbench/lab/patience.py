"""Whether ends of connections give up when the workbench says that they will: foretold and seen, side by side."""

import select
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from workbench.collect.sequences import SequenceReader
from workbench.collect.sock_diag import SockDiags
from workbench.collect.sockets import SocketReader
from workbench.collect.sysctls import collect_sysctls
from workbench.errors import WorkbenchError
from workbench.evidence import Gap, NetworkNamespace, TcpState
from workbench.evidence.outlook import TcpLimits, limits_of, outlook
from workbench.lab.lab import Lab
from workbench.lab.patience_cases import CASES, Case, Scene, Waiting

EVERY_S = 0.1
DEADLINE_S = 60.0


@dataclass(frozen=True, slots=True)
class Foretold:
    """One look; seconds on CLOCK_MONOTONIC."""

    at: float
    least: float
    most: float
    formula: str


@dataclass
class Watched:
    """One end, from the beginning of its silence to its end."""

    case: Case
    scene: Scene
    waiting: Waiting
    limits: TcpLimits
    began: float
    told: list[Foretold] = field(default_factory=list)
    ended: float | None = None

    @property
    def misses(self) -> list[Foretold]:
        """Looks whose range does not contain the end; how long a look takes is not held against them."""
        assert self.ended is not None
        slack = 2 * EVERY_S if self.waiting.held is None else EVERY_S / 2
        return [each for each in self.told if not each.least - slack <= self.ended <= each.most + slack]

    @property
    def widest(self) -> float:
        """Seconds between the bounds, at most."""
        return max(each.most - each.least for each in self.told)


def watch(cases: Iterable[Case]) -> list[Watched]:
    """Let all of them wait at once, look ten times a second, and return when all have given up."""
    diags, reader = SockDiags(), SequenceReader()
    with ExitStack() as open_scenes:
        try:
            watched = [_begin(case, open_scenes) for case in cases]
            namespaces = {each.scene.namespace.inode: each.scene.namespace for each in watched}
            deadline = time.monotonic() + DEADLINE_S
            while any(each.ended is None for each in watched):
                if time.monotonic() > deadline:
                    late = next(each.case.name for each in watched if each.ended is None)
                    raise WorkbenchError(f"{late}: it waits still after {DEADLINE_S:.0f} s")
                _look(watched, list(namespaces.values()), diags, reader)
                _await_errors(watched, EVERY_S)
        finally:
            diags.close()
            reader.close()
    return watched


def _begin(case: Case, open_scenes: ExitStack) -> Watched:
    scene = Scene()
    open_scenes.callback(scene.close)
    for name, value in case.settings.items():
        scene.run("sysctl", "-qw", f"net.ipv4.tcp_{name}={value}")
    sysctls, _ = collect_sysctls((scene.namespace,))
    assert not isinstance(sysctls, Gap)
    waiting = case.make(scene)
    return Watched(case, scene, waiting, limits_of(sysctls, scene.namespace.inode), time.monotonic())


def _look(
    watched: Sequence[Watched], namespaces: Sequence[NetworkNamespace], diags: SockDiags, reader: SequenceReader
) -> None:
    found, _ = SocketReader(diags).read(namespaces)
    listed_at = time.monotonic()
    table = reader.read()
    read_at = time.monotonic()
    if isinstance(found, Gap) or isinstance(table, Gap):
        raise WorkbenchError("sockets or their sequence numbers could not be read")
    ends = {
        (each.netns, each.local.port): each for each in found if each.state not in {TcpState.LISTEN, TcpState.CLOSE}
    }
    for each in watched:
        if each.ended is not None:
            continue
        seen = ends.get((each.scene.namespace.inode, each.waiting.port))
        if seen is None:
            if each.waiting.held is None:
                each.ended = listed_at
            continue
        numbers = table.get(seen.cookie)
        ahead = outlook(seen, numbers, each.limits, reader.hz)
        if ahead.ends:
            at = read_at if numbers else listed_at
            each.told.append(Foretold(at, at + ahead.ends.least / 1000, at + ahead.ends.most / 1000, ahead.formula))


def _await_errors(watched: Sequence[Watched], seconds: float) -> None:
    """Wait, and note the time at which the kernel reports an error on a socket that is held."""
    ends = {each.waiting.held.fileno(): each for each in watched if each.waiting.held and each.ended is None}
    poll = select.poll()
    for descriptor in ends:
        poll.register(descriptor, 0)  # POLLERR and POLLHUP come unasked
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        for descriptor, _ in poll.poll(left * 1000):
            ends[descriptor].ended = time.monotonic()
            poll.unregister(descriptor)


def wait_out(lab: Lab, *, cases: Sequence[str] = ()) -> Mapping[str, object]:
    """Ends of connections, on networks of their own, wait until they give up; raise WorkbenchError if one surprises."""
    if unknown := [name for name in cases if name not in CASES]:
        raise WorkbenchError(f"there is no case {unknown[0]}", f"there are {', '.join(CASES)}")
    watched = watch(CASES[name] for name in cases or CASES)
    if surprised := [each.case.name for each in watched if each.misses]:
        raise WorkbenchError(f"not within the range that was foretold: {', '.join(surprised)}")
    return {"cases": [_row(each) for each in watched]}


def _row(watched: Watched) -> Mapping[str, object]:
    first = watched.told[0]
    return {
        "case": watched.case.name,
        "foretold_s": f"{first.least - watched.began:.1f} to {first.most - watched.began:.1f}",
        "gave_up_s": round((watched.ended or watched.began) - watched.began, 1),
        "by": first.formula,
    }
