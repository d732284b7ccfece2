"""What the sections of one moment say about each other."""

from tests.sample import evidence, socket
from workbench.evidence import Endpoint, TcpState
from workbench.present.situation import Situation

HERE, THERE = Endpoint("10.0.0.1", 80), Endpoint("10.0.0.2", 50000)


def _mapped(end: Endpoint) -> Endpoint:
    return Endpoint(f"::ffff:{end.address}", end.port)


def test_the_other_end_is_found_however_its_addresses_are_written() -> None:
    server = socket(1, _mapped(HERE), _mapped(THERE), TcpState.ESTABLISHED)
    client = socket(2, THERE, HERE, TcpState.ESTABLISHED)
    situation = Situation(evidence(sockets=(server, client)))
    assert situation.peer_of(server) is client
    assert situation.peer_of(client) is server


def test_who_could_be_the_other_end_twice_is_not_told() -> None:
    server = socket(1, HERE, THERE, TcpState.ESTABLISHED)
    ends = [socket(cookie, THERE, HERE, TcpState.ESTABLISHED, netns=100 + cookie) for cookie in (2, 3)]
    assert Situation(evidence(sockets=(server, *ends))).peer_of(server) is None


def test_a_listener_is_nobody_s_other_end() -> None:
    nowhere = Endpoint("0.0.0.0", 0)
    listener = socket(1, nowhere, nowhere, TcpState.LISTEN)
    other = socket(2, nowhere, nowhere, TcpState.LISTEN, netns=9)
    situation = Situation(evidence(sockets=(listener, other)))
    assert situation.peer_of(listener) is None
