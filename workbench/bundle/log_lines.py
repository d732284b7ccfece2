"""Lines of CRIU's logs, taken apart by what CRIU prints and written anew without what is private in them.

A message that the CRIU of this machine prints (``criu_messages``) keeps its own words; the numbers, names, addresses
and paths that were printed into it are replaced each by its own rule. Of one that is not known the known words
remain; a line with none of them is left out.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cache, lru_cache

from workbench.bundle.criu_messages import messages
from workbench.bundle.texts import Texts
from workbench.evidence import LogDigest, LogLine

_DIRECTIVE = re.compile(
    r"%(?:(?P<percent>%)|[-+ #0]*(?:\d+|\*)?(?:\.(?:\d+|\*))?(?:hh|h|ll|l|z|j|t)?(?P<kind>[a-zA-Z]))"
)
_VALUES = {
    **dict.fromkeys("diuD", re.compile(r"\s*[-+]?\d{1,20}\s*", re.ASCII)),
    **dict.fromkeys("xXp", re.compile(r"\s*(?:(?:0x)?[0-9a-fA-F]{1,16}|\(nil\))\s*", re.ASCII)),
    "o": re.compile(r"\s*[0-7]{1,22}\s*", re.ASCII),
    "c": re.compile(r"[A-Za-z?-]", re.ASCII),
}
_WORD = re.compile(r"[A-Za-z]{2,}")
_PREFIX = re.compile(r"[a-z0-9_-]{2,12}: ")
_BEGINNING = re.compile(r"(?:\(\d{2,9}\.\d{1,9}\) ?)?(?:(?:pie: +| *)\d{1,10}: )?", re.ASCII)
_MARK = re.compile(r"(?P<level>Error|Warn) *(?:\((?P<source>[^():\s]{1,200}):(?P<number>\d{1,9})\))?: ")
_CANDIDATES = 40


@dataclass(frozen=True, slots=True)
class Template:
    """A format string: what stands between its directives, and their kinds."""

    literals: tuple[str, ...]
    kinds: tuple[str, ...]

    def values(self, message: str) -> tuple[str, ...] | None:
        """What was printed into it, if this is what the message was made of.

        Each text is taken to end where the following one begins first: no format is tried in two ways.
        """
        first, last = self.literals[0], self.literals[-1]
        if not message.startswith(first) or not message.endswith(last):
            return None
        if not self.kinds:
            return () if message == first else None
        found: list[str] = []
        place = len(first)
        end = len(message) - len(last)
        for kind, literal in zip(self.kinds, self.literals[1:], strict=True):
            is_last = len(found) == len(self.kinds) - 1
            until = end if is_last else message.find(literal, place, end)
            if until < place:
                return None
            value = message[place:until]
            if kind in _VALUES and not _VALUES[kind].fullmatch(value):
                return None
            found.append(value)
            place = until + len(literal)
        return tuple(found)


@dataclass(frozen=True, slots=True)
class _Library:
    """All templates, each under the rarest of its words."""

    by_word: dict[str, list[Template]]
    prefixes: frozenset[str]

    def template(self, message: str) -> tuple[Template, tuple[str, ...]] | None:
        """The one with most words of its own that the message was made of."""
        candidates = [each for word in dict.fromkeys(_WORD.findall(message)) for each in self.by_word.get(word, ())]
        for each in candidates:
            values = each.values(message)
            if values is not None:
                return each, values
        return None


@cache
def _library() -> _Library:
    texts = set(messages())
    prefixes = frozenset(match[0] for text in texts if (match := _PREFIX.match(text)))
    # Older versions of CRIU print the same without the prefix.
    texts |= {text[len(match[0]) :] for text in texts if (match := _PREFIX.match(text))}
    templates = [made for text in texts if (made := _template(text)) is not None]
    counts = Counter(word for each in templates for word in set(_WORD.findall(" ".join(each.literals))))
    by_word: defaultdict[str, list[Template]] = defaultdict(list)
    for each in sorted(templates, key=lambda item: (-sum(map(len, item.literals)), item.literals)):
        own = _WORD.findall(" ".join(each.literals))
        if own:
            by_word[min(own, key=lambda word: (counts[word], word))].append(each)
    return _Library(dict(by_word), prefixes)


def _template(text: str) -> Template | None:
    literals: list[str] = [""]
    kinds: list[str] = []
    place = 0
    for match in _DIRECTIVE.finditer(text):
        literals[-1] += text[place : match.start()]
        place = match.end()
        if match["percent"]:
            literals[-1] += "%"
            continue
        kind = match["kind"]
        if literals[-1] == "" and kinds:  # nothing between two values: where one ends cannot be told
            kinds[-1] = "s"
            continue
        kinds.append(kind)
        literals.append("")
    literals[-1] += text[place:]
    return Template(tuple(literals), tuple(kinds))


class LogLines:
    """Lines and digests under one key."""

    def __init__(self, texts: Texts) -> None:
        self._texts = texts
        self.message = lru_cache(maxsize=1 << 14)(self._message)

    def digest(self, digest: LogDigest) -> LogDigest:
        """The log without the lines of which nothing is known."""
        return replace(digest, lines=tuple(self.known(digest.lines)))

    def known(self, lines: Iterable[LogLine]) -> Sequence[LogLine]:
        """Lines that leave something behind; errors and warnings stay in any case."""
        return [
            line for line in lines if line.level != "info" or not line.message.strip() or self.message(line.message)
        ]

    def text(self, text: str) -> str:
        """A whole line; what stands before its time stamp or its error mark is left out."""
        start = _BEGINNING.match(text)
        assert start is not None  # every part of it is optional
        rest = text[start.end() :]
        mark = _MARK.match(rest)
        if mark is None and " (" in rest and (mark := re.search(rf"\s{_MARK.pattern}", rest)):
            before = self._texts.remains(rest[: mark.start()])
            return f"{start[0]}{before} {self._mark(mark)}{self.message(rest[mark.end() :])}"
        if mark is None:
            return start[0] + self.message(rest)
        return f"{start[0]}{self._mark(mark)}{self.message(rest[mark.end() :])}"

    def _mark(self, mark: re.Match[str]) -> str:
        if not mark["source"]:
            return f"{mark['level']}: "
        return f"{mark['level']:<5} ({self._texts.source(mark['source'])}:{mark['number']}): "

    def _message(self, message: str) -> str:
        plain = message.strip()
        if not plain:
            return ""
        prefix = _PREFIX.match(plain)
        known = _library().template(plain)
        begin = message[: len(message) - len(message.lstrip())]
        if known is None and prefix and prefix[0] in _library().prefixes:
            begin, plain = begin + prefix[0], plain[prefix.end() :]
            known = _library().template(plain)
        if known is None:
            left = self._texts.remains(plain)
            return begin + left if _WORD.search(left) else ""
        template, values = known
        written = [
            value if kind in _VALUES else self._texts.sentence(value)
            for kind, value in zip(template.kinds, values, strict=True)
        ]
        pieces = [template.literals[0]]
        for value, literal in zip(written, template.literals[1:], strict=True):
            pieces += (value, literal)
        return begin + "".join(pieces)
