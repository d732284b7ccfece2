from pathlib import Path

import numpy as np
import pytest

from tests.unit.collect.fake_proc import FakeProc
from workbench.collect.descriptor_rows import RowOwners
from workbench.collect.tcp_program import OWNER
from workbench.evidence import Holder


def rows(*held: tuple[int, int, int, int]) -> np.ndarray:
    """(tgid, tid, fd, inode) of each."""
    made = np.zeros(len(held), OWNER)
    for row, (tgid, tid, fd, inode) in zip(made, held, strict=True):
        row["tgid"], row["tid"], row["fd"], row["inode"] = tgid, tid, fd, inode
    return made


@pytest.fixture
def owners(tmp_path: Path) -> RowOwners:
    proc = FakeProc(tmp_path)
    proc.process(10, "server")
    proc.process(11, "worker")
    told = rows((11, 11, 3, 500), (10, 10, 9, 501), (10, 12, 4, 500), (10, 10, 4, 500))
    made = RowOwners(told, tmp_path)
    made.others = {77: (Holder(5, 5, "x"),)}
    return made


def test_holders_by_inode(owners: RowOwners) -> None:
    assert dict(owners) == {
        500: (Holder(10, 4, "server"), Holder(11, 3, "worker")),
        501: (Holder(10, 9, "server"),),
        77: (Holder(5, 5, "x"),),
    }
    assert len(owners) == 3
    assert owners.get(502) is None
    assert owners.pids == {10, 11}


def test_columns_tell_the_same(owners: RowOwners) -> None:
    inodes = [501, 0, 77, 500, 502, 500]
    found = owners.columns(np.array(inodes, np.uint32))
    several = owners[500]
    assert list(zip(found.pid.tolist(), found.fd.tolist(), found.command.tolist(), strict=True)) == [
        (10, 9, "server"), (None, None, None), (5, 5, "x"), (10, 4, "server"), (None, None, None), (10, 4, "server"),
    ]  # fmt: skip
    assert found.several == {3: several, 5: several}


def test_no_rows(tmp_path: Path) -> None:
    nobody = RowOwners(rows(), tmp_path)
    assert dict(nobody) == {}
    assert nobody.missing(np.array([0, 7], np.uint64)) == {7}
    assert nobody.columns(np.array([0, 7], np.uint64)).pid.tolist() == [None, None]


def test_sockets_without_a_row() -> None:
    told = RowOwners(rows((10, 10, 4, 500)))
    assert told.missing(np.array([0, 500, 600, 0], np.uint32)) == {600}
    assert told.missing(np.empty(0, np.uint64)) == set()
