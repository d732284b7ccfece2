"""``workbench capture``: which connections are meant."""

import os
from collections.abc import Iterator

import pytest

from tests.sample import evidence
from workbench.cli.capture import _of_process
from workbench.errors import WorkbenchError

NOBODY = 65534


@pytest.fixture
def _unprivileged() -> Iterator[None]:
    was = os.geteuid()
    if was == 0:
        os.seteuid(NOBODY)
    yield
    if was == 0:
        os.seteuid(was)


@pytest.mark.usefixtures("_unprivileged")
def test_a_process_that_may_not_be_looked_into_is_not_said_to_have_no_connection() -> None:
    with pytest.raises(WorkbenchError, match="may not be looked at"):
        _of_process(1, evidence(sockets=()))


def test_a_process_without_connections_is_said_to_have_none() -> None:
    with pytest.raises(WorkbenchError, match="has no TCP connection"):
        _of_process(os.getpid(), evidence(sockets=()))
