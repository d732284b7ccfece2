"""A scenario that lives: its hosts, its programs and its connections, until it is closed."""

import shutil
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, NetworkNamespace
from workbench.lab import container, marker
from workbench.lab.namespaces import Host, address, join, plug_in, plug_over, slow_down
from workbench.lab.peer import Peer, Talked, start_container, start_server
from workbench.lab.scenario import ClientProgram, Scenario
from workbench.lab.situation import PATIENCE_S, wait_until_reached


class Lab:
    """Use it as a context manager: it starts on entering, and nothing of it is left when it ends.

    Everything dies with the process that runs it, however that ends; ``marker.clean()`` removes what is left of one
    whose hosts were killed as well.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.id = marker.new_id()
        self._hosts: dict[str, Host] = {}
        self._peers: list[Peer] = []
        self._left: tuple[str, ...] | None = None
        self._scratch: Path | None = None
        self.server_pid = 0
        """The program that is to be dumped; a restored one has the same pid."""
        self.server_host = scenario.server.host
        """Name of the host that it lives on; another one once it has moved."""
        self._switch: Host | None = None
        self.caller: tuple[Host, int] | None = None
        """A program that calls it and can be dumped as well: its host and pid."""

    def start(self) -> None:
        """Make the hosts, start the programs and wait until the situation is reached; closes itself if that fails."""
        marker.clean()
        try:
            self._scratch = marker.scratch_directory(self.id)
            self._make_hosts()
            self.server_pid = self._start_server()
            self.connect("before")
            self.reach()
        except BaseException:
            self.close()
            raise

    def _start_server(self) -> int:
        server = self.scenario.server
        if server.parent == "container":
            return start_container(self.host, server, self.scratch / "bundle", self.id)
        return start_server(self.host, server)

    def _make_hosts(self) -> None:
        for name in self.scenario.hosts:
            self._hosts[name] = Host(name, self.id, own_pids=self.scenario.hosts[name].own_pids)
        if len(self._hosts) == 2:
            join(*self._hosts.values())
        elif len(self._hosts) > 2:
            self._switch = Host("switch", self.id)
            plug_in(self._switch, self._hosts.values())
        for name in self.scenario.hosts:
            self._furnish(name)

    def _furnish(self, name: str) -> None:
        description = self.scenario.hosts[name]
        address(self._hosts[name], description.addresses)
        if description.rate_kbit:
            slow_down(self._hosts[name], description.rate_kbit)

    def reboot(self, name: str) -> None:
        """A host comes back with its cable and its addresses, and nothing else of what was there: no process, no rule.

        Raises WorkbenchError if something on it would not end.
        """
        before, after = self._hosts[name], Host(name, self.id)
        self._hosts[name] = after
        plug_over(before, after)
        if left := before.close():
            raise WorkbenchError(f"host {name} cannot go down: {len(left)} processes would not end")
        self._furnish(name)

    @property
    def scratch(self) -> Path:
        """Directory for images; removed at the end."""
        assert self._scratch is not None, "the lab was not started"
        return self._scratch

    @property
    def images(self) -> Path:
        """Where a dump of the server may go."""
        return self.scratch / "images"

    @property
    def image_directories(self) -> tuple[Path, ...]:
        """Every directory that something was dumped into, the server's first."""
        return (self.images, *sorted(self.scratch.glob("images-*")))

    @property
    def state(self) -> Path:
        """Journals of operations on the lab that its course interrupts."""
        return self.scratch / "state"

    @property
    def host(self) -> Host:
        """The host of the dumped program."""
        return self._hosts[self.server_host]

    @property
    def namespaces(self) -> tuple[NetworkNamespace, ...]:
        """Network namespaces of all hosts."""
        return tuple(host.namespace for host in self._hosts.values())

    @property
    def connections(self) -> tuple[Connection, ...]:
        """Every connection that was made, seen from the dumped end."""
        return tuple(one.connection for one in self.talked() if one.connection is not None)

    @property
    def clients(self) -> tuple[ClientProgram, ...]:
        """Which client each row of ``talked`` belongs to."""
        return tuple(peer.client for peer in self._peers for _ in range(peer.client.connections))

    def connect(self, when: str) -> None:
        """Start the clients that connect ``before`` or ``after`` the operation."""
        for client in self.scenario.clients:
            if client.connects == when:
                self._peers.append(Peer(self._hosts[client.host], client, self.scenario.server))

    def add_client(self, client: ClientProgram) -> None:
        """Start one that no scenario names."""
        self._peers.append(Peer(self._hosts[client.host], client, self.scenario.server))

    def reach(self) -> None:
        """Wait until the situation is reached. Raises WorkbenchError that says what is amiss if it is not."""
        situation = self.scenario.situation
        talked = self.await_verified(situation.verified, PATIENCE_S)
        for one in talked:
            if one.connection is None:
                raise WorkbenchError(f"a connection of the lab could not be made: {one.ended}")
            if one.problem or one.ended or min(one.to_server, one.to_client) < situation.verified:
                reason = one.problem or one.ended or f"{one.to_server} and {one.to_client} bytes verified so far"
                raise WorkbenchError(f"the lab's connection {one.connection} does not carry data: {reason}")
        connections = [one.connection for one in talked if one.connection is not None]
        wait_until_reached(self.host.namespace, self.scenario.server, situation, connections)

    def talked(self) -> tuple[Talked, ...]:
        """What the programs at both ends have seen of each connection so far."""
        return self._ask(Peer.talked)

    def forget_gap(self) -> tuple[Talked, ...]:
        """As ``talked``; the longest gap is measured anew."""
        return self._ask(Peer.forget_gap)

    def await_verified(self, count: int, timeout: float) -> tuple[Talked, ...]:
        """Wait until both ends have verified ``count`` more bytes in each direction of each connection.

        Connections that end or go wrong are not waited for; after ``timeout`` seconds none is.
        """
        deadline = time.monotonic() + timeout
        return self._ask(lambda peer: peer.await_verified(count, max(deadline - time.monotonic(), 0.001)))

    def speak(self, rate: int) -> None:
        """The clients write so many bytes a second on each connection from now on."""
        for peer in self._peers:
            peer.write_at(rate)

    def end_connections(self, how: str) -> None:
        """At the clients' ends: ``shutdown`` what is sent, or ``close`` all of it."""
        for peer in self._peers:
            peer.end(how)

    def host_called(self, name: str) -> Host:
        return self._hosts[name]

    def _ask(self, question: Callable[[Peer], tuple[Talked, ...]]) -> tuple[Talked, ...]:
        return tuple(talked for peer in self._peers for talked in question(peer))

    def close(self) -> tuple[str, ...]:
        """End everything, restored processes too; what could not be ended, one line each. Again it does nothing."""
        if self._left is not None:
            return self._left
        left: list[str] = []
        for peer in self._peers:
            peer.close()
        for name, host in self._hosts.items():
            left += [f"process {pid} on host {name}" for pid in host.close()]
        if self._switch is not None:
            self._switch.close()
        for pid in marker.members(self.id):
            # started here, but no longer in a namespace of ours, or its host could not end it
            if not marker.end(pid, lambda pid: marker.lab_of(pid) == self.id):
                left.append(f"process {pid}")
        container.delete(self.id)
        for name in self._hosts:
            shutil.rmtree(marker.memory_directory(self.id, name), ignore_errors=True)
        if self._scratch:
            shutil.rmtree(self._scratch, ignore_errors=True)
            if self._scratch.exists():
                left.append(f"directory {self._scratch}")
        self._left = tuple(dict.fromkeys(left))
        return self._left

    def __enter__(self) -> "Lab":
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
