"""The one gate through which text from the outside passes on every way out."""

import re

# C0 and C1 controls, DEL, bidirectional overrides and isolates (Trojan Source), line and paragraph separators,
# zero-width characters, the byte order mark, and lone surrogates (undecodable bytes under surrogateescape).
_UNPRINTABLE = re.compile(
    r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb\ud800-\udfff]"
)


def printable(text: str, limit: int | None = None) -> str:
    r"""Return ``text`` with every character that could act on a terminal or hide itself written as an escape.

    A newline becomes ``\n``, ESC ``\x1b``, an undecodable byte 0xff ``\xff``. ``limit`` cuts to that many
    characters and ends with an ellipsis.
    """
    if limit is not None and len(text) > limit:
        text = text[: max(limit - 1, 0)] + "…"
    if text.isascii() and text.isprintable():  # nearly all texts, of which there may be very many
        return text
    return _UNPRINTABLE.sub(_escape, text)


def _escape(match: re.Match[str]) -> str:
    point = ord(match[0])
    if 0xDC80 <= point <= 0xDCFF:
        return f"\\x{point - 0xDC00:02x}"
    named = {9: "\\t", 10: "\\n", 13: "\\r"}.get(point)
    if named:
        return named
    return f"\\x{point:02x}" if point < 0x100 else f"\\u{point:04x}"
