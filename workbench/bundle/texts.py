"""Paths, sentences and rules without what is private in them: read word by word, and written anew.

A word stands as it is if it is known to tell nothing (``vocabulary``); addresses, paths and names are replaced, each
by its own rule.
"""

import re
from collections.abc import Callable

from workbench.bundle.addresses import Addresses
from workbench.bundle.pseudonyms import Pseudonyms
from workbench.bundle.vocabulary import names, words

_PARTS = re.compile(r"[^A-Za-z0-9]+")
_INTERFACE = re.compile(
    r"(?:lo|(?:eth|wlan|ens|eno|tun|tap|veth|br|docker|virbr|cni|bond|dummy|wg|ppp)\d{1,3})\*?", re.ASCII
)
_NUMBER = re.compile(r"[-+]?(?:0x[0-9a-f]{1,16}|\d{1,10}(?:\.\d{1,6})?)(?:%|[a-zA-Z]{1,3})?", re.ASCII)
_VERSION = re.compile(r"v?\d{1,3}(?:\.\d{1,3}){1,2}", re.ASCII)
_SOURCE = re.compile(
    r"(?:criu|soccr|compel|lib|plugins|images|tools)/(?:[a-z0-9_-]{1,30}/){0,5}[a-z0-9_-]{1,30}(?:\.pb-c)?\.[chS]"
)
"""A file of CRIU's source."""
_RANGE = re.compile(r"\d{1,10}(?:[-,:/]\d{1,10})*", re.ASCII)
_RELEASE = re.compile(r"[A-Za-z0-9.+~_-]*", re.ASCII)
_DOTTED_QUAD = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)
_DIGITS = re.compile(r"\d{1,10}", re.ASCII)
_KERNEL_LINK = re.compile(
    r"(?:socket|pipe|net|mnt|pid|pid_for_children|user|uts|ipc|time|time_for_children|cgroup):\[\d{1,20}\]", re.ASCII
)
_ANONYMOUS = re.compile(r"anon_inode:\[?(?P<name>[a-zA-Z_-]{1,40})\]?")
_IMAGE_FILE = re.compile(r"(?P<name>[a-z0-9]+(?:-[a-z]+)*?)(?:-[0-9a-f]{1,16}){0,2}\.img", re.ASCII)
_CRIU_FILE = re.compile(r"stats-(?:dump|restore)|(?:dump|restore|output)\.log", re.ASCII)
_ENGINE_UNIT = re.compile(
    r"(?P<engine>docker|libpod|libpod-conmon|crio|crio-conmon|cri-containerd|runc|lxc|kubepods)"
    r"(?P<middle>(?:-(?:besteffort|burstable))?-(?:pod)?)(?P<id>[0-9a-f_]{12,64})(?P<end>\.\w{5,7})",
    re.ASCII,
)
_USER_UNIT = re.compile(r"(?:user-\d{1,10}\.slice|user@\d{1,10}\.service|session-c?\d{1,10}\.scope)", re.ASCII)
_OF_CRIU = re.compile(r"CRIU(?:-[0-9a-f-]{1,36})?", re.ASCII)
_NUMBERED = frozenset({"proc", "task", "fd", "ns", "map_files", "user", "pts", "fdinfo"})
"""Directories of the kernel in which numbers mean something to everybody."""
_SPLIT = re.compile(r"""("(?:[^"\\]|\\.)*"|[\s,;()\[\]{}'`]+)""")
_OF_INTERFACE = frozenset({"iifname", "oifname", "iif", "oif", "-i", "-o", "dev", "interface", "--in-interface"})
_OF_CHAIN = frozenset({"jump", "goto", "-j", "-g"})
_TRAILING = ".:!?"
_BETWEEN = re.compile(r"(->|[=|<>])")


