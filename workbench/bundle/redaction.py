"""Evidence without what its owner did not agree to give: fields are replaced by what they are, not by how they look."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from workbench.bundle.addresses import Addresses
from workbench.bundle.key import fingerprint
from workbench.bundle.log_lines import LogLines
from workbench.bundle.privacy import KINDS, Kind
from workbench.bundle.pseudonyms import Pseudonyms
from workbench.bundle.stand_in import packets_without_payload, without_payload
from workbench.bundle.texts import Texts
from workbench.evidence import Evidence, Gap, Process
from workbench.evidence.columns import Place

_RUN_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{1,12}){1,4}|(?:dump|restore|unlock)-\d{1,12}-[0-9a-f]{1,16}", re.ASCII)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?", re.ASCII)
_CRIU_ACTIONS = frozenset({"dump", "restore", "pre-dump", "service", "page-server", "lazy-pages", "swrk", "check"})
"""First arguments of criu that say what it is at."""


@dataclass(frozen=True, slots=True)
class Consent:
    """What its owner agrees to give beside what is never private."""

    names: bool = False
    """Addresses, names and paths as they are."""
    arguments: bool = False
    """Arguments of programs, as they are."""
    payload: bool = False
    """Contents of queues, as they are."""


NOTHING_MORE = Consent()


class Redaction:
    """The rules under one key, and what the owner agreed to."""

    def __init__(self, key: bytes, consent: Consent = NOTHING_MORE) -> None:
        self._key = key
        self.consent = consent
        pseudonyms = Pseudonyms(key)
        addresses = Addresses(key)
        texts = Texts(addresses, pseudonyms)
        self._logs = LogLines(texts)
        self._rules: Mapping[Kind, Callable[[str], str]] = {
            Kind.NAME: pseudonyms.name,
            Kind.COMMAND: texts.command,
            Kind.USER: texts.user,
            Kind.ADDRESS: texts.address,
            Kind.INTERFACE: texts.interface,
            Kind.MAC: pseudonyms.mac,
            Kind.PATH: texts.path,
            Kind.SOURCE: lambda text: text if text == "live" else texts.path(text),
            Kind.WORD: texts.word,
            Kind.DOTTED: texts.dotted,
            Kind.RELEASE: texts.release,
            Kind.RUN_ID: lambda text: text if _RUN_ID.fullmatch(text) else pseudonyms.name(text),
            Kind.TIME: lambda text: text if _TIME.fullmatch(text) else pseudonyms.name(text),
            Kind.RULE: texts.rule,
            Kind.SENTENCE: texts.sentence,
            Kind.LOG_TEXT: self._logs.text,
            Kind.LOG_MESSAGE: self._logs.message,
            Kind.LOG_SOURCE: texts.source,
        }

    @property
    def sentences(self) -> tuple[str, ...]:
        """What was done, for the manifest."""
        said = []
        if not self.consent.names:
            said += [
                f"addresses, names and paths are replaced under the key {fingerprint(self._key)}, which stays at home",
                "lines of logs are rebuilt of what CRIU is known to print",
            ]
        if not self.consent.arguments:
            said.append("arguments of programs are left out")
        if not self.consent.payload:
            said.append("contents of queues and packets are replaced byte by byte by a keyed hash")
        return (*said, "environment and memory are never collected")

    def text(self, kind: Kind, text: str) -> str:
        """One text as it may be given."""
        return text if self.consent.names else self._rules[kind](text)

    def prepare(self, evidence: Evidence) -> Evidence:
        """The evidence without what can only be left out as a whole; ``rewrite`` does the rest."""
        changes: dict[str, Any] = {}
        if not isinstance(evidence.processes, Gap) and not self.consent.arguments:
            changes["processes"] = {
                pid: replace(process, argv=_action(process)) if process.argv else process
                for pid, process in evidence.processes.items()
            }
        if not isinstance(evidence.images, Gap) and not self.consent.payload:
            changes["images"] = tuple(without_payload(image, self._key) for image in evidence.images)
        if not isinstance(evidence.captures, Gap) and not self.consent.payload:
            changes["captures"] = tuple(packets_without_payload(capture, self._key) for capture in evidence.captures)
        if not self.consent.names:
            if not isinstance(evidence.logs, Gap):
                changes["logs"] = tuple(map(self._logs.digest, evidence.logs))
            if not isinstance(evidence.log, Gap):
                changes["log"] = tuple(self._logs.known(evidence.log))
        return replace(evidence, **changes)

    def rewrite(self, place: Place, values: Sequence[Any]) -> Sequence[Any]:
        """See ``columns.Rewrite``. Raises KeyError for a place of which nobody has said what may be private in it."""
        kind = KINDS[f"{place.record}.{place.field}{':key' if place.key else ''}"]
        if self.consent.names or kind is Kind.PREPARED:
            return values
        rule = self._rules[kind]
        other = {value: rule(value) if isinstance(value, str) else value for value in set(values)}
        return [other[value] for value in values]


def _action(process: Process) -> tuple[str, ...]:
    """What of the arguments tells no more than what the program is: that criu dumps, restores or serves."""
    if process.command != "criu":
        return ()
    return tuple(word for word in process.argv if word in _CRIU_ACTIONS)
