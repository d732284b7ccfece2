"""The pace of a lab program."""

import select
import socket

import pytest

from workbench.lab.programs.conversation import CHUNK, LONGEST_CREDIT_S, Conversation, Pace
from workbench.lab.programs.record import SIZE


def test_a_pace_allows_what_its_rate_gives() -> None:
    pace = Pace(1000)
    assert pace.allowed == 0
    pace.tick(0.1)
    assert pace.allowed == 100
    pace.use(60)
    assert pace.allowed == 40


def test_a_program_that_stood_still_for_long_does_not_catch_up() -> None:
    pace = Pace(100_000)
    pace.tick(3600)
    assert pace.allowed == 100_000 * LONGEST_CREDIT_S


def test_a_slow_pace_still_saves_up_for_a_record() -> None:
    pace = Pace(10)
    for _ in range(100):
        pace.tick(0.1)
    assert pace.allowed >= SIZE


def test_no_rate_allows_a_chunk_at_any_time() -> None:
    pace = Pace(None)
    pace.use(CHUNK)
    assert pace.allowed == CHUNK


def test_two_conversations_verify_each_other() -> None:
    left, right = socket.socketpair()
    with left, right:
        client = Conversation(left, "client", "server", writes=None, reads=None)
        server = Conversation(right, "server", "client", writes=None, reads=None)
        for _ in range(5):
            for events in (select.POLLOUT, select.POLLIN):
                client.ready(events)
                server.ready(events)
        assert client.incoming.verified > 0
        assert 0 < server.incoming.verified <= client.outgoing.sent
        assert client.incoming.peer_verified > 0
        left.close()
        server.ready(select.POLLIN)
        server.ready(select.POLLIN)
        assert server.ended
        assert server.wanted() == 0


@pytest.mark.parametrize(("number", "ended"), [(1, ""), (22, ""), (104, "ECONNRESET")])
def test_repair_mode_is_no_end_of_a_connection(number: int, ended: str) -> None:
    class Refusing(socket.socket):
        def recv(self, *_: object) -> bytes:
            raise OSError(number, "refused")

    left, right = socket.socketpair()
    with right, Refusing(fileno=left.detach()) as refusing:
        conversation = Conversation(refusing, "server", "client", writes=1, reads=None)
        conversation.ready(1)
        assert conversation.ended == ended
        assert conversation.wanted() == 0, "it is not asked again before the next tick"
        conversation.tick(0.1)
        assert bool(conversation.wanted()) is not bool(ended)
