"""The kernel's own description of its structures (BTF): where a field lies, by name.

Format: Documentation/bpf/btf.rst. Only what finding an offset needs is read.
"""

import struct
from dataclasses import dataclass
from pathlib import Path

VMLINUX = Path("/sys/kernel/btf/vmlinux")

_MAGIC = 0xEB9F
_HEADER = struct.Struct("<HBBIIIII")  # magic, version, flags, hdr_len, type_off, type_len, str_off, str_len

INT, PTR, ARRAY, STRUCT, UNION, ENUM = 1, 2, 3, 4, 5, 6
TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR = 8, 9, 10, 11, 12, 13, 14
DATASEC, DECL_TAG, TYPE_TAG, ENUM64 = 15, 17, 18, 19

# 32-bit words that follow the three of struct btf_type: a fixed number, and so many for each of its vlen members.
_EXTRA = [0] * 32
_EXTRA[INT] = _EXTRA[VAR] = _EXTRA[DECL_TAG] = 1
_EXTRA[ARRAY] = 3
_EACH = [0] * 32
_EACH[ENUM] = _EACH[FUNC_PROTO] = 2
_EACH[STRUCT] = _EACH[UNION] = _EACH[DATASEC] = _EACH[ENUM64] = 3

_QUALIFIERS = frozenset((TYPEDEF, VOLATILE, CONST, RESTRICT, TYPE_TAG))


class BtfError(Exception):
    """This BTF is damaged, or does not describe what was asked for."""


@dataclass(frozen=True, slots=True)
class Field:
    """Where a member lies in its structure."""

    offset: int
    """Bytes from the start of the outermost structure; of a bit field, its first byte."""
    size: int
    """Bytes; of a bit field, those that it touches."""
    shift: int = 0
    """Bit fields: bits to the right of it in its first byte (little-endian)."""
    bits: int = 0
    """Bit fields: how many; 0 for everything else."""


class Btf:
    """BTF of one kernel; parsing takes some 30 ms for the 125 000 types of vmlinux."""

    def __init__(self, content: bytes) -> None:
        """Raises BtfError for bytes that are no BTF of a little-endian kernel."""
        try:
            magic, _, _, header, type_start, type_length, string_start, string_length = _HEADER.unpack_from(content)
        except struct.error as error:
            raise BtfError("shorter than a header") from error
        if magic != _MAGIC:
            raise BtfError("no BTF of a little-endian machine")
        types = memoryview(content)[header + type_start : header + type_start + type_length]
        if len(types) != type_length or type_length % 4 or header + string_start + string_length > len(content):
            raise BtfError("truncated")
        self._words = types.cast("I")
        self._strings = content[header + string_start : header + string_start + string_length]
        self._starts = self._walk()
        self._found: dict[tuple[str, int], int] = {}

    @classmethod
    def of_kernel(cls, path: Path = VMLINUX) -> "Btf":
        """BTF of the running kernel. Raises OSError or BtfError."""
        return cls(path.read_bytes())

    def _walk(self) -> list[int]:
        """Index of the first word of each type; types have no index of their own and differ in length."""
        words, extra, each = self._words, _EXTRA, _EACH
        starts = [0]  # type 0 is void and not stored
        position, end = 0, len(words)
        try:
            while position < end:
                starts.append(position)
                info = words[position + 1]
                kind = info >> 24 & 31
                position += 3 + extra[kind] + each[kind] * (info & 0xFFFF)
        except IndexError as error:
            raise BtfError("a type runs over the end") from error
        return starts

    def find(self, name: str, kind: int) -> int:
        """Type number of the first type of that name and kind. Raises BtfError if there is none."""
        if known := self._found.get((name, kind)):
            return known
        at = self._strings.find(b"\0" + name.encode() + b"\0")
        if at >= 0:
            words, wanted = self._words, at + 1
            for number, start in enumerate(self._starts):
                if words[start] == wanted and words[start + 1] >> 24 & 31 == kind and number:
                    self._found[name, kind] = number
                    return number
        raise BtfError(f"this kernel has no {name}")

    def field(self, structure: str, path: str) -> Field:
        """Where ``path`` (members joined by dots, through embedded structures) lies in ``structure``.

        Anonymous structures and unions on the way are looked through. Raises BtfError if there is no such member.
        """
        number = self.find(structure, STRUCT)
        total = 0
        bits = 0
        for name in path.split("."):
            found = self._member(number, name)
            if found is None:
                raise BtfError(f"this kernel's struct {structure} has no {path}")
            offset, bits, number = found
            total += offset
        if bits:
            shift = total % 8
            return Field(total // 8, (shift + bits + 7) // 8, shift, bits)
        return Field(total // 8, self._size(number))

    def enumerator(self, enumeration: str, name: str) -> int:
        """Value of a name in an ``enum``. Raises BtfError if there is no such enumeration or name."""
        start = self._start(self.find(enumeration, ENUM))
        words = self._words
        for member in range(start + 3, start + 3 + 2 * (words[start + 1] & 0xFFFF), 2):
            if self._string(words[member]) == name:
                return words[member + 1]
        raise BtfError(f"this kernel's enum {enumeration} has no {name}")

    def arguments(self, tracepoint: int) -> int:
        """How many arguments a tracepoint hands over, by the number of its ``btf_trace_*`` typedef.

        Raises BtfError if it is no typedef of a pointer to a function.
        """
        number = tracepoint
        for expected in (TYPEDEF, PTR):
            if self._kind(number) != expected:
                raise BtfError(f"type {tracepoint} is no tracepoint")
            number = self._words[self._start(number) + 2]
        if self._kind(number) != FUNC_PROTO:
            raise BtfError(f"type {tracepoint} is no tracepoint")
        return (self._words[self._start(number) + 1] & 0xFFFF) - 1  # the first one is the tracepoint's own data

    def _kind(self, number: int) -> int:
        return self._words[self._start(number) + 1] >> 24 & 31

    def _start(self, number: int) -> int:
        if not 0 < number < len(self._starts):
            raise BtfError(f"type {number} does not exist")
        return self._starts[number]

    def _bare(self, number: int) -> int:
        """The type without its qualifiers and typedefs."""
        for _ in range(32):
            if self._kind(number) not in _QUALIFIERS:
                return number
            number = self._words[self._start(number) + 2]
        raise BtfError("typedefs in a circle")

    def _member(self, number: int, name: str, depth: int = 0) -> tuple[int, int, int] | None:
        """(offset in bits, width of a bit field or 0, type) of a member; through anonymous members too."""
        number = self._bare(number)
        if self._kind(number) not in {STRUCT, UNION} or depth > 16:
            return None
        words, start = self._words, self._start(number)
        has_widths = words[start + 1] >> 31
        for member in range(start + 3, start + 3 + 3 * (words[start + 1] & 0xFFFF), 3):
            label, kind, place = words[member], words[member + 1], words[member + 2]
            offset, bits = (place & 0xFFFFFF, place >> 24) if has_widths else (place, 0)
            if label:
                if self._string(label) == name:
                    return offset, bits, kind
            elif inner := self._member(kind, name, depth + 1):
                return offset + inner[0], inner[1], inner[2]
        return None

    def _string(self, offset: int) -> str:
        return self._strings[offset : self._strings.find(b"\0", offset)].decode(errors="replace")

    def _size(self, number: int) -> int:
        number = self._bare(number)
        start = self._start(number)
        if self._kind(number) == PTR:
            return 8
        if self._kind(number) == ARRAY:
            return self._words[start + 5] * self._size(self._words[start + 3])
        return self._words[start + 2]
