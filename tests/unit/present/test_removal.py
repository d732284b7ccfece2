"""What stays, and the command that would remove it all the same."""

import pytest

from workbench.evidence import Backend, Connection, Endpoint, Lock, LockScope
from workbench.evidence.lock_map import LockStatus, LockUse
from workbench.operation.removal import Kept, RemovalPlan
from workbench.present.removal import removal_lines

LINE = Connection(Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.1", 56692))
TABLE = "CRIU-660e2a43-99b0-4c54-a4"


def _kept(backend: Backend, name: str, loses: str) -> Kept:
    lock = Lock(1, backend, LockScope.CONNECTION, "inet", "t", name, (LINE,), frozenset({"input", "output"}), None)
    use = LockUse(lock, LockStatus.NEEDED, "its images wait", "restore", (LINE,))
    return Kept(use, "its images wait", in_use=True, loses=loses)


@pytest.mark.parametrize(
    ("backend", "name", "called"),
    [
        (Backend.NFTABLES, TABLE, TABLE),
        (Backend.IPTABLES_NFT, str(LINE), "10.0.0.2:7022-10.0.0.1:56692"),
    ],
)
def test_how_a_needed_lock_is_removed_all_the_same(backend: Backend, name: str, called: str) -> None:
    text = "\n".join(removal_lines(RemovalPlan((), (_kept(backend, name, "The connection is lost."),))))
    assert f"`workbench locks --remove {called} --even-if-needed` removes it all the same. The connection" in text


def test_one_that_stays_even_then_has_no_such_command() -> None:
    assert "even-if" not in "\n".join(removal_lines(RemovalPlan((), (_kept(Backend.NFTABLES, TABLE, ""),))))
