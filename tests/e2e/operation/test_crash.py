"""kill -9 of the workbench, of CRIU, or of both, at every point where CRIU waits; then recover."""

import pytest

from tests.e2e.operation.conftest import Bench
from workbench.operation.recover import recover

pytestmark = [pytest.mark.root, pytest.mark.criu]

VICTIMS = ("workbench", "criu", "both")
DUMP = (
    "pre-dump:arrived",
    "query-ext-files:arrived",
    "post-dump:arrived",
    "post-dump:answering",
    "post-dump:answered",
)
RESTORE = (
    "pre-restore:arrived",
    "post-restore:arrived",
    "post-restore:answering",
    "pre-resume:arrived",
    "post-resume:arrived",
)


def _recovered_alive(bench: Bench) -> None:
    reports = recover()
    told = [sentence for report in reports for sentence in report.sentences]
    assert all(report.sound for report in reports), told
    assert not any(report.lost for report in reports), told
    bench.assert_alive()
    assert recover() == ()  # idempotent: everything is settled


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("point", DUMP)
@pytest.mark.parametrize("lock", ["nftables", "iptables"])
def test_a_dump_is_put_right(bench: Bench, lock: str, point: str, victim: str) -> None:
    bench.doom("dump", lock, point, victim)
    _recovered_alive(bench)


@pytest.mark.parametrize("victim", VICTIMS)
@pytest.mark.parametrize("point", RESTORE)
@pytest.mark.parametrize("lock", ["nftables", "iptables"])
def test_a_restore_is_put_right(bench: Bench, lock: str, point: str, victim: str) -> None:
    assert bench.dump(lock).outcome == "succeeded"
    bench.doom("restore", lock, point, victim)
    _recovered_alive(bench)


DUMP_LOG = ("Seized task", "Dumping opened files", "Turning repair on", "Dumping pages", "Writing image inventory")
RESTORE_LOG = ("Forking task", "Restoring TCP connection", "Unlock network", "Turning repair off", "finished successf")


@pytest.mark.parametrize("text", DUMP_LOG)
@pytest.mark.parametrize("lock", ["nftables", "iptables"])
def test_a_dump_struck_at_work(bench: Bench, lock: str, text: str) -> None:
    bench.doom("dump", lock, f"log:{text}", "both")
    _recovered_or_lost(bench)


@pytest.mark.parametrize("text", RESTORE_LOG)
@pytest.mark.parametrize("lock", ["nftables", "iptables"])
def test_a_restore_struck_at_work(bench: Bench, lock: str, text: str) -> None:
    assert bench.dump(lock).outcome == "succeeded"
    bench.doom("restore", lock, f"log:{text}", "both")
    _recovered_or_lost(bench)


def _recovered_or_lost(bench: Bench) -> None:
    """Between two notifications CRIU works: where it is struck is a matter of luck, what comes of it is not."""
    (report,) = recover()
    assert report.sound, report.sentences
    assert recover() == ()
    if report.lost:
        assert set(report.lost) == set(bench.lab.connections)
        assert all(report.lost.values())
        assert bench.locks() == ()
    else:
        bench.assert_alive()
