"""A lock that is lifted while others are looked for: by then the CRIU that had it may have ended."""

import contextlib
from collections.abc import Callable
from typing import Any

import pytest

from tests.e2e.netfilter.conftest import TABLE, V4
from workbench.collect.live import LiveSource
from workbench.evidence import Evidence, Gap, Lock, UnfinishedOperation

pytestmark = pytest.mark.root


def _look(meanwhile: Callable[[], object]) -> Evidence:
    """``meanwhile`` happens after the rules and the processes were read."""

    def unfinished() -> tuple[UnfinishedOperation, ...]:
        meanwhile()
        return ()

    source = LiveSource({"rules", "locks", "processes", "unfinished"}, unfinished=unfinished)
    with contextlib.closing(source):
        return source.evidence()


def _locks(netns: Any, found: Evidence) -> list[Lock]:
    assert not isinstance(found.locks, Gap)
    return [lock for lock in found.locks if lock.netns == netns.namespace.inode]


def test_one_that_stands_is_told(netns: Any) -> None:
    netns.table(V4)
    assert len(_locks(netns, _look(lambda: None))) == 1


def test_one_that_is_lifted_meanwhile_is_not_left_over(netns: Any) -> None:
    netns.table(V4)
    standing = [TABLE]

    def lift() -> None:
        while standing:
            netns.run("nft", "delete", "table", "inet", standing.pop())

    found = _look(lift)
    assert _locks(netns, found) == []
    assert not isinstance(found.rules, Gap)
    assert [rule for rule in found.rules if rule.netns == netns.namespace.inode] == []


def test_who_locks_again_and_again_is_looked_at_only_so_often(netns: Any) -> None:
    netns.table(V4)
    names = [TABLE]

    def relock() -> None:
        netns.run("nft", "delete", "table", "inet", names[-1])
        names.append(f"{TABLE[:-1]}{len(names)}")
        netns.table(V4, name=names[-1])

    assert len(_locks(netns, _look(relock))) == 1
    assert len(names) == 4
