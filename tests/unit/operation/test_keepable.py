"""Which peers an answer does not help."""

from tests.unit.operation.builders import CONNECTION, evidence, process, socket
from workbench.evidence import Sequences
from workbench.operation.keepable import peer_warnings

HERE, ELSEWHERE = 1, 2


def peer(netns: int, user_timeout_ms: int = 0) -> list[str]:
    """What is said of a peer that is there."""
    ours = socket(CONNECTION, cookie=1, netns=HERE)
    theirs = socket(CONNECTION.reversed, cookie=2, netns=netns)
    numbers = {2: Sequences(1, 1, 1, 1, 1, user_timeout_ms=user_timeout_ms)}
    found = evidence(process(), sockets=(ours, theirs), sequences=numbers)
    return list(peer_warnings([CONNECTION], HERE, found))


def test_an_ordinary_peer_can_be_kept() -> None:
    assert peer(ELSEWHERE) == []


def test_one_in_the_same_namespace_cannot_be_heard() -> None:
    assert "in the same namespace" in peer(HERE)[0]


def test_one_with_a_user_timeout_gives_up_whatever_it_hears() -> None:
    assert "TCP_USER_TIMEOUT" in peer(ELSEWHERE, 5000)[0]
    assert " 5 s" in peer(ELSEWHERE, 5000)[0]
