"""Links, addresses, routes and tracked connections of scratch namespaces."""

import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.collect import conntrack, kernel_parts, network
from workbench.collect.conntrack import collect_conntrack
from workbench.collect.namespaces import inside
from workbench.collect.network import collect_network
from workbench.evidence import ConntrackEntry, Gap, Network, NetworkNamespace

pytestmark = pytest.mark.root


@pytest.fixture
def wired(netns: Any) -> Any:
    netns.run("ip", "link", "add", "wbt-a", "type", "veth", "peer", "wbt-b")
    for link in ("lo", "wbt-a", "wbt-b"):
        netns.run("ip", "link", "set", link, "up")
    netns.run("ip", "address", "add", "10.9.0.2/24", "dev", "wbt-a")
    netns.run("ip", "address", "add", "10.9.1.1", "peer", "10.9.1.2", "dev", "wbt-a")
    netns.run("ip", "-6", "address", "add", "fd09::2/64", "dev", "wbt-a", "nodad")
    netns.run("ip", "route", "add", "default", "via", "10.9.0.1", "src", "10.9.0.2")
    netns.run("ip", "route", "add", "192.0.2.0/24", "via", "10.9.0.1", "table", "77")
    netns.run("ip", "-6", "route", "add", "default", "via", "fd09::1")
    return netns


def test_links_addresses_and_routes_are_what_ip_lists(wired: Any) -> None:
    found, gaps = collect_network([wired.namespace])
    assert isinstance(found, Network)
    assert gaps == ()
    links = json.loads(wired.run("ip", "-j", "-d", "link"))
    assert [(link.index, link.name, link.mtu, link.mac, link.kind, link.up) for link in found.links] == [
        (each["ifindex"], each["ifname"], each["mtu"], each["address"], each.get("linkinfo", {}).get("info_kind"), True)
        for each in links
    ]
    listed = {
        (each["ifname"], item["local"], item["prefixlen"], item["scope"])
        for each in json.loads(wired.run("ip", "-j", "address"))
        for item in each["addr_info"]
    }
    assert {(item.interface, item.address, item.prefix, item.scope) for item in found.addresses} == listed
    routes = {(item.destination, item.gateway, item.interface, item.source, item.table) for item in found.routes}
    assert {
        ("default", "10.9.0.1", "wbt-a", "10.9.0.2", 254),
        ("10.9.0.0/24", None, "wbt-a", "10.9.0.2", 254),
        ("192.0.2.0/24", "10.9.0.1", "wbt-a", None, 77),
        ("default", "fd09::1", "wbt-a", None, 254),
        ("fd09::/64", None, "wbt-a", None, 254),
    } <= routes
    assert all(item.table != 255 for item in found.routes)


def test_too_many_routes_are_a_gap_within(wired: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "ROUTES_AT_MOST", 2)
    found, gaps = collect_network([wired.namespace])
    assert isinstance(found, Network)
    assert len(found.routes) == 2
    assert [(gap.section, gap.netns) for gap in gaps] == [("network", wired.namespace.inode)]


def test_nothing_is_kept_open(wired: Any) -> None:
    collect_network([wired.namespace])
    collect_conntrack([wired.namespace])
    descriptors, threads = len(list(Path("/proc/self/fd").iterdir())), threading.active_count()
    for _ in range(3):
        collect_network([wired.namespace])
        collect_conntrack([wired.namespace])
    assert len(list(Path("/proc/self/fd").iterdir())) == descriptors
    assert threading.active_count() == threads


def test_a_namespace_that_may_not_be_entered_is_a_gap(wired: Any, tmp_path: Path) -> None:
    wrong = tmp_path / "no-namespace"
    wrong.touch()
    bad = NetworkNamespace(1, str(wrong))
    for collect in (collect_network, collect_conntrack):
        found, gaps = collect([bad, wired.namespace])
        assert not isinstance(found, Gap)
        assert [gap.netns for gap in gaps] == [1]
        assert isinstance(collect([bad])[0], Gap)
        assert not isinstance(collect([replace(bad, path="/proc/999999999/ns/net")])[0], Gap)


