from pathlib import Path

import pytest

from tests.unit.collect.fake_proc import FakeProc
from workbench.collect.owners import OwnerReader
from workbench.evidence import Holder


@pytest.fixture
def proc(tmp_path: Path) -> FakeProc:
    made = FakeProc(tmp_path)
    made.process(10, "server")
    made.process(11, "worker")
    made.descriptor(10, 0, "/dev/null")
    made.descriptor(10, 4, "socket:[500]")
    made.descriptor(11, 3, "socket:[500]")
    made.descriptor(11, 5, "pipe:[600]")
    return made


def test_every_holder_of_a_socket_is_found(proc: FakeProc) -> None:
    owners = OwnerReader(proc.root)
    assert dict(owners.read_all()) == {500: (Holder(10, 4, "server"), Holder(11, 3, "worker"))}
    assert dict(owners.pipes()) == {600: (Holder(11, 5, "worker"),)}


def test_an_unchanged_process_is_not_looked_into_until_a_socket_lacks_its_owner(proc: FakeProc) -> None:
    owners = OwnerReader(proc.root)
    before = owners.find([500])
    proc.descriptor(10, 4, "socket:[501]")  # closed and another one opened: as many descriptors as before
    assert owners.find([500]) == before
    assert owners.find([501]) == {501: (Holder(10, 4, "server"),)}
    assert owners.find([500]) == {500: (Holder(11, 3, "worker"),)}


def test_a_replaced_descriptor_shows_by_itself_after_some_rounds(proc: FakeProc) -> None:
    owners = OwnerReader(proc.root)
    owners.find([500])
    proc.descriptor(11, 3, "/dev/null")
    rounds = [owners.find([500])[500] for _ in range(8)]
    assert rounds[-1] == (Holder(10, 4, "server"),)


def test_a_socket_that_nobody_holds_is_looked_for_once(proc: FakeProc) -> None:
    owners = OwnerReader(proc.root)
    owners.find([999])
    assert owners.ownerless == {999}
    proc.descriptor(10, 4, "socket:[502]")
    owners.find([999])
    assert owners.find([500])[500] == (Holder(10, 4, "server"), Holder(11, 3, "worker")), "looked for again"
    assert 502 in owners.find([502])
    assert owners.ownerless == frozenset()


def test_a_pid_that_is_used_anew_is_another_process(proc: FakeProc) -> None:
    owners = OwnerReader(proc.root)
    owners.find([500])
    proc.process(10, "other", start=999)
    proc.descriptor(10, 4, "socket:[777]")
    assert owners.find([777])[777] == (Holder(10, 4, "other"),)


def test_a_process_that_ended_holds_nothing(proc: FakeProc) -> None:
    owners = OwnerReader(proc.root)
    owners.find([500])
    (proc.root / "10/stat").unlink()
    assert owners.find([500])[500] == (Holder(11, 3, "worker"),)


def test_looking_everywhere_misses_no_replaced_descriptor(proc: FakeProc) -> None:
    owners = OwnerReader(proc.root)
    owners.find([500])
    proc.descriptor(11, 5, "pipe:[601]")
    owners.read_all()
    assert set(owners.pipes()) == {601}
