"""Other names in the place of a host's own: the same for the same, whatever it names."""

import hashlib
import re

_HEX = re.compile(r"[0-9a-f]{12,64}", re.ASCII)
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.ASCII)
_SHORT = 12
"""Digits by which people name a container."""


class Pseudonyms:
    """Names under one key. A name is replaced alike as a host's, as a container's or as a part of a path."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._known: dict[str, str] = {}

    def digest(self, text: str, size: int = 8) -> bytes:
        """What stands for a text; nothing leads back without the key."""
        return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), key=self._key, digest_size=size).digest()

    def name(self, text: str) -> str:
        """``name-1f2e3d4c``; an identifier of hexadecimal digits gets another of the same length."""
        if not text:
            return text
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = self._other(text)
        return found

    def _other(self, text: str) -> str:
        if _UUID.fullmatch(text):
            digits = self.digest(text, 16).hex()
            return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
        if _HEX.fullmatch(text):
            # the first digits alone name it too
            return self.digest(text[:_SHORT], 6).hex() + self.digest(text, 32).hex()[: len(text) - _SHORT]
        return f"name-{self.digest(text, 4).hex()}"

    def mac(self, text: str) -> str:
        """A hardware address; locally administered."""
        return ":".join(("02", *(f"{byte:02x}" for byte in self.digest(text.lower(), 5))))
