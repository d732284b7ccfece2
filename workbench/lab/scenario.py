"""Scenarios: what each file of fixtures/scenarios says, checked field by field."""

import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from typing import Any, TypeVar

from workbench.errors import WorkbenchError
from workbench.evidence import TcpState
from workbench.evidence.attribution import Cause
from workbench.lab.programs.arguments import endpoint
from workbench.operation.progress import Verdict
from workbench.operation.request import LockMethod, Policy

Record = TypeVar("Record")
MOST_HOSTS = 4


@dataclass(frozen=True, slots=True)
class HostDescription:
    """A host: a network namespace of its own. One alone has its loopback device; two are joined by a cable, more by a
    switch."""

    addresses: tuple[str, ...]
    """With the length of the prefix: ``10.77.0.2/24``; none where the loopback device is enough."""
    rate_kbit: int | None = None
    """No more than this leaves the host, kbit/s; None for no bound."""
    own_pids: bool = False
    """It has process ids of its own, like another machine: a process can move there and keep its pid."""


@dataclass(frozen=True, slots=True)
class ServerProgram:
    """The program that is dumped: it accepts connections and talks on each of them."""

    host: str
    listen: str
    """``10.77.0.2:7022``, ``[fd77::2]:7022``."""
    writes: int | None = None
    """Bytes a second on each connection; None for as many as the socket takes. Likewise the following."""
    reads: int | None = None
    send_buffer: int | None = None
    """SO_SNDBUF in bytes; None as the kernel tunes it. Likewise the following."""
    receive_buffer: int | None = None
    unit: int | None = None
    """Bytes of one unit of its streams, the same at both ends; None for one record. Long ones are verified faster."""
    also: tuple[str, ...] = ()
    """What it has beside its connections, by the names of ``programs.also``."""
    accepts: bool = True
    """Otherwise clients wait in its queue for ever."""
    closes: bool = True
    """A connection that its peer has ended; otherwise it leaks them."""
    parent: str = "host"
    """``host`` reaps it the moment it ends; ``careless`` never does, and shares its session with it; ``container``
    puts it into a container of runc."""


@dataclass(frozen=True, slots=True)
class ClientProgram:
    """A program that connects to the server and is not dumped."""

    host: str
    verdict: Verdict = Verdict.CONTINUED
    """What becomes of its connections in an operation."""
    connections: int = 1
    connects: str = "before"
    """``before`` the operation, or ``after`` it: to a port that listened all the time."""
    writes: int | None = None
    reads: int | None = None
    send_buffer: int | None = None
    receive_buffer: int | None = None
    unit: int | None = None


@dataclass(frozen=True, slots=True)
class Situation:
    """What must be so at the dumped end, on each connection, before the operation begins."""

    state: TcpState = TcpState.ESTABLISHED
    verified: int = 0
    """Bytes that both ends have verified, in each direction."""
    unread: int = 0
    """Bytes in the receive queue, at least. Likewise the following."""
    in_flight: int = 0
    """Bytes sent and not acknowledged."""
    unsent: int = 0
    """Bytes written by the program and never sent."""


@dataclass(frozen=True, slots=True)
class OperationDescription:
    """What is done: the server is dumped and restored."""

    lock: LockMethod
    policy: Policy


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that is done on the way to what the checks are to find; see ``lab.acts``."""

    act: str
    arguments: Mapping[str, Any] = field(hash=False)


@dataclass(frozen=True, slots=True)
class Expectation:
    """What the scenario promises, beside the verdicts of the connections."""

    checks: tuple[str, ...]
    """Codes of the checks that fire; no other finds anything that is a warning or worse."""
    verified: int = 0
    """Bytes that both ends verify on each connection after the operation, in each direction."""
    resets: tuple[Cause, ...] = ()
    """Who resets its connections in a course: causes of ``evidence.attribution``, all of them."""
    judged_for: str = ""
    """``dump`` of the server or ``restore`` of its images: what the checks judge it for; empty for as it is."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One situation on real connections, what is done to it, and what must come of it."""

    name: str
    """Name of its file."""
    title: str
    shows: str
    """What a person can learn from it, a few sentences."""
    hosts: Mapping[str, HostDescription] = field(hash=False)
    server: ServerProgram
    situation: Situation
    expectation: Expectation
    clients: tuple[ClientProgram, ...] = ()
    operation: OperationDescription | None = None
    """What the workbench does; None if a course is followed instead."""
    course: tuple[Act, ...] = field(default=(), hash=False)
    """What is done by others, step by step."""


