"""Generations of a process: kept, written out, bounded, and damaged ones refused."""

from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.operation.journal import boot_id
from workbench.operation.rollback.generation import Generation
from workbench.operation.rollback.generations import Generations, damage_of, every_process, forget

PID, STARTED = 4645, 100


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("WORKBENCH_MEMORY", str(tmp_path / "memory"))
    return tmp_path


def saved(known: Generations, size: int = 10) -> Generation:
    number = known.next_number()
    memory = known.memory_for(number, size)
    memory.mkdir(parents=True)
    (memory / "inventory.img").write_bytes(b"x" * size)
    generation = Generation(number, PID, "server", float(number), boot_id(), size, 1, str(memory), "", {})
    known.add(generation)
    return generation


def test_one_is_known_at_once_and_safe_when_it_is_written_out(state: Path) -> None:
    known = Generations(PID, STARTED)
    first = saved(known)
    assert known.get(1) == first
    written = known.write_out(first)
    assert known.get(None) == written
    assert Path(written.disk, "inventory.img").read_bytes() == b"x" * 10
    assert written.images == first.memory, "memory first"


def test_the_last_ones_are_kept_and_numbers_are_never_given_twice() -> None:
    known = Generations(PID, STARTED)
    for _ in range(4):
        known.write_out(saved(known))
        known.prune(2)
    assert [each.number for each in known.all] == [3, 4]
    assert not Path(known.memory_for(1, 0)).exists()
    assert known.next_number() == 5


def test_too_much_memory_leaves_the_older_ones_on_the_disk_only() -> None:
    known = Generations(PID, STARTED)
    for _ in range(3):
        known.write_out(saved(known, 100))
    known.prune(3, 250)
    assert [bool(each.memory) for each in known.all] == [False, True, True]
    assert all(each.images for each in known.all)


def test_one_that_is_in_memory_only_is_never_dropped_for_room() -> None:
    known = Generations(PID, STARTED)
    saved(known, 100)
    known.prune(3, 10)
    assert known.all[0].images


def test_they_belong_to_this_very_process_and_follow_it_through_a_roll_back() -> None:
    known = Generations(PID, STARTED)
    saved(known)
    assert Generations(PID, STARTED + 1).all == (), "another process with the same pid"
    known.belongs_to(STARTED + 1)
    assert len(Generations(PID, STARTED + 1).all) == 1
    assert len(Generations(PID, 0).all) == 1, "it has ended"


def test_damage_on_the_disk_is_found() -> None:
    known = Generations(PID, STARTED)
    written = known.write_out(saved(known))
    Path(written.memory, "inventory.img").unlink()
    written = known.get(1)
    assert damage_of(written) == ""
    Path(written.disk, "inventory.img").write_bytes(b"y" * 10)
    assert damage_of(written) == "inventory.img is damaged"
    Path(written.disk, "inventory.img").unlink()
    assert damage_of(written) == "its images are gone"


def test_what_has_no_manifest_does_not_count(state: Path) -> None:
    known = Generations(PID, STARTED)
    saved(known)
    (state / "state" / "generations" / f"{PID}-{STARTED}" / "2").mkdir()
    assert [each.number for each in known.all] == [1]


def test_one_that_is_not_there_is_named() -> None:
    known = Generations(PID, STARTED)
    with pytest.raises(WorkbenchError, match="no generation of process"):
        known.get(None)
    saved(known)
    with pytest.raises(WorkbenchError, match="there are 1"):
        known.get(7)


def test_all_are_forgotten_in_memory_and_on_the_disk(state: Path) -> None:
    known = Generations(PID, STARTED)
    generation = known.write_out(saved(known))
    assert len(every_process()) == 1
    assert forget(PID) == 1
    assert every_process() == ()
    assert not Path(generation.memory).exists()
    assert not Path(generation.disk).exists()
