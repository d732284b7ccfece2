"""Bytes of plain and compressed files."""

import gzip
import os
import weakref
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from workbench.read.byte_stream import PIECE, open_stream
from workbench.read.image_file import Damage

CONTENT = os.urandom(3 * PIECE) + b"end"
FORMS: dict[str, Callable[[bytes], bytes]] = {"plain": bytes, "gzip": gzip.compress, "zstd": zstandard.compress}


@pytest.mark.parametrize("form", FORMS)
def test_what_is_read_and_skipped_is_what_was_written(tmp_path: Path, form: str) -> None:
    path = tmp_path / "file"
    path.write_bytes(FORMS[form](CONTENT))
    with open_stream(path) as stream:
        assert stream.read(5) == CONTENT[:5]
        assert stream.skip(2 * PIECE)
        assert stream.read(PIECE) == CONTENT[5 + 2 * PIECE :]
        assert stream.read(1) == b""
        assert not stream.skip(1)
        stream.finish()


@pytest.mark.parametrize("form", ["gzip", "zstd"])
def test_nothing_stays_in_memory_afterwards(tmp_path: Path, form: str) -> None:
    """A decompressor whose library takes no part in garbage collection would, if anything led back to it."""
    path = tmp_path / "file"
    path.write_bytes(FORMS[form](CONTENT))
    with open_stream(path) as stream:
        source = weakref.ref(stream._source)  # type: ignore[attr-defined]
    del stream
    assert source() is None


def test_a_sum_at_the_end_is_compared(tmp_path: Path) -> None:
    path = tmp_path / "file"
    packed = gzip.compress(b"content")
    path.write_bytes(packed[:-8] + bytes(8))
    with open_stream(path) as stream, pytest.raises(Damage):
        stream.finish()