def directory() -> Path:
    """Where the scenarios lie: ``fixtures/scenarios`` in a source tree, beside the package's modules in a wheel."""
    package = Path(__file__).resolve().parent.parent
    in_tree = package.parent / "fixtures" / "scenarios"
    return in_tree if in_tree.is_dir() else package / "_scenarios"


def names() -> tuple[str, ...]:
    """Names of all scenarios, in alphabetical order."""
    return tuple(sorted(path.stem for path in directory().glob("*.toml")))


def load(name: str) -> Scenario:
    """One scenario by its name. Raises WorkbenchError if there is none, or if its file is wrong."""
    if name not in names():
        raise WorkbenchError(f"there is no scenario {name}", f"there are {', '.join(names())}")
    return parse(name, (directory() / f"{name}.toml").read_bytes())


def parse(name: str, data: bytes) -> Scenario:
    """A scenario from the bytes of its file. Raises WorkbenchError that names what is wrong."""
    try:
        table = tomllib.loads(data.decode())
    except ValueError as error:
        raise WorkbenchError(f"scenario {name} is no TOML: {error}") from error
    try:
        scenario = _scenario(name, table)
        _agree(scenario)
    except (TypeError, ValueError, KeyError, AttributeError) as error:
        raise WorkbenchError(f"scenario {name}: {error}") from error
    return scenario


def _scenario(name: str, table: dict[str, Any]) -> Scenario:
    return _make(Scenario, "", table, {
        "name": lambda _: name,
        "hosts": lambda hosts: {key: _make(HostDescription, f"hosts.{key}", value, {"addresses": tuple})
                                for key, value in hosts.items()},
        "server": lambda value: _make(ServerProgram, "server", value, {"also": tuple}),
        "clients": lambda rows: tuple(_make(ClientProgram, "clients", row, {"verdict": Verdict}) for row in rows),
        "situation": lambda value: _make(Situation, "situation", value, {"state": TcpState.__getitem__}),
        "operation": lambda value: _make(
            OperationDescription, "operation", value, {"lock": LockMethod, "policy": Policy}),
        "course": lambda rows: tuple(Act(row["act"], {key: row[key] for key in row if key != "act"}) for row in rows),
        "expectation": lambda value: _make(
            Expectation, "expectation", value, {"checks": tuple, "resets": lambda names: tuple(map(Cause, names))}),
    }, {"name": name})  # fmt: skip


def _make(
    kind: type[Record],
    place: str,
    table: Mapping[str, Any],
    readers: Mapping[str, Any] | None = None,
    known: Mapping[str, Any] | None = None,
) -> Record:
    """A record of a table: every key is a field, every field without a default is there, every value of its type."""
    where = f"[{place}] " if place else ""
    given = {**table, **(known or {})}
    allowed = {one.name: one for one in fields(kind)}  # type: ignore[arg-type]
    if unknown := given.keys() - allowed.keys():
        raise ValueError(f"{where}has no field {', '.join(sorted(unknown))}")
    needed = {name for name, one in allowed.items() if one.default is MISSING and one.default_factory is MISSING}
    if missing := needed - given.keys():
        raise ValueError(f"{where}lacks {', '.join(sorted(missing))}")
    values = {}
    for key, value in given.items():
        if readers and key in readers:
            values[key] = readers[key](value)
        elif type(value) is not (allowed[key].type if allowed[key].type in {str, bool} else int):
            raise ValueError(f"{where}{key} = {value!r} is of the wrong type")
        else:
            values[key] = value
    return kind(**values)


def _agree(scenario: Scenario) -> None:
    """Raise ValueError unless all parts fit together."""
    if not 1 <= len(scenario.hosts) <= MOST_HOSTS:
        raise ValueError(f"a scenario has one host to {MOST_HOSTS}")
    if (scenario.operation is None) is (not scenario.course):
        raise ValueError("a scenario has either an operation or a course")
    if scenario.server.parent not in {"host", "careless", "container"}:
        raise ValueError(f"the parent is host, careless or container, not {scenario.server.parent}")
    if not scenario.clients and not scenario.course:
        raise ValueError("a scenario needs a client: without one nothing proves that the server goes on")
    for host in (scenario.server.host, *(client.host for client in scenario.clients)):
        if host not in scenario.hosts:
            raise ValueError(f"there is no host {host}")
    for client in scenario.clients:
        if client.connects not in {"before", "after"}:
            raise ValueError(f"connects is before or after, not {client.connects}")
    address, _ = endpoint(scenario.server.listen)
    own = [prefix.partition("/")[0] for prefix in scenario.hosts[scenario.server.host].addresses]
    if address not in {*own, "127.0.0.1", "::1"}:
        raise ValueError(f"the server listens on {address}, which its host does not have")
