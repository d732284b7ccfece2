"""Without the kernel's description of its structures sequence numbers are a gap, and one that says what to do."""

from pathlib import Path

import numpy as np
import pytest

from workbench.collect.sequences import SequenceReader, SequenceTable
from workbench.collect.tcp_program import OWNER, TcpProgram
from workbench.evidence import Gap


def told(content: bytes | None, directory: Path) -> Gap:
    path = directory / "vmlinux"
    if content is not None:
        path.write_bytes(content)
    found = SequenceReader(path).read()
    assert isinstance(found, Gap)
    assert found.section == "sequences"
    return found


def test_a_kernel_without_btf(tmp_path: Path) -> None:
    gap = told(None, tmp_path)
    assert "no BTF" in gap.reason
    assert "CONFIG_DEBUG_INFO_BTF" in gap.remedy


@pytest.mark.parametrize("content", [b"", b"no BTF at all", b"\x9f\xeb\x01\x00" + b"\x18\0\0\0" + bytes(40)])
def test_btf_that_is_damaged_or_of_another_kernel(content: bytes, tmp_path: Path) -> None:
    gap = told(content, tmp_path)
    assert "of no use here" in gap.reason
    assert gap.remedy


def test_a_gap_stays_one(tmp_path: Path) -> None:
    reader = SequenceReader(tmp_path / "vmlinux")
    assert reader.read() == reader.read()
    reader.close()


def test_columns_of_sockets_that_are_not_there() -> None:
    record = np.dtype([*OWNER.descr, ("snd_una", "u4")])
    rows = np.zeros(3, record)
    rows["cookie"], rows["snd_una"] = [9, 0, 4], [90, 0, 40]  # a multipath socket has no cookie
    table = SequenceTable(rows, TcpProgram(b"", record, {}), 250)
    found = table.columns(np.array([4, 5, 9, 1 << 60], np.uint64), ["snd_una"])
    assert found["snd_una"].tolist() == [40, None, 90, None]
    assert list(table) == [4, 9]
    assert 0 not in table
    empty = SequenceTable(rows[:0], TcpProgram(b"", record, {}), None)
    assert empty.columns(np.array([4], np.uint64), ["snd_una"])["snd_una"].tolist() == [None]
