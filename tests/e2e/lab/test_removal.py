"""Leftover locks of real CRIU runs, taken away: the connections behind them go on, byte for byte."""

from pathlib import Path

import pytest

from workbench.evidence import Gap
from workbench.lab.acts import perform
from workbench.lab.findings import look as look_at
from workbench.lab.lab import Lab
from workbench.lab.scenario import Act, load
from workbench.operation.removal import RemovalPlan
from workbench.operation.remove_locks import look, plan_removal, remove

pytestmark = [pytest.mark.root, pytest.mark.criu]

KILLED = {
    f"killed at {point}, {lock}": [Act("dump", {"killed_at": point, "lock": lock})]
    for lock in ("nftables", "iptables")
    for point in ("query-ext-files", "post-dump")
}
LEAKED = {
    "left by a success": [
        Act("lock", {"program": "iptables"}), Act("dump", {"lock": "iptables"}), Act("restore", {}),
    ],
    "in the other backend": [
        Act("dump", {"lock": "iptables", "iptables": "legacy"}), Act("restore", {"iptables": "nft"}),
    ],
}  # fmt: skip


def planned(lab: Lab) -> RemovalPlan:
    own = {namespace.inode for namespace in lab.namespaces}
    return plan_removal(look([str(lab.images)]), only=lambda use: use.lock.netns in own)


@pytest.mark.parametrize("course", [*KILLED.values(), *LEAKED.values()], ids=[*KILLED, *LEAKED])
@pytest.mark.parametrize("name", ["established", "established-v6"])
def test_the_connection_goes_on(course: list[Act], name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if name.endswith("v6"):
        course = [_of_v6(act) for act in course]
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path))
    with Lab(load(name)) as lab:
        for act in course:
            perform(lab, act)
        done = remove(planned(lab))
        assert done.failed == ()
        locks = look_at(lab.namespaces).locks
        assert not isinstance(locks, Gap)
        assert locks == ()
        (before,) = lab.talked()
        (after,) = lab.await_verified(4_000, timeout=20)
        assert (after.problem, after.ended) == ("", "")
        assert after.to_server >= before.to_server + 4_000
        assert after.to_client >= before.to_client + 4_000


def _of_v6(act: Act) -> Act:
    program = act.arguments.get("program")
    return Act(act.act, {**act.arguments, "program": f"ip6{program[2:]}"}) if program else act
