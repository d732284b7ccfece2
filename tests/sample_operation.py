"""A dump of the made-up host: its plan, held, finished, and an operation that does as it is told."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from tests.sample import CONNECTION, HOSTILE, SERVER_END, evidence, tcp_info
from workbench.evidence import Gap, LogLine, SocketTimer, Stage
from workbench.operation.plan import Plan, SocketFate
from workbench.operation.progress import End, Outcome, Progress, Proof, Step, StepState, Verdict, Watched
from workbench.operation.request import DumpRequest, Hold


def dump_plan(**changes: Any) -> Plan:
    """Of the server, held when its images are complete."""
    values: dict[str, Any] = {
        "kind": "dump",
        "request": DumpRequest(4645, "/var/lib/images", holds=frozenset({Hold.IMAGES_COMPLETE})),
        "title": "Dump server 4645: 1 connection kept, nftables lock",
        "processes": ("4645 root: /usr/bin/server --port 7022",),
        "sockets": (
            SocketFate(None, f"{SERVER_END} LISTEN", "restored listening"),
            SocketFate(None, f"{CONNECTION} ESTABLISHED", "kept: sequence numbers, both queues and options are dumped"),
        ),
        "connections": (CONNECTION,),
        "command": ("criu", "dump", "--tree", "4645", "--images-dir", "/var/lib/images", "--tcp-established"),
        "undo": "restore the images; until they are complete, turning back lets the process run on",
        "space_bytes": 14_500_000,
        "space_free_bytes": 80 << 30,
        "lock_cost_ms": 28.0,
        "root_pid": 4645,
        "command_name": "server",
    }
    return Plan(**(values | changes))


def log() -> tuple[LogLine, ...]:
    """Some lines of a dump, one of each kind."""
    return (
        LogLine(1, "", 0.004, message="Running pre-dump scripts", stage=Stage.PRE_DUMP),
        LogLine(2, "", 0.006, level="error", message="rlimit: Can't setup RLIMIT_NOFILE", harmless=True),
        LogLine(3, "", 0.021, level="warning", message="Failed to open dirty-track fd"),
        LogLine(4, "", 0.031, level="error", message=f"tcp: {HOSTILE}"),
        LogLine(5, "", 0.067, message="Writing image inventory (version 1)", stage=Stage.IMAGES_COMPLETE),
    )


def held() -> Progress:
    """Images complete, waiting for an answer."""
    found = evidence()
    assert not isinstance(found.sockets, Gap)
    assert not isinstance(found.sequences, Gap)
    assert not isinstance(found.locks, Gap)
    server, client = found.sockets[0], found.sockets[1]
    before, now = found.sequences[1], replace(found.sequences[1], repair=True)
    waiting = replace(
        client, timer=SocketTimer.RTO, timer_ms=900, retransmits=2, info=tcp_info(rto_us=816_000, backoff=2)
    )
    return Progress(
        plan=dump_plan(),
        elapsed_ms=340.0,
        steps=(
            Step("plan", StepState.DONE),
            Step("frozen", StepState.DONE, 1.0),
            Step("locked", StepState.DONE, 4.0),
            Step("images", StepState.HELD, 31.0),
            Step("ended", StepState.TODO),
        ),
        held=Hold.IMAGES_COMPLETE,
        locks=found.locks,
        watched=(Watched(CONNECTION, End(server, before), End(server, now), End(waiting, found.sequences[2])),),
        log=log(),
    )


def finished() -> Progress:
    """The same dump, gone on to its end."""
    steps = tuple(replace(step, state=StepState.DONE) for step in held().steps)
    proof = Proof(CONNECTION, Verdict.CONTINUED, "State and sequence numbers are those of the images.", {}, 590)
    return replace(held(), steps=steps, held=None, outcome=Outcome.SUCCEEDED, can_turn_back=False, proofs=(proof,))


class ScriptedOperation:
    """Publishes what it is told to: held at first, its end when it is let go on."""

    def __init__(self, first: Progress, last: Progress) -> None:
        self._first, self._last = first, last
        self.asked: list[str] = []

    def start(self, publish: Callable[[Progress], None]) -> None:
        self._publish = publish
        publish(self._first)

    def proceed(self) -> None:
        self.asked.append("proceed")
        self._publish(self._last)

    def turn_back(self) -> None:
        self.asked.append("turn back")
        self._publish(replace(self._last, outcome=Outcome.TURNED_BACK, proofs=()))

    def wait(self, timeout: float | None = None) -> Progress:
        del timeout
        return self._last
