"""What the CRIU of this machine prints, as its own program holds it: format strings of printf(3)."""

import re
import shutil
from functools import cache
from pathlib import Path

from workbench.criu.places import private_prefix

_LARGEST = 64 << 20
_STRING = re.compile(rb"[\t\n\x20-\x7e]{4,}(?=\x00)")
_PREFIX = re.compile(r"^(?:Error|Warn) +\(%s:%d\): ")
"""Put before errors and warnings by pr_err() and pr_warn() (criu/include/log.h)."""
_SAYS = re.compile(r"[A-Za-z]{2,}")


@cache
def messages() -> tuple[str, ...]:
    """Of the private CRIU, else of that on PATH; empty where there is none, or if it is no program."""
    places = (private_prefix() / "sbin" / "criu", Path(shutil.which("criu") or "/nonexistent/criu"))
    return next((found for path in places if (found := messages_of(path))), ())


def messages_of(program: Path) -> tuple[str, ...]:
    """Strings of a program that may be formats of messages; those without a word are left out."""
    try:
        if program.stat().st_size > _LARGEST:
            return ()
        data = program.read_bytes()
    except OSError:
        return ()
    if not data.startswith(b"\x7fELF"):
        return ()
    texts = {_PREFIX.sub("", each[0].decode("ascii").strip("\n")) for each in _STRING.finditer(data)}
    return tuple(sorted(text for text in texts if _SAYS.search(text) and (" " in text or "%" in text)))
