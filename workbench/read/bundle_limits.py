"""How much of a bundle is read at once: what is written in few bytes may take many when it is read."""

from dataclasses import dataclass

MOST_CELLS = 12_000_000
"""Fields of all records of one moment."""


@dataclass
class Room:
    """What JSON that is read together may still hold; its defaults are those of one moment."""

    size: int = 24 << 20
    """Bytes."""
    values: int = 3_200_000
    """By the commas between them: 40 bytes each."""
    texts: int = 700_000
    """By their quotation marks: 60 bytes each, and their letters."""
    brackets: int = 200_000
    """Lists and objects: up to 200 bytes each."""

    def holds(self, content: bytes) -> bool:
        """Whether there is room for this too, which is then taken."""
        self.size -= len(content)
        self.values -= content.count(b",")
        self.texts -= content.count(b'"') // 2
        self.brackets -= content.count(b"[") + content.count(b"{")
        return min(self.size, self.values, self.texts, self.brackets) >= 0
