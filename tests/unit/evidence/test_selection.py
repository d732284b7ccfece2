"""Which events are shown of all that happen."""

from workbench.evidence import Connection, Endpoint
from workbench.evidence.event import Event, EventKind
from workbench.evidence.selection import Selection

A, B = Endpoint("10.0.0.1", 7022), Endpoint("10.0.0.2", 40000)
OTHER = Connection(Endpoint("10.0.0.1", 7022), Endpoint("10.0.0.3", 40000))


def event(**given: object) -> Event:
    return Event(0, EventKind.STATE, **given)  # type: ignore[arg-type]


def test_without_names_everything_is_wanted() -> None:
    assert Selection().wants(event())
    assert Selection().wants_connection(None, None)


def test_a_connection_is_wanted_from_both_ends() -> None:
    selection = Selection(connections=[Connection(A, B)])
    assert selection.wants(event(connection=Connection(A, B)))
    assert selection.wants(event(connection=Connection(B, A)))
    assert not selection.wants(event(connection=OTHER))


def test_rules_where_a_connection_is_are_wanted_though_nothing_happens_to_it() -> None:
    selection = Selection(connections=[Connection(A, B)], around=[1])
    assert selection.wants(Event(0, EventKind.RULES, 1))
    assert not selection.wants(Event(0, EventKind.RULES, 2))


def test_a_mapped_connection_is_the_one_on_the_wire() -> None:
    mapped = Connection(Endpoint("::ffff:10.0.0.1", 7022), Endpoint("::ffff:10.0.0.2", 40000))
    assert Selection(connections=[mapped]).wants(event(connection=Connection(A, B)))


def test_a_process_brings_its_connections_along() -> None:
    selection = Selection(pids=[5])
    assert not selection.wants(event(connection=Connection(A, B)))
    assert selection.wants(event(connection=Connection(A, B), owner_pid=5, netns=1))
    assert selection.wants(event(connection=Connection(B, A))), "the other end, once it is known"
    assert selection.wants(Event(0, EventKind.RULES, 1))
    assert not selection.wants(Event(0, EventKind.RULES, 2))
    assert selection.wants_connection(Connection(A, B), 1)


def test_a_listening_socket_stands_for_no_connection() -> None:
    selection = Selection(pids=[5])
    unbound = Connection(A, Endpoint("0.0.0.0", 0))
    assert selection.wants(event(connection=unbound, pid=5))
    assert not selection.wants(event(connection=unbound))


def test_losses_concern_everybody() -> None:
    assert Selection(netns=[7]).wants(Event(0, EventKind.LOSS, lost=1))
    assert Selection(netns=[7]).wants(event(netns=7))
    assert not Selection(netns=[7]).wants(event(netns=8))
