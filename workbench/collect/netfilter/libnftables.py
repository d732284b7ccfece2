"""The nftables library (libnftables(3)), or the ``nft`` program where the library is missing."""

import ctypes
import functools
import shutil
import subprocess
import threading

from workbench.errors import WorkbenchError

_HANDLE = 1 << 3
_NUMERIC_PRIORITY = 1 << 8
_TERSE = 1 << 11
_TIMEOUT_S = 30
_ONE_AT_A_TIME = threading.Lock()  # the library keeps the names of interfaces and xtables' state in globals

SEARCH_PATH = "/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin"
"""Where administrators' programs lie; root's PATH under sudo or in a unit may lack sbin."""


def run_nft(commands: str, elements: bool = True) -> str:
    """Run nft commands in the network namespace of the calling thread, as one transaction, and return their output.

    Listings bear handles and numeric priorities; without ``elements`` those of named sets are left out (they
    may be very many). A context is made for each call: it costs 40 us, while one kept open would keep
    the namespace alive. Raises WorkbenchError if nft refuses, or if neither library nor program is there.
    """
    nft = Nft(elements)
    try:
        return nft.run(commands)
    finally:
        nft.close()


class Nft:
    """nft kept open, in the network namespace of the thread that opens it; any thread may use it, one at a time.

    After a deletion ``close`` waits until no processor can still see what was deleted, some 10 ms; ``run`` does not.
    """

    def __init__(self, elements: bool = True) -> None:
        self._elements = elements
        self._library = _library()
        self._context = None
        if self._library is not None:
            with _ONE_AT_A_TIME:
                self._context = self._library.nft_ctx_new(0)
            if not self._context:
                raise WorkbenchError("libnftables gave no context", "run as root")

    def run(self, commands: str) -> str:
        """As ``run_nft``."""
        library = self._library
        if library is None:
            return _run_program(commands, self._elements)
        with _ONE_AT_A_TIME:
            flags = _HANDLE | _NUMERIC_PRIORITY | (0 if self._elements else _TERSE)
            library.nft_ctx_output_set_flags(self._context, flags)
            library.nft_ctx_buffer_output(self._context)
            library.nft_ctx_buffer_error(self._context)
            failed = library.nft_run_cmd_from_buffer(self._context, commands.encode(errors="surrogateescape"))
            if failed:
                raise _refused(library.nft_ctx_get_error_buffer(self._context) or b"")
            return (library.nft_ctx_get_output_buffer(self._context) or b"").decode(errors="surrogateescape")

    def close(self) -> None:
        if self._library is not None and self._context:
            with _ONE_AT_A_TIME:
                self._library.nft_ctx_free(self._context)
            self._context = None


def _refused(said: bytes) -> WorkbenchError:
    first = next(iter(said.decode(errors="surrogateescape").strip().splitlines()), "no reason given")
    return WorkbenchError(f"nft refused: {first.removeprefix('Error: ')}")


def _run_program(commands: str, elements: bool) -> str:
    program = shutil.which("nft", path=SEARCH_PATH)
    if program is None:
        raise WorkbenchError("neither libnftables nor nft is installed", "apt-get install nftables")
    options = ["--handle", "--numeric-priority", *([] if elements else ["--terse"])]
    done = subprocess.run(
        [program, *options, "-f", "-"],
        input=commands.encode(errors="surrogateescape"),
        capture_output=True,
        timeout=_TIMEOUT_S,
        check=False,
        process_group=0,
    )
    if done.returncode:
        raise _refused(done.stderr)
    return done.stdout.decode(errors="surrogateescape")


@functools.cache
def _library() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL("libnftables.so.1")
    except OSError:
        return None
    context = ctypes.c_void_p
    library.nft_ctx_new.argtypes, library.nft_ctx_new.restype = [ctypes.c_uint32], context
    library.nft_ctx_output_set_flags.argtypes, library.nft_ctx_output_set_flags.restype = [context, ctypes.c_uint], None
    library.nft_run_cmd_from_buffer.argtypes = [context, ctypes.c_char_p]
    for name in ("nft_ctx_get_output_buffer", "nft_ctx_get_error_buffer"):
        function = getattr(library, name)
        function.argtypes, function.restype = [context], ctypes.c_char_p
    for name in ("nft_ctx_buffer_output", "nft_ctx_buffer_error"):
        getattr(library, name).argtypes = [context]
    library.nft_ctx_free.argtypes, library.nft_ctx_free.restype = [context], None
    return library
