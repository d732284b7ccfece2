"""On a host with very many sockets no check looks at every one of them."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import overload

from tests.unit.checks.made import PAIR, SOCKET, TARGET, host, rules
from workbench.checking.check import Check
from workbench.checking.loading import entries, load
from workbench.checking.running import judge
from workbench.evidence import Endpoint, Socket, TcpState
from workbench.evidence.socket_choice import Choice, SocketColumns

NUMBER = 1000


class _Watched(SocketColumns):
    """Sockets that count how many of them were looked at."""

    def __init__(self) -> None:
        other = replace(SOCKET, inode=0, holders=())
        self._all = [replace(other, cookie=100 + n, peer=Endpoint("10.0.0.9", 1 + n)) for n in range(NUMBER)]
        self._all[0] = SOCKET
        self.seen = 0
        self.others_seen = 0

    def __len__(self) -> int:
        return len(self._all)

    @overload
    def __getitem__(self, index: int) -> Socket: ...
    @overload
    def __getitem__(self, index: slice) -> list[Socket]: ...
    def __getitem__(self, index: int | slice) -> Socket | list[Socket]:
        self.seen += 1
        return self._all[index]

    def __iter__(self) -> Iterator[Socket]:
        for each in self._all:
            self.seen += 1
            self.others_seen += each is not SOCKET
            yield each

    def choose(self, choice: Choice) -> Iterator[Socket]:
        for each in filter(choice.takes, self._all):
            self.seen += 1
            self.others_seen += each is not SOCKET
            yield each

    def count_by_netns(self, state: TcpState) -> Mapping[int, int]:
        return {each.netns: NUMBER for each in self._all if each.state is state}


def _library() -> list[Check]:
    return [check for entry in entries() if not entry.own and isinstance(check := load(entry), Check)]


def test_a_quiet_host() -> None:
    sockets = _Watched()
    report = judge(_library(), host(sockets=sockets))
    assert (report.findings, report.broken, sockets.seen) == ((), (), 0)


def test_a_lock_makes_its_own_namespace_be_looked_at_once() -> None:
    sockets = _Watched()
    report = judge(_library(), host(sockets=sockets, **rules(PAIR)))
    assert [finding.name for finding in report.findings] == ["netlock-on-live-connection"]
    assert sockets.seen == NUMBER
    elsewhere = _Watched()
    judge(_library(), host(sockets=elsewhere, **rules(PAIR, netns=4026539999)))
    assert elsewhere.seen == 0


def test_a_preflight_looks_at_its_own_sockets_and_their_other_ends() -> None:
    sockets = _Watched()
    judge(_library(), host(sockets=sockets, target=TARGET))
    assert sockets.others_seen == 0
