"""A CRIU that works, and subjects that end with their test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.preflight.harness import Subject
from workbench.criu.find import find_criu
from workbench.evidence import CriuTool

Start = Callable[[str], Subject]


@pytest.fixture(scope="session")
def criu() -> str:
    """A CRIU that works here; its absence is a failure, not a reason to skip."""
    tool = find_criu(trying=True)
    assert isinstance(tool, CriuTool), tool
    assert tool.works, tool
    return tool.path


@pytest.fixture
def start(criu: str, tmp_path: Path) -> Iterator[Start]:
    """Starts one subject by the name of its kind."""
    started: list[Subject] = []

    def one(kind: str) -> Subject:
        started.append(Subject(kind, criu, tmp_path))
        return started[-1]

    yield one
    for each in started:
        each.close()
