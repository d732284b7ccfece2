"""Which checks are asked: by code, family or name, and what was probably meant by a typo."""

from collections.abc import Iterable, Sequence

from workbench.checking.loading import Entry
from workbench.checking.requirements import FAMILIES
from workbench.errors import WorkbenchError


def choose(entries: Sequence[Entry], select: Iterable[str] = (), ignore: Iterable[str] = ()) -> tuple[Entry, ...]:
    """Entries that are selected (all, if nothing is) and not ignored, in their order.

    Each word is a code (``NFT001``), a family (``NFT``, ``X``) or a name, several separated by commas. Raises
    WorkbenchError for one that fits no check, with the nearest that does.
    """
    wanted = {entry for word in _words(select) for entry in named(entries, word)}
    unwanted = {entry for word in _words(ignore) for entry in named(entries, word)}
    return tuple(entry for entry in entries if (not wanted or entry in wanted) and entry not in unwanted)


def named(entries: Sequence[Entry], word: str) -> tuple[Entry, ...]:
    """The entries that one word means; WorkbenchError if there is none."""
    code, name = word.upper(), word.lower()
    families = FAMILIES.keys() | {"X"}
    found = tuple(
        entry
        for entry in entries
        if entry.code == code or entry.name == name or (code in families and entry.code.startswith(code))
    )
    if found or code in families:
        return found
    raise WorkbenchError(f"no check is called {word}", _nearest(entries, word))


def _words(options: Iterable[str]) -> list[str]:
    return [word.strip() for option in options for word in option.split(",") if word.strip()]


def _nearest(entries: Sequence[Entry], word: str) -> str:
    from difflib import get_close_matches

    known = [*(entry.code for entry in entries), *FAMILIES, *(entry.name for entry in entries)]
    close = get_close_matches(word.upper(), known, 1) or get_close_matches(word.lower(), known, 1)
    return f"did you mean {close[0]}?" if close else "`workbench checks` lists them all"
