"""The assembler against encodings of the standard (instruction-set.rst), written out byte by byte."""

import errno

import pytest

from workbench.collect import bpf
from workbench.collect.bpf import BpfError, Program


def assembled(write: Program) -> list[str]:
    code = write.assemble()
    return [code[place : place + 8].hex() for place in range(0, len(code), 8)]


EPILOGUE = ["b700000000000000", "9500000000000000"]  # r0 = 0; exit


def test_an_empty_program_returns_0() -> None:
    assert assembled(Program()) == EPILOGUE


@pytest.mark.parametrize(
    ("size", "load", "store"),
    [
        (1, "7141640000000000", "731af8ff00000000"),
        (2, "6941640000000000", "6b1af8ff00000000"),
        (4, "6141640000000000", "631af8ff00000000"),
        (8, "7941640000000000", "7b1af8ff00000000"),
    ],
)
def test_loads_and_stores_of_every_size(size: int, load: str, store: str) -> None:
    write = Program()
    write.load(1, 4, 100, size)  # r1 = *(uN *)(r4 + 100)
    write.store(bpf.FRAME, -8, 1, size)  # *(uN *)(r10 - 8) = r1
    assert assembled(write) == [load, store, *EPILOGUE]


def test_arithmetic_and_calls() -> None:
    write = Program()
    write.copy(6, 1)  # r6 = r1
    write.number(3, -1)  # r3 = -1
    write.add(2, -160)  # r2 += -160
    write.call(bpf.SEQ_WRITE)
    assert assembled(write) == [
        "bf16000000000000",
        "b7030000ffffffff",
        "0702000060ffffff",
        "850000007f000000",
        *EPILOGUE,
    ]


def test_jumps_lead_to_the_end() -> None:
    write = Program()
    write.end_if_zero(0)
    write.copy(7, 0)
    write.end_if_zero(7)
    assert assembled(write) == ["1500020000000000", "bf07000000000000", "1507000000000000", *EPILOGUE]


def test_masks_shifts_and_sums_of_registers() -> None:
    write = Program()
    write.mask(2, 15)  # r2 &= 15
    write.shift_right(3, 4)  # r3 >>= 4
    write.add_register(2, 3)  # r2 += r3
    write.subtract_register(1, 2)  # r1 -= r2
    write.count(0, 1)  # lock *(u64 *)(r0 + 0) += r1
    assert assembled(write) == [
        "570200000f000000",
        "7703000004000000",
        "0f32000000000000",
        "1f21000000000000",
        "db10000000000000",
        *EPILOGUE,
    ]


def test_a_map_takes_two_instructions() -> None:
    write = Program()
    write.map(1, 7)  # r1 = map of descriptor 7
    assert assembled(write) == ["1811000007000000", "0000000000000000", *EPILOGUE]


def test_jumps_land_where_they_are_told() -> None:
    write = Program()
    first = write.jump_if_equal(1, 6)
    second = write.jump()
    write.land(first)
    write.copy(2, 3)
    write.land(second)
    write.end_unless_equal(4, 2)
    write.end_if_at_most(5, 9)
    assert assembled(write) == [
        "1501010006000000",  # if r1 == 6 skip one
        "0500010000000000",  # skip one
        "bf32000000000000",
        "5504010002000000",
        "b505000009000000",
        *EPILOGUE,
    ]


def test_an_assembled_program_can_be_assembled_again() -> None:
    write = Program()
    write.end_if_zero(0)
    assert write.assemble() == write.assemble()


def test_another_architecture_is_an_error_with_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "vax")
    with pytest.raises(BpfError, match="vax") as caught:
        bpf.attach_iterator(0)
    assert caught.value.errno == errno.ENOSYS


def test_a_descriptor_that_is_no_program_is_refused() -> None:
    with pytest.raises(BpfError):
        bpf.attach_iterator(1_000_000)
