"""Connections and CRIU for the tests of this directory."""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.connection.harness import BothEnds
from workbench.criu.find import find_criu
from workbench.evidence import CriuTool

Make = Callable[[str, str], BothEnds]


@pytest.fixture(scope="session")
def criu() -> str:
    """A CRIU that works here; its absence is a failure, not a reason to skip."""
    tool = find_criu(trying=True)
    assert isinstance(tool, CriuTool), tool
    assert tool.works, tool
    return tool.path


@pytest.fixture
def connect() -> Iterator[Make]:
    """Makes connections: ``connect(family, situation)``; they end with the test."""
    made: list[BothEnds] = []

    def make(family: str, situation: str) -> BothEnds:
        made.append(BothEnds(family, situation))
        return made[-1]

    yield make
    for each in made:
        each.close()
