from pathlib import Path

import numpy as np

from tests.unit.collect.fake_proc import FakeProc
from workbench.collect.descriptor_rows import RowOwners, without_row
from workbench.collect.sequences import OWNER
from workbench.evidence import Holder


def rows(*held: tuple[int, int, int, int]) -> np.ndarray:
    """(tgid, tid, fd, inode) of each."""
    made = np.zeros(len(held), OWNER)
    for row, (tgid, tid, fd, inode) in zip(made, held, strict=True):
        row["tgid"], row["tid"], row["fd"], row["inode"] = tgid, tid, fd, inode
    return made


def test_holders_by_inode(tmp_path: Path) -> None:
    proc = FakeProc(tmp_path)
    proc.process(10, "server")
    proc.process(11, "worker")
    told = rows((11, 11, 3, 500), (10, 10, 9, 501), (10, 12, 4, 500), (10, 10, 4, 500))
    owners = RowOwners(told, {77: (Holder(5, 5, "x"),)}, tmp_path)
    assert dict(owners) == {
        500: (Holder(10, 4, "server"), Holder(11, 3, "worker")),
        501: (Holder(10, 9, "server"),),
        77: (Holder(5, 5, "x"),),
    }
    assert len(owners) == 3
    assert owners.get(502) is None


def test_no_rows(tmp_path: Path) -> None:
    assert dict(RowOwners(rows(), proc=tmp_path)) == {}


def test_sockets_without_a_row() -> None:
    told = rows((10, 10, 4, 500))
    assert without_row(np.array([0, 500, 600, 0], np.uint32), told) == {600}
    assert without_row(np.empty(0, np.uint64), told) == set()