@pytest.fixture
def connected(wired: Any) -> Iterator[list[socket.socket]]:
    """One IPv4 and one IPv6 connection over loopback."""

    def connect() -> list[socket.socket]:
        ends = []
        for family, address in ((socket.AF_INET, "10.9.0.2"), (socket.AF_INET6, "fd09::2")):
            listener = socket.create_server((address, 0), family=family)
            client = socket.create_connection(listener.getsockname()[:2])
            ends += [listener, client, listener.accept()[0]]
        return ends

    for program in ("iptables-nft", "ip6tables-nft"):
        for chain in ("INPUT", "OUTPUT"):
            wired.run(program, "-A", chain, "-m", "conntrack", "--ctstate", "INVALID", "-j", "DROP")
    ends = inside(wired.path, connect)
    yield ends
    for end in ends:
        end.close()


def entries(netns: Any) -> tuple[ConntrackEntry, ...]:
    found, gaps = collect_conntrack([netns.namespace])
    assert not isinstance(found, Gap)
    assert gaps == ()
    return found


def test_tracked_connections(wired: Any, connected: list[socket.socket]) -> None:
    for end in (connected[1], connected[4]):
        end.sendall(b"x")
    found = {str(item.connection): item for item in entries(wired)}
    for client in (connected[1], connected[4]):
        own, peer = client.getsockname(), client.getpeername()
        local, remote = (f"[{a}]:{p}" if ":" in a else f"{a}:{p}" for a, p in (own[:2], peer[:2]))
        item = found.pop(f"{local} -> {remote}")
        assert (item.netns, item.state, item.mark) == (wired.namespace.inode, "ESTABLISHED", 0)
        assert item.timeout_s
        assert item.timeout_s > 60
    assert found == {}


def test_a_reset_connection_is_tracked_as_closed(wired: Any, connected: list[socket.socket]) -> None:
    client = connected[1]
    name = client.getsockname()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    client.close()
    assert [item.state for item in entries(wired) if item.connection.local.port == name[1]] == ["CLOSE"]


def test_a_namespace_without_tracking_is_empty_and_stays_so(wired: Any) -> None:
    before = wired.run("nft", "list", "ruleset")
    assert entries(wired) == ()
    listener = inside(wired.path, lambda: socket.create_server(("10.9.0.2", 0)))
    client = inside(wired.path, lambda: socket.create_connection(listener.getsockname()))
    assert entries(wired) == ()
    assert wired.run("nft", "list", "ruleset") == before
    client.close()
    listener.close()


def test_too_many_entries_are_a_gap_within(
    wired: Any, connected: list[socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert len(connected) == 6
    monkeypatch.setattr(conntrack, "ENTRIES_AT_MOST", 1)
    found, gaps = collect_conntrack([wired.namespace])
    assert not isinstance(found, Gap)
    assert len(found) == 1
    assert [(gap.section, gap.netns) for gap in gaps] == [("conntrack", wired.namespace.inode)]


def test_a_part_of_the_kernel_that_is_absent_is_not_asked_for(tmp_path: Path) -> None:
    (tmp_path / "modules").touch()
    (tmp_path / "kallsyms").write_text("0000000000000000 T built_in\n0000000000000000 t loaded\t[other]\n")
    nowhere = tmp_path / "sys"
    assert kernel_parts.is_present("any", "built_in", tmp_path, nowhere)
    assert not kernel_parts.is_present("any", "loaded", tmp_path, nowhere)
    (nowhere / "other").mkdir(parents=True)
    assert kernel_parts.is_present("other", "loaded", tmp_path, nowhere)
    assert not kernel_parts.is_present("any", "built", tmp_path, nowhere)
    (tmp_path / "modules").unlink()
    assert kernel_parts.is_present("any", "loaded", tmp_path, nowhere)
