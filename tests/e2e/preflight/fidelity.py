"""A subject before the dump and after the restore: different is exactly what the verdicts said."""

from collections.abc import Iterable, Mapping, Sequence

from workbench.checking.survival import Verdict
from workbench.checking.survival.options import ADJUSTED, MULTICAST
from workbench.evidence import BorrowedSocket, Descriptor, Evidence, Gap, Sequences, Socket

GAINED = {"SO_REUSEPORT", "IPV6_V6ONLY"}
"""Set on every restored connection, whatever they were."""
OUT_OF_ORDER = "out of order"
"""Stands in the verdict on segments that wait for those before them."""
TUNED = {"SO_SNDBUF", "SO_RCVBUF"}
"""Grow with the traffic unless they are locked (SO_BUF_LOCK)."""


def compare(before: Evidence, after: Evidence, verdicts: Iterable[Verdict]) -> None:
    """Assert it of every descriptor, socket and option."""
    verdicts = tuple(verdicts)
    causes = {each.cause for each in verdicts}
    lost = {_inode(each): each.facts["options"] for each in verdicts if each.cause == "option-not-in-image"}
    opened_before, opened_after = _descriptors(before), _descriptors(after)
    assert opened_before.keys() == opened_after.keys()
    for fd, was in _borrowed(before).items():
        now = _borrowed(after)[fd]
        expected = lost.get(was.inode, {})
        assert isinstance(expected, Mapping)
        _options(was, now, {name: pair[1] for name, pair in expected.items()})
        waits = was.readable and not causes & {"datagrams-lost", "unix-in-flight"}
        assert now.readable == waits, fd
        assert (now.netns == was.netns) != ("socket-of-other-namespace" in causes)
        assert (now.family, now.type, now.protocol, now.listening) == (
            was.family,
            was.type,
            was.protocol,
            was.listening,
        )
    sockets_after = {place: each for each in _sockets(after) for place in _fds(each, after)}
    urgent = sum(_bytes(each) for each in verdicts if each.cause == "urgent-data-lost")
    for was_socket in _sockets(before):
        for place in _fds(was_socket, before):
            _socket(was_socket, sockets_after[place], urgent)
    assert not any(each.out_of_order for each in _sequences(after))
    dropped = any(OUT_OF_ORDER in str(each.facts.get("lost")) for each in verdicts)
    assert dropped == any(each.out_of_order for each in _sequences(before))
    if "pipe-cut" in causes:
        assert any(each.peer_pids for each in opened_before.values())
        assert not any(each.peer_pids for each in opened_after.values())
    if "tcp-keys-lost" in causes:
        assert [each.md5_keys for each in _sockets(before)] == [1]
        assert [each.md5_keys for each in _sockets(after)] == [0]


def underway(sockets: Sequence[Socket], pid: int) -> int:
    """Bytes that the process has written and its peers, in the same namespace, have not read."""
    own = [each for each in sockets if each.pid == pid and each.peer.port]
    ends = {each.connection.reversed for each in own}
    return sum(each.send_q for each in own) + sum(each.recv_q for each in sockets if each.connection in ends)


def _options(was: BorrowedSocket, now: BorrowedSocket, lost: Mapping[str, object]) -> None:
    """Those that were called lost have the value that was foretold; all others have their own."""
    moving = ADJUSTED | MULTICAST | GAINED | (set() if was.options.get("SO_BUF_LOCK") else TUNED)
    for name, value in was.options.items():
        if name in lost:
            assert now.options[name] == lost[name], name
        elif name not in moving:
            assert now.options.get(name) == value, name


def _bytes(verdict: Verdict) -> int:
    lost = verdict.facts["bytes"]
    assert isinstance(lost, int)
    assert lost > 0
    return lost


def _socket(was: Socket, now: Socket, urgent: int) -> None:
    assert (now.state, now.local, now.peer, now.shutdown) == (was.state, was.local, was.peer, was.shutdown)
    assert now.recv_q == was.recv_q - urgent
    assert now.send_q <= was.send_q
    assert now.interface == was.interface


def _inode(verdict: Verdict) -> int | None:
    if verdict.socket is not None:
        return verdict.socket.inode
    return verdict.descriptor.inode if verdict.descriptor is not None else None


def _pids(evidence: Evidence) -> frozenset[int]:
    assert not isinstance(evidence.target, Gap)
    return evidence.target.pids


def _descriptors(evidence: Evidence) -> dict[tuple[int, int], Descriptor]:
    assert not isinstance(evidence.descriptors, Gap)
    return {(each.pid, each.fd): each for each in evidence.descriptors}


def _borrowed(evidence: Evidence) -> dict[int, BorrowedSocket]:
    assert not isinstance(evidence.borrowed, Gap)
    return {each.fd: each for each in evidence.borrowed.values()}


def _sockets(evidence: Evidence) -> Sequence[Socket]:
    assert not isinstance(evidence.sockets, Gap)
    pids = _pids(evidence)
    return [each for each in evidence.sockets if any(holder.pid in pids for holder in each.holders)]


def _sequences(evidence: Evidence) -> list[Sequences]:
    assert not isinstance(evidence.sequences, Gap)
    return [evidence.sequences[each.cookie] for each in _sockets(evidence) if each.cookie in evidence.sequences]


def _fds(socket: Socket, evidence: Evidence) -> list[tuple[int, int]]:
    pids = _pids(evidence)
    return [(holder.pid, holder.fd) for holder in socket.holders if holder.pid in pids]
