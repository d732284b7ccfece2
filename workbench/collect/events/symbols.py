"""Which function of the kernel an address lies in (/proc/kallsyms)."""

from bisect import bisect_right
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from workbench.evidence.event import NOTHING

KALLSYMS = Path("/proc/kallsyms")


class Symbols:
    """Read when the first address is asked for; the list has some hundred thousand functions."""

    def __init__(self, path: Path = KALLSYMS) -> None:
        self._path = path
        self._addresses: list[int] | None = None
        self._names: list[str] = []
        self._found: dict[int, Mapping[str, int | str]] = {}

    def details(self, address: int) -> Mapping[str, int | str]:
        """``location`` for the details of an event; nothing if the kernel does not tell its addresses."""
        if address not in self._found:
            name = self._name(address)
            self._found[address] = MappingProxyType({"location": name}) if name else NOTHING
        return self._found[address]

    def _name(self, address: int) -> str:
        if self._addresses is None:
            self._read()
        assert self._addresses is not None
        place = bisect_right(self._addresses, address) - 1
        return self._names[place] if place >= 0 and address else ""

    def _read(self) -> None:
        functions = []
        try:
            with self._path.open("rb") as file:
                for line in file:
                    fields = line.split()
                    if len(fields) >= 3 and fields[1] in b"tTwW" and fields[0].strip(b"0"):
                        functions.append((int(fields[0], 16), fields[2].decode(errors="replace")))
        except OSError:
            pass
        functions.sort()
        self._addresses = [address for address, _ in functions]
        self._names = [name for _, name in functions]
