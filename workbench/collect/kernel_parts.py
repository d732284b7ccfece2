"""Whether a part of the kernel is there already: asking for a missing one would load its module."""

import functools
import os
from pathlib import Path

from workbench.collect.procfs import PROC, read


@functools.cache
def is_built_in(symbol: str, proc: Path = PROC) -> bool:
    """Whether the kernel has a function of this name; kallsyms hides addresses from users, never names."""
    symbols = read(proc / "kallsyms")
    return symbols is not None and f" {symbol}\n".encode() in symbols


def is_present(module: str, symbol: str, proc: Path = PROC, sys_module: Path = Path("/sys/module")) -> bool:
    """Whether the part is built in or its module is loaded.

    ``symbol`` is a function of it. A kernel without loadable modules cannot load one: there, asking is safe.
    """
    if (sys_module / module).exists() or not os.path.exists(proc / "modules"):  # noqa: PTH110 - called every second
        return True
    return is_built_in(symbol, proc)
