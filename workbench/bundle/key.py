"""The key that names are replaced with: it never leaves the host, and makes that two bundles of one host agree."""

import hashlib
import os
import secrets
from pathlib import Path

from workbench.errors import WorkbenchError

NAME = "bundle.key"
SIZE = 32


def host_key(directory: Path) -> bytes:
    """The key in the state directory; made if there is none yet. Raises WorkbenchError."""
    path = directory / NAME
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        _make(directory, path)
        key = path.read_bytes()
    except OSError as error:
        raise WorkbenchError(
            f"the key {path}, with which names are replaced, cannot be kept: {error.strerror}",
            "name another directory in WORKBENCH_STATE",
        ) from error
    if len(key) != SIZE:
        raise WorkbenchError(f"{path} is not a key", "remove it; new bundles will not agree with older ones")
    return key


def _make(directory: Path, path: Path) -> None:
    """Whole or not at all, and never in the place of one that is there."""
    if path.exists():
        return
    fresh = directory / f"{NAME}.{secrets.token_hex(4)}"
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, secrets.token_bytes(SIZE))
        os.fsync(descriptor)
        path.hardlink_to(fresh)
    except FileExistsError:
        pass  # somebody else made one meanwhile: that one counts
    finally:
        os.close(descriptor)
        fresh.unlink()


def fingerprint(key: bytes) -> str:
    """What tells two keys apart and tells nothing of them."""
    return hashlib.blake2b(b"fingerprint", key=key, digest_size=4).hexdigest()
