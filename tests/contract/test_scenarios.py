"""Every file of fixtures/scenarios."""

import inspect
import ipaddress

import pytest

from workbench.evidence import TcpState
from workbench.lab.acts import ACTS
from workbench.lab.scenario import directory, load, names

NEEDED = {
    "established", "established-v6", "loopback", "many-connections", "unread-data", "unsent-data", "listening",
}  # fmt: skip


def test_all_that_the_guide_names_are_there() -> None:
    assert set(names()) >= NEEDED


def test_nothing_else_lies_there() -> None:
    assert {path.suffix for path in directory().iterdir()} == {".toml"}


@pytest.mark.parametrize("name", names())
def test_it_loads_and_explains_itself(name: str) -> None:
    scenario = load(name)
    assert scenario.name == name
    assert 10 <= len(scenario.title) <= 70
    assert not scenario.title.endswith(".")
    assert len(scenario.shows.split()) >= 20, "a person learns from it what to look at"
    assert max(map(len, scenario.shows.splitlines())) <= 120
    text = (directory() / f"{name}.toml").read_text()
    assert text.startswith("# "), "the first line says what is special about it"


@pytest.mark.parametrize("name", names())
def test_it_promises_something_that_can_be_seen(name: str) -> None:
    scenario = load(name)
    if scenario.course:
        acts = [(ACTS[act.act], act.arguments) for act in scenario.course]
        for act, arguments in acts:
            inspect.signature(act).bind(None, **arguments)
        assert len(set(scenario.expectation.checks)) == len(scenario.expectation.checks)
        return
    assert scenario.expectation.verified > 0
    before = [client for client in scenario.clients if client.connects == "before"]
    assert bool(before) is (scenario.situation.state is not TcpState.LISTEN)
    assert not before or scenario.situation.verified > 0


@pytest.mark.parametrize("name", names())
def test_its_addresses_belong_to_nobody(name: str) -> None:
    for host in load(name).hosts.values():
        for address in host.addresses:
            assert ipaddress.ip_interface(address).is_private
