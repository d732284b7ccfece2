"""BTF built by hand, type by type, as Documentation/bpf/btf.rst describes it."""

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.collect.btf import ENUM, FUNC, INT, STRUCT, TYPEDEF, UNION, Btf, BtfError, Field

PTR = 2
ARRAY = 3
CONST = 10


class Builder:
    """Writes BTF; each method returns the number of the type it added."""

    def __init__(self) -> None:
        self.strings = b"\0"
        self.types = b""
        self.count = 0

    def name(self, text: str) -> int:
        if not text:
            return 0
        place = len(self.strings)
        self.strings += text.encode() + b"\0"
        return place

    def add(self, name: str, kind: int, size_or_type: int, *, vlen: int = 0, flag: int = 0, tail: bytes = b"") -> int:
        self.types += struct.pack("<III", self.name(name), flag << 31 | kind << 24 | vlen, size_or_type) + tail
        self.count += 1
        return self.count

    def integer(self, name: str, size: int) -> int:
        return self.add(name, INT, size, tail=struct.pack("<I", size * 8))

    def structure(
        self, name: str, size: int, members: list[tuple[str, int, int]], *, kind: int = STRUCT, widths: bool = False
    ) -> int:
        tail = b"".join(struct.pack("<III", self.name(label), of, place) for label, of, place in members)
        return self.add(name, kind, size, vlen=len(members), flag=int(widths), tail=tail)

    def finished(self) -> bytes:
        header = struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(self.types), len(self.types), len(self.strings))
        return header + self.types + self.strings


def sample() -> bytes:
    build = Builder()
    u8, u32 = build.integer("u8", 1), build.integer("u32", 4)
    alias = build.add("seq_t", TYPEDEF, u32)
    fixed = build.add("", CONST, alias)
    pointer = build.add("", PTR, u8)
    array = build.add("", ARRAY, 0, tail=struct.pack("<III", u32, u32, 3))
    inner = build.structure("", 8, [("left", u32, 0), ("right", u32, 32)])
    either = build.structure("", 8, [("whole", pointer, 0), ("", inner, 0)], kind=UNION)
    common = build.structure("sock_common", 16, [("state", u8, 0), ("", either, 64)])
    flags = [("common", common, 0), ("repair", u8, 1 << 24 | 131), ("wide", u32, 5 << 24 | 134)]
    build.structure(
        "tcp_sock",
        64,
        [*flags, ("snd_una", fixed, 160), ("table", array, 192), ("link", pointer, 320)],
        widths=True,
    )
    names = struct.pack("<IIII", build.name("DROP_A"), 2, build.name("DROP_B"), 77)
    build.add("skb_drop_reason", ENUM, 4, vlen=2, tail=names)
    proto = build.add("", 13, 0)
    build.add("bpf_iter_task_file", FUNC, proto)
    return build.finished()


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("snd_una", Field(20, 4)),
        ("common.state", Field(0, 1)),
        ("common.left", Field(8, 4)),
        ("common.right", Field(12, 4)),
        ("common.whole", Field(8, 8)),
        ("table", Field(24, 12)),
        ("link", Field(40, 8)),
        ("repair", Field(16, 1, shift=3, bits=1)),
        ("wide", Field(16, 2, shift=6, bits=5)),
    ],
)
def test_fields_are_found_by_name(path: str, expected: Field) -> None:
    assert Btf(sample()).field("tcp_sock", path) == expected


def test_values_of_an_enumeration_are_found_by_name() -> None:
    btf = Btf(sample())
    assert (btf.enumerator("skb_drop_reason", "DROP_A"), btf.enumerator("skb_drop_reason", "DROP_B")) == (2, 77)
    for enumeration, name in (("skb_drop_reason", "DROP_C"), ("skb_drop", "DROP_A"), ("tcp_sock", "DROP_A")):
        with pytest.raises(BtfError):
            btf.enumerator(enumeration, name)


def test_functions_are_found_by_name() -> None:
    btf = Btf(sample())
    assert btf.find("bpf_iter_task_file", FUNC) == btf.find("bpf_iter_task_file", FUNC) == 13


@pytest.mark.parametrize("path", ["nothing", "common.nothing", "snd_una.deeper", ""])
def test_a_field_that_is_not_there(path: str) -> None:
    with pytest.raises(BtfError, match="tcp_sock has no"):
        Btf(sample()).field("tcp_sock", path)
    with pytest.raises(BtfError, match="no tcp_request"):
        Btf(sample()).field("tcp_request", "x")
    with pytest.raises(BtfError):
        Btf(sample()).find("tcp_sock", FUNC)


def test_a_part_of_a_name_is_not_the_name() -> None:
    with pytest.raises(BtfError):
        Btf(sample()).find("cp_sock", STRUCT)


@pytest.mark.parametrize("length", [0, 10, 24, 40])
def test_truncated_btf(length: int) -> None:
    with pytest.raises(BtfError):
        Btf(sample()[:length])


def test_btf_of_a_big_endian_kernel() -> None:
    with pytest.raises(BtfError, match="little-endian"):
        Btf(b"\xeb\x9f" + sample()[2:])


@given(st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=5), st.binary(max_size=200))
def test_damaged_btf_is_an_error_or_an_answer(changes: list[tuple[int, int]], more: bytes) -> None:
    content = bytearray(sample())
    for place, value in changes:
        content[place % len(content)] = value
    for candidate in (bytes(content), content[:24] + more):
        with contextlib.suppress(BtfError):
            Btf(bytes(candidate)).field("tcp_sock", "common.left")
