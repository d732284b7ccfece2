"""The environment as our libraries need it, and as programs of others are to have it."""

import os

_FOR_LIBRARIES = {"OPENBLAS_NUM_THREADS": "1", "ESCDELAY": "50"}
"""numpy's linear algebra would start a thread for each processor while it is loaded, each of which waits for work in
a busy loop: 50 ms of processor time for what is never used here. Textual would wait 100 ms after Escape for the rest of
what may be a longer sequence, so that this key alone was answered too late; a terminal sends such sequences at once.
"""
_ours: set[str] = set()


def prepare() -> None:
    """Set what is not set, before the libraries are loaded."""
    for name, value in _FOR_LIBRARIES.items():
        if name not in os.environ:
            os.environ[name] = value
            _ours.add(name)


def of_others() -> dict[str, str]:
    """The environment that we were started with."""
    return {name: value for name, value in os.environ.items() if name not in _ours}
