"""Lock methods side by side, on one connection and on a hundred."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from workbench.errors import WorkbenchError
from workbench.lab.acts import perform
from workbench.lab.lab import Lab
from workbench.lab.report import document, report_lines
from workbench.lab.run import run
from workbench.lab.scenario import Act, load

pytestmark = pytest.mark.root

THOUSAND = 2
"""The last acts are about a thousand connections, which `make bench` has."""


def rows_of(measured: Mapping[str, object]) -> dict[str, Any]:
    ways = measured["ways"]
    assert isinstance(ways, list)
    return {row["method"]: row for row in ways}


def test_what_leaks_and_what_does_not() -> None:
    scenario = load("locks")
    ran = run(replace(scenario, course=scenario.course[:-THOUSAND]))
    assert ran.amiss == ()
    assert ran.left_behind == ()
    one, hundred = (rows_of(measured) for _, measured in ran.measured)
    for name in ("nftables", "iptables-nft", "iptables-legacy", "tc-ebpf"):
        for row in (one[name], hundred[name]):
            assert (row["out_segments"], row["in_segments"], row["in_bytes"]) == (0, 0, 0)
            assert row["lived"] == row["connections"]
    # The finding of 2007: a socket filter holds back what comes in, and nothing that goes out.
    assert one["socket-filter"]["out_bytes"] > 0
    assert hundred["socket-filter"]["out_segments"] > 0
    assert one["socket-filter"]["in_bytes"] == 0
    # Stopped, and in repair mode, the kernel takes data in and acknowledges it in the name of its owner.
    for name in ("stop", "repair"):
        assert one[name]["out_bytes"] == 0
        assert one[name]["out_segments"] > 0
        assert one[name]["in_bytes"] > 0
    # A window of nothing holds data back, though it was announced to be larger, and the connection bears it.
    assert one["zero-window"]["in_bytes"] < one["stop"]["in_bytes"] / 10
    assert hundred["nftables"]["connections"] == 100
    assert document(ran)["measured"]
    assert any("socket-filter" in line for line in report_lines(ran))


def test_an_unknown_way_is_told() -> None:
    with Lab(load("locks")) as lab, pytest.raises(WorkbenchError, match="no lock method prayer"):
        perform(lab, Act("compare-locks", {"methods": ["prayer"]}))
