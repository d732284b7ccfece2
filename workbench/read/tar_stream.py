"""Members of a tar archive in the order in which they stand, without ever writing one.

Forms: POSIX ustar and pax (IEEE 1003.1, pax), GNU long names, sizes beyond 8 GiB and sparse files (tar(5)). Headers
that announce more than any real one needs are refused before they are read.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from workbench.read.byte_stream import GZIP, ZSTD, ByteStream
from workbench.read.image_file import Damage

BLOCK = 512
MEMBERS = 1 << 17
"""Headers in one archive: CRIU writes one image a connection, and one a task for each kind."""
HEADER_LIMIT = 64 << 10
"""Bytes of an extended header; a path has 4 KiB at most."""

_REGULAR = b"0\0007"
_EXTENDED = b"xgLK"
_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Member:
    """One file, directory or whatever else stands in the archive."""

    name: str
    """Without ``./`` at the front and slashes at the end; hostile."""
    size: int
    """Bytes that follow in the archive; of a sparse file fewer than it had."""
    modified: float
    kind: str
    """``file``, ``directory``, ``sparse``, ``symlink``, ``link`` or ``special``."""


def members(stream: ByteStream) -> Iterator[tuple[Member, "Content"]]:
    """Every member with its content, which can be read until the next one is asked for.

    Raises Damage: the archive is truncated or no tar, has more members than MEMBERS or the same file twice, or a
    member's name leads out of the place where the archive would be unpacked.
    """
    pax: dict[str, str] = {}
    long_name = ""
    seen: set[str] = set()
    for number in range(MEMBERS):
        header = stream.read(BLOCK)
        if header.startswith((GZIP, ZSTD)):
            raise Damage("is no tar archive: it is compressed twice")
        if len(header) < BLOCK:
            raise Damage("is truncated: its end mark is missing" if number else "is no tar archive: it is too short")
        if not header.strip(b"\0"):
            stream.finish()
            return
        _check(header)
        kind, size = header[156:157], _number(header[124:136])
        if kind in _EXTENDED:
            if size > HEADER_LIMIT:
                raise Damage(f"has an extended header of {size} bytes")
            content = stream.read(_padded(size))
            if len(content) < _padded(size):
                raise Damage("is truncated: it ends within a header")
            if kind == b"x":
                pax = _pax(content[:size])
            elif kind == b"L":
                long_name = _text(content[:size])
            continue
        found = _member(header, kind, size, pax, long_name)
        pax, long_name = {}, ""
        if found.kind != "directory":
            if found.name in seen:
                raise Damage(f"holds {found.name[:_SHOWN]} twice")
            seen.add(found.name)
        if kind == b"S":
            _skip_sparse_map(stream, header)
        content_of = Content(stream, found)
        yield found, content_of
        content_of.leave()
    raise Damage(f"has more than {MEMBERS} members")


class Content:
    """What a member holds."""

    def __init__(self, stream: ByteStream, member: Member) -> None:
        self._stream = stream
        self._member = member
        self._read = 0

    def read(self) -> bytes:
        """All of it, once. Raises Damage."""
        content = self._stream.read(self._member.size)
        self._read = len(content)
        if self._read < self._member.size:
            raise self._truncated()
        return content

    def leave(self) -> None:
        """Go to the next header. Raises Damage."""
        if not self._stream.skip(_padded(self._member.size) - self._read):
            raise self._truncated()

    def _truncated(self) -> Damage:
        return Damage(f"is truncated: it ends within {self._member.name[:_SHOWN]}")


def _member(header: bytes, kind: bytes, size: int, pax: dict[str, str], long_name: str) -> Member:
    name = pax.get("path") or long_name or _ustar_name(header)
    if "size" in pax:
        size = _decimal(pax["size"])
    what = {b"5": "directory", b"2": "symlink", b"1": "link", b"S": "sparse"}.get(kind, "special")
    if kind in _REGULAR:
        what = "directory" if name.endswith("/") else "file"
    if any(key.startswith("GNU.sparse") for key in pax):
        what = "sparse"
    if what in {"directory", "symlink", "link", "special"}:
        size = 0 if kind not in _REGULAR else size
    return Member(_safe(name), size, float(_number(header[136:148])), what)


def _safe(name: str) -> str:
    parts = [part for part in name.split("/") if part not in {"", "."}]
    if name.startswith("/") or ".." in parts or "\0" in name:
        raise Damage(f"has a member that would be written elsewhere: {name[:_SHOWN]}")
    return "/".join(parts)


def _ustar_name(header: bytes) -> str:
    name = _text(header[:100])
    prefix = _text(header[345:500]) if header[257:263] == b"ustar\0" else ""
    return f"{prefix}/{name}" if prefix else name


def _text(content: bytes) -> str:
    return content.partition(b"\0")[0].decode("utf-8", "surrogateescape")


def _check(header: bytes) -> None:
    """The sum of all bytes with the sum itself taken for spaces, which it stands among."""
    total = sum(header) - sum(header[148:156]) + 8 * 0x20
    if _number(header[148:156]) != total:
        raise Damage("is no tar archive, or is damaged: the sum of a header is wrong")


def _number(field: bytes) -> int:
    """Octal digits, or GNU's base 256 where the first bit is set."""
    if field[0] & 0x80:
        if field[0] != 0x80:
            raise Damage("is damaged: a header has a negative or absurd number")
        return int.from_bytes(field[1:], "big")
    digits = field.strip(b" \0")
    if not digits:
        return 0
    try:
        return int(digits.decode("ascii"), 8)
    except ValueError as error:
        raise Damage("is no tar archive, or is damaged: a header has no number where one belongs") from error


def _decimal(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise Damage("is damaged: a header has no number where one belongs")
    return int(text)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _pax(content: bytes) -> dict[str, str]:
    r"""Records such as ``27 path=checkpoint/pages-1\n``: the number counts the whole record (pax(1))."""
    found: dict[str, str] = {}
    position = 0
    while position < len(content):
        length = content[position : position + 8].partition(b" ")[0]
        if not length.isdigit() or not len(length) < int(length) <= len(content) - position:
            raise Damage("is damaged: an extended header makes no sense")
        record = content[position + len(length) + 1 : position + int(length)]
        key, _, value = record.rstrip(b"\n").partition(b"=")
        found[key.decode("utf-8", "surrogateescape")] = value.decode("utf-8", "surrogateescape")
        position += int(length)
    return found


def _skip_sparse_map(stream: ByteStream, header: bytes) -> None:
    """Old GNU form: further blocks of the map stand before the content, as long as each says so."""
    more = header[482]
    for _ in range(MEMBERS):
        if not more:
            return
        block = stream.read(BLOCK)
        if len(block) < BLOCK:
            raise Damage("is truncated: it ends within a header")
        more = block[504]
    raise Damage("is damaged: the map of a sparse file does not end")
