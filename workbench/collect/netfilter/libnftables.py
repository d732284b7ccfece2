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
    library = _library()
    if library is None:
        return _run_program(commands, elements)
    with _ONE_AT_A_TIME:
        context = library.nft_ctx_new(0)
        if not context:
            raise WorkbenchError("libnftables gave no context", "run as root")
        try:
            flags = _HANDLE | _NUMERIC_PRIORITY | (0 if elements else _TERSE)
            library.nft_ctx_output_set_flags(context, flags)
            library.nft_ctx_buffer_output(context)
            library.nft_ctx_buffer_error(context)
            failed = library.nft_run_cmd_from_buffer(context, commands.encode(errors="surrogateescape"))
            if failed:
                raise _refused(library.nft_ctx_get_error_buffer(context) or b"")
            return (library.nft_ctx_get_output_buffer(context) or b"").decode(errors="surrogateescape")
        finally:
            library.nft_ctx_free(context)


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