class Texts:
    """The rules under one key."""

    def __init__(self, addresses: Addresses, pseudonyms: Pseudonyms) -> None:
        self._addresses = addresses
        self.name = pseudonyms.name
        self._words = words()
        self._programs = names("programs")
        self._users = names("users")
        self._sources = names("sources")
        self._images = names("images")
        self._directories = names("directories") | self._programs
        self._extensions = names("extensions")

    def address(self, text: str) -> str:
        """An address; with a prefix, a network."""
        return self._address(text) or self.word(text)

    def interface(self, text: str) -> str:
        """Names that the kernel gives stay: they tell what kind it is. Also ``NAMESPACE:DEVICE``."""
        namespace, colon, device = text.partition(":")
        if colon:
            return f"{self.path(namespace)}:{self.interface(device)}"
        return text if _INTERFACE.fullmatch(text) else self.name(text)

    def command(self, text: str) -> str:
        """Names of well-known programs, and of threads of the kernel."""
        if text in self._programs:
            return text
        base = re.match(r"(?:kworker|ksoftirqd|migration|cpuhp|rcu_\w+|kswapd|jbd2|irq|kcompactd|idle_inject)\b", text)
        return base[0] if base else self.name(text)

    def user(self, text: str) -> str:
        return text if text in self._users or _DIGITS.fullmatch(text) else self.name(text)

    def release(self, text: str) -> str:
        """A version: its numbers, and words behind them that are known."""
        if _DOTTED_QUAD.search(text) or not _RELEASE.fullmatch(text):
            return self.sentence(text)
        parts = re.split(r"([^A-Za-z0-9]+)", text)
        return "".join(
            part if index % 2 or self._is_known(part) else self.name(part) for index, part in enumerate(parts)
        )

    def word(self, text: str) -> str:
        """A name out of a closed set, as the kernel's and CRIU's are."""
        return text if self._is_known(text) or _OF_CRIU.fullmatch(text) else self.name(text)

    def dotted(self, text: str) -> str:
        """A sysctl's name."""
        parts = text.split(".")
        if not any(part in self._words for part in parts):
            return self.name(text)
        return ".".join(part if self._is_known(part) else self.interface(part) for part in parts)

    def path(self, text: str) -> str:
        """A path, component by component; what the kernel shows in the place of one; an abstract name."""
        if text.endswith(" (deleted)"):
            return f"{self.path(text[:-10])} (deleted)"
        if text.startswith("@"):
            return f"@{self.path(text[1:])}"
        if _KERNEL_LINK.fullmatch(text):
            return text
        anonymous = _ANONYMOUS.fullmatch(text)
        if anonymous:
            return text if self._is_known(anonymous["name"]) else f"anon_inode:{self.name(anonymous['name'])}"
        above = ""
        parts = []
        for part in text.split("/"):
            parts.append(self._component(part, above))
            above = part
        return "/".join(parts)

    def sentence(self, text: str) -> str:
        """Words of ours or of CRIU's with names, numbers, addresses and paths among them."""
        return self._rewritten(text, lambda word, _: self._token(word, self.name))

    def remains(self, text: str) -> str:
        """What of a text consists of known words; an ellipsis stands for the rest."""
        left = self._rewritten(text, lambda word, _: self._token(word, lambda _: "…"))
        return re.sub(r"(?:…[\s,;]*)*…", "…", left)

    def source(self, text: str) -> str:
        """A file of CRIU's source."""
        return text if self._is_known(text) else self.path(text)

    def rule(self, text: str) -> str:
        """A rule as nft or iptables lists it."""
        return self._rewritten(text, self._of_rule)

    def _is_known(self, text: str) -> bool:
        """Whether it consists of known words and numbers; several numbers and no word may be anything."""
        if _NUMBER.fullmatch(text) or _VERSION.fullmatch(text) or self._is_source(text.rpartition(":")[0] or text):
            return True
        parts = [part for part in _PARTS.split(text) if part]
        known = [part.lower() in self._words for part in parts]
        numbers = (known[place] or _NUMBER.fullmatch(part) for place, part in enumerate(parts))
        return text.isascii() and (not parts or any(known)) and all(numbers)

    def _is_source(self, text: str) -> bool:
        """Whether CRIU has a file of this name; whoever looks at its tree knows them all."""
        if not _SOURCE.fullmatch(text):
            return False
        return all(part in self._sources for part in text.rpartition(".")[0].removesuffix(".pb-c").split("/"))

    def _is_file_of_criu(self, text: str) -> bool:
        """Whether CRIU writes files of this name."""
        image = _IMAGE_FILE.fullmatch(text)
        return image["name"] in self._images if image else _CRIU_FILE.fullmatch(text) is not None

    def _address(self, text: str) -> str | None:
        plain, percent, zone = text.partition("%")
        if percent and zone and not zone.startswith("/"):
            other = self._addresses.address(plain)
            return other and f"{other}%{self.interface(zone)}"
        return self._addresses.address(text) or self._addresses.network(text)

    def _component(self, part: str, above: str) -> str:
        if (
            part in {"", ".", ".."}
            or part in self._directories
            or self._is_file_of_criu(part)
            or _USER_UNIT.fullmatch(part)
        ):
            return part
        if (above in _NUMBERED or above.isdecimal()) and _DIGITS.fullmatch(part):
            return part
        unit = _ENGINE_UNIT.fullmatch(part)
        if unit:
            return f"{unit['engine']}{unit['middle']}{self.name(unit['id'].replace('_', '-'))}{unit['end']}"
        stem, dot, extension = part.rpartition(".")
        if dot and stem and extension in self._extensions:
            return f"{stem if stem in self._programs else self.name(stem)}.{extension}"
        return self.name(part)

    def _rewritten(self, text: str, other: Callable[[str, str], str]) -> str:
        """Every word replaced by ``other(word, the word before)``; what stands between words stays."""
        before = ""
        result = []
        for index, piece in enumerate(_SPLIT.split(text)):
            if index % 2 and not piece.startswith('"'):
                result.append(piece)
                continue
            parts = (piece,) if piece.startswith('"') else _BETWEEN.split(piece)
            result += [other(part, before) if part else part for part in parts]
            before = piece or before
        return "".join(result)

    def _token(self, word: str, unknown: Callable[[str], str]) -> str:
        if word.startswith('"'):
            inner = self._rewritten(word[1:-1], lambda part, _: self._token(part, unknown))
            return f'"{inner}"'
        bare = word.rstrip(_TRAILING)
        end = word[len(bare) :]
        if (other := self._address(bare)) or (other := self._endpoint(bare)):
            return other + end
        if _BETWEEN.fullmatch(word) or self._is_known(bare) or self._is_file_of_criu(bare):
            return word
        if "/" in bare or bare.startswith("@") or _KERNEL_LINK.fullmatch(bare):
            return self.path(bare) + end
        if bare in self._programs or _OF_CRIU.fullmatch(bare):
            return word
        return unknown(bare) + end

    def _endpoint(self, text: str) -> str | None:
        host, colon, port = text.rpartition(":")
        if not colon or not _DIGITS.fullmatch(port):
            return None
        other = self._address(host.removeprefix("[").removesuffix("]"))
        return other and (f"[{other}]:{port}" if host.startswith("[") else f"{other}:{port}")

    def _of_rule(self, word: str, before: str) -> str:
        if word.startswith('"'):
            inner = word[1:-1]
            known = before in _OF_INTERFACE and _INTERFACE.fullmatch(inner)
            return word if known or self._is_known(inner) else f'"{self.name(inner)}"'
        if before in _OF_INTERFACE:
            return self.interface(word)
        if before in _OF_CHAIN and not self._is_known(word):
            return self.word(word)
        if _RANGE.fullmatch(word) and self._address(word) is None:
            return word
        first, dash, last = word.partition("-")
        if dash and (low := self._addresses.address(first)) and (high := self._addresses.address(last)):
            return f"{low}-{high}"
        if word.startswith("@"):
            return f"@{self.word(word[1:])}"
        return self._token(word, self.name)
