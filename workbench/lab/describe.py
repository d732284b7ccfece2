"""A scenario in words, and how to get at a lab that lives."""

import shlex
from collections.abc import Iterator
from dataclasses import asdict

from workbench.lab.lab import Lab
from workbench.lab.migrating import destination
from workbench.lab.scenario import ClientProgram, Scenario, ServerProgram


def as_table(scenario: Scenario) -> dict[str, object]:
    """The scenario as in its file, with all defaults."""
    table = asdict(scenario)
    table["situation"]["state"] = scenario.situation.state.name
    return table


def describe(scenario: Scenario) -> Iterator[str]:
    """The scenario for a person who wants to know what will happen."""
    yield f"{scenario.name}: {scenario.title}"
    yield ""
    yield from scenario.shows.strip().splitlines()
    yield ""
    for name, host in scenario.hosts.items():
        slow = f", no more than {host.rate_kbit} kbit/s leave it" if host.rate_kbit else ""
        yield f"host {name}: {', '.join(host.addresses) or 'loopback only'}{slow}"
    server = scenario.server
    yield f"server on {server.host}, dumped: listens on {server.listen}{_pace(server)}{_manners(server)}"
    what = "the operation" if scenario.operation else "all else"
    for client in scenario.clients:
        count = f"{client.connections} connection{'s' if client.connections > 1 else ''}"
        yield f"client on {client.host}: {count}, made {client.connects} {what}{_pace(client)}"
    situation = scenario.situation
    parts = [situation.state.name]
    amounts = (("verified both ways", situation.verified), ("unread", situation.unread),
               ("in flight", situation.in_flight), ("unsent", situation.unsent))  # fmt: skip
    parts += [f"{amount} bytes {name}" for name, amount in amounts if amount]
    yield f"situation at the dumped end: {', at least '.join(parts)}"
    expectation = scenario.expectation
    if operation := scenario.operation:
        yield f"operation: dump and restore, lock {operation.lock}, connections {operation.policy}"
        verdicts = ", ".join(dict.fromkeys(client.verdict.value for client in scenario.clients))
        yield f"promise: every connection {verdicts}, {expectation.verified} bytes verified each way afterwards"
    for number, act in enumerate(scenario.course, 1):
        given = ", ".join(f"{name} {value}" for name, value in act.arguments.items())
        yield f"{number}. {act.act}{': ' + given if given else ''}"
    if expectation.resets:
        yield f"promise: resets attributed to {', '.join(expectation.resets)}"
    judged = f"before a {expectation.judged_for}, " if expectation.judged_for else ""
    yield f"checks that find something: {judged}{', '.join(expectation.checks) or 'none'}"


def where(lab: Lab) -> Iterator[str]:
    """The pids, the namespaces and the connections of a lab, and what can be done with them."""
    yield f"lab {lab.scenario.name} is up: {lab.scenario.title}"
    yield f"  server      lab-server {lab.server_pid}"
    connections = lab.connections
    for connection in connections[:3]:
        yield f"  connection  {connection}"
    if len(connections) > 3:
        yield f"              and {len(connections) - 3} more"
    yield f"  look        nsenter --net={lab.host.path} ss -tanp"
    yield f"  dump        workbench dump {lab.server_pid} -D images"
    yield "  restore     workbench restore -D images"
    if there := destination(lab):
        yield f"  move        workbench migrate send {lab.server_pid} -- {shlex.join(there)}"
    yield "Ctrl-C ends it."


def _pace(program: ServerProgram | ClientProgram) -> str:
    writes = "as fast as it can" if program.writes is None else f"{program.writes} bytes/s"
    reads = "" if program.reads is None else f", reads {program.reads} bytes/s"
    return f"; writes {writes}{reads} on each"


def _manners(server: ServerProgram) -> str:
    """What it has and does beside what is expected of a server."""
    parts = [f"has {' and '.join(server.also)}"] if server.also else []
    parts += ["accepts nobody"] * (not server.accepts) + ["closes nothing"] * (not server.closes)
    parts += ["its parent shares its session and never reaps it"] * (server.parent == "careless")
    return "".join(f"; {part}" for part in parts)
