"""Which policy fits a connection, and what closing is foretold to do."""

from dataclasses import replace

from tests.unit.operation.builders import CONNECTION, SERVER, evidence, socket
from workbench.evidence import Connection, Endpoint, TcpInfo
from workbench.operation.policies import Place, advise, closings
from workbench.operation.request import Policy

INSIDE = Connection(Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", 2))


def test_where_the_other_end_is() -> None:
    ours = (socket(INSIDE), socket(INSIDE.reversed), socket(CONNECTION))
    peer = socket(Connection(Endpoint("10.0.0.1", 56692), Endpoint("10.0.0.2", 7022)), pid=9)
    local = advise(evidence(sockets=(*ours, peer)), ours, {SERVER})
    assert [each.place for each in local] == [Place.TREE, Place.TREE, Place.HOST]
    remote = advise(evidence(sockets=ours), ours, {SERVER})
    assert remote[-1].place is Place.REMOTE
    assert {each.policy for each in (*local, *remote)} == {Policy.KEEP}
    assert all(each.why for each in (*local, *remote))


def info(**changes: int) -> TcpInfo:
    names = TcpInfo.__dataclass_fields__
    return TcpInfo(**{name: changes.get(name, 0) for name in names})


def test_what_the_peer_will_see_and_what_is_lost() -> None:
    unread = socket(CONNECTION, recv_q=300, send_q=20, info=info())
    lively = replace(unread, recv_q=0, info=info(last_data_recv_ms=20, bytes_received=100))
    fresh = replace(unread, recv_q=0, info=info(last_data_recv_ms=20))
    quiet = replace(unread, recv_q=0, info=info(last_data_recv_ms=60_000))
    peer = socket(Connection(Endpoint("10.0.0.1", 56692), Endpoint("10.0.0.2", 7022)), pid=9, recv_q=5, send_q=7)
    seen = [closings(evidence(sockets=(each, peer)), (each,), {SERVER})[0] for each in (unread, lively, quiet, fresh)]
    assert [each.peer_sees for each in seen] == ["ECONNRESET", "ECONNRESET", "EOF", "EOF"]
    assert (seen[0].unread, seen[0].unacknowledged) == (300, 20)
    assert (seen[0].peer_unread, seen[0].peer_unacknowledged) == (5, 7)
    (alone,) = closings(evidence(sockets=(unread,)), (unread,), {SERVER})
    assert alone.peer_unread is None
