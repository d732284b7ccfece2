"""Which findings concern the part of the host that was named."""

import pytest

from workbench.checking import Finding, Problem, Severity, Subject
from workbench.cli.scope import Scope, parse_connection
from workbench.errors import WorkbenchError

OURS = "10.0.0.2:7022 -> 10.0.0.1:5000"
PROCESS = Scope("process 50", pids=frozenset({50, 51}), surroundings=frozenset({7}), connections=frozenset({OURS}))
NAMESPACE = Scope("network namespace x", netns=frozenset({7}))


def _about(**keys: object) -> Finding:
    return Finding("X001", "x", Problem(Severity.NOTE, Subject("x", "x", keys), "X."), Severity.NOTE)


@pytest.mark.parametrize(
    ("keys", "of_process", "of_namespace"),
    [
        ({}, True, True),
        ({"host": "h"}, True, True),
        ({"pid": 51}, True, False),
        ({"pids": (9, 50), "netns": 8}, True, False),
        ({"pid": 9, "netns": 7}, False, True),
        ({"connections": (OURS,), "netns": 7}, True, True),
        ({"connection": "else", "netns": 7}, False, True),
        ({"netns": 7}, True, True),
        ({"netns": 8}, False, False),
    ],
)
def test_a_finding_is_kept_by_what_it_is_about(keys: dict[str, object], of_process: bool, of_namespace: bool) -> None:
    assert PROCESS.concerns(_about(**keys)) is of_process
    assert NAMESPACE.concerns(_about(**keys)) is of_namespace
    assert Scope().concerns(_about(**keys))


def test_connections_as_they_are_typed() -> None:
    assert str(parse_connection("10.0.0.2:7022-10.0.0.1:5000")) == OURS
    assert str(parse_connection("[FE80::1]:80-[fe80:0::2]:81")) == "[fe80::1]:80 -> [fe80::2]:81"
    for text in ("", "-", "10.0.0.1-10.0.0.2", "10.0.0.1:80", "host:1-host:2"):
        with pytest.raises(WorkbenchError, match="is no connection"):
            parse_connection(text)
