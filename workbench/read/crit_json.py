"""Images as ``crit decode`` (also ``crit show``, ``--pretty``) prints them: JSON, made into images again by pycriu."""

import json
import re
from typing import Any

from workbench.errors import WorkbenchError

LARGEST = 8 << 20
"""Bytes of one file."""

_BRACKETS = 1 << 18
"""Lists and objects in one file: each takes much more memory than the bytes that it is written in."""

_MAGIC = re.compile(rb'\s*\{\s*"magic"\s*:\s*"([A-Z0-9_]{2,24})"')
_IMAGE = re.compile(r"[a-z0-9\-]{2,60}?(?:\.img)?(?=\.(?:json|txt|pretty)$|\.img$|$)")
_ALONE = {"INVENTORY": "inventory.img", "PSTREE": "pstree.img", "FILES": "files.img", "INETSK": "inetsk.img"}
"""Images that each dump has one of: whatever the file is called."""
_NAMED = re.compile(
    r"(?:inventory|pstree|files|inetsk|remap-fpath|(?:core|ids|fdinfo|netns|tcp-stream)-[0-9a-f]+)\.img"
)
_HINT = "call the file as its image is called, with .json behind: tcp-stream-1b7716.img.json"


def is_crit_json(head: bytes) -> bool:
    """Whether a file that begins so is one image in crit's JSON."""
    return _MAGIC.match(head) is not None


def read_crit_json(name: str, content: bytes) -> tuple[str, bytes]:
    """What the image is called in CRIU's directory, and its bytes.

    ``name`` is that of the file; it matters for images of which a dump has several. Raises WorkbenchError.
    """
    if len(content) > LARGEST:
        raise WorkbenchError(f"{name} is larger than {LARGEST >> 20} MiB", "name the image directory itself")
    if content.count(b"{") + content.count(b"[") > _BRACKETS:
        raise WorkbenchError(f"{name} has more than {_BRACKETS} lists and objects", "name the image directory itself")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise WorkbenchError(f"{name} is no whole JSON document", "decode the image again") from error
    magic = document.get("magic") if isinstance(document, dict) else None
    if not isinstance(magic, str):
        raise WorkbenchError(f"{name} is no image in crit's JSON", "make it with: crit decode -i IMAGE -o FILE")
    return _image_name(name, magic, document), _encoded(name, document)


def _image_name(name: str, magic: str, document: dict[str, Any]) -> str:
    if magic in _ALONE:
        return _ALONE[magic]
    if magic == "STATS":
        entries = document.get("entries")
        return "stats-restore" if "restore" in str(entries)[:200] else "stats-dump"
    match = _IMAGE.match(name)
    image = f"{match[0].removesuffix('.img')}.img" if match else ""
    if _NAMED.fullmatch(image):
        return image
    if magic in {"CORE", "IDS", "FDINFO", "TCP_STREAM", "NETNS"}:
        raise WorkbenchError(f"{name} does not tell which image it is ({magic})", _HINT)
    return f"{magic.lower()}.img"


def _encoded(name: str, document: dict[str, Any]) -> bytes:
    try:
        from pycriu import images
    except Exception as error:  # a protobuf that does not fit raises whatever it likes while its modules load
        raise WorkbenchError(
            f"crit's JSON needs pycriu, which cannot be loaded: {error}", "run `make setup`"
        ) from error
    try:
        return bytes(images.dumps(document))
    except Exception as error:  # pycriu trusts its input: KeyError, TypeError, struct.error, ...
        raise WorkbenchError(f"{name} is damaged: CRIU has no such image", "decode the image again") from error
