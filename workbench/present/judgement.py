"""What the checks said of one moment, and what of it concerns which socket, process, lock, rule or image directory."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from workbench.checking.finding import RANK, Finding, Severity
from workbench.evidence import ImageDirectory, Process, Rule, Socket
from workbench.evidence.lock_map import LockUse

_Key = tuple[object, ...]


@dataclass(frozen=True, eq=False)
class Judgement:
    """The answers of all checks; of a moment that may be some seconds older than what stands beside it."""

    findings: tuple[Finding, ...] = ()
    """The worst root cause first, each directly followed by what it explains."""
    pages: Mapping[str, str] = field(default_factory=dict)
    """The page of each check, by code."""
    passed: int = 0
    unseen: tuple[str, ...] = ()
    """Why a check could not look, once for each that could not."""
    broken: tuple[str, ...] = ()
    """Checks that crashed, each with its error; hostile."""
    known: bool = True
    """False: nothing was judged yet."""

    def count(self, severity: Severity) -> int:
        """How many findings are as bad as this."""
        return self._counts[severity]

    @cached_property
    def _counts(self) -> Counter[Severity]:
        return Counter(finding.severity for finding in self.findings)

    @cached_property
    def _index(self) -> Mapping[_Key, list[Finding]]:
        found = defaultdict(list)
        for finding in self.findings:
            for key in dict.fromkeys(_keys(finding)):
                found[key].append(finding)
        return found

    @cached_property
    def _ports(self) -> frozenset[tuple[str, ...]]:
        """Ports of the connections that findings name: of other sockets the text is not made, as it takes long."""
        return frozenset(_ports_of(str(key[2])) for key in self._index if key[0] == "connection")

    def concerning(self, subject: object) -> tuple[Finding, ...]:
        """Findings about the subject of a row, in their order; a thing of an unknown kind has none."""
        if not self.findings:
            return ()
        index = self._index
        found = {id(each): each for key in _names(subject, self._ports) for each in index.get(key, ())}
        if len(found) < 2:
            return tuple(found.values())
        return tuple(each for each in self.findings if id(each) in found)


NOTHING_JUDGED = Judgement(known=False)


def worst(findings: Iterable[Finding]) -> Severity | None:
    """The highest severity among them; None if there are none."""
    return min((finding.severity for finding in findings), key=RANK.__getitem__, default=None)


def _keys(finding: Finding) -> Iterator[_Key]:
    """What a finding is about, under every name by which a row may know it."""
    subject = finding.problem.subject
    keys = subject.keys
    netns = keys.get("netns")
    if subject.kind == "socket":
        yield "cookie", keys.get("cookie")
        yield "inode", netns, keys.get("inode")
    if subject.kind == "rule":
        yield "rule", netns, keys.get("rule")
    if subject.kind == "lock":
        yield "lock", netns, keys.get("backend"), keys.get("lock")
    for connection in _all(keys, "connection"):
        yield "connection", netns, connection
        if subject.kind == "lock":
            yield "locked", netns, keys.get("backend"), connection
    for pid in _all(keys, "pid"):
        yield "pid", pid
    if "path" in keys:
        yield "path", keys["path"]
    if keys.get("operation"):
        yield "operation", keys["operation"]


def _all(keys: Mapping[str, object], name: str) -> Iterator[object]:
    """One value, or several under the plural."""
    if keys.get(name) is not None:
        yield keys[name]
    many = keys.get(f"{name}s")
    if isinstance(many, list | tuple | frozenset):
        yield from many


def _ports_of(connection: str) -> tuple[str, ...]:
    """Of ``10.0.0.2:7022 -> 10.0.0.1:56692``: 7022 and 56692."""
    return tuple(end.rpartition(":")[2] for end in connection.split(" -> "))


def _names(subject: object, ports: frozenset[tuple[str, ...]]) -> Iterator[_Key]:
    match subject:
        case Socket():
            yield "cookie", subject.cookie
            if subject.inode:
                yield "inode", subject.netns, subject.inode
            if ports and (str(subject.local.port), str(subject.peer.port)) in ports:
                text = str(subject.connection.unmapped)
                yield "connection", subject.netns, text
                yield "connection", None, text
        case Process():
            yield "pid", subject.pid
        case LockUse():
            lock = subject.lock
            yield "lock", lock.netns, str(lock.backend), lock.name
            for connection in lock.connections:
                yield "locked", lock.netns, str(lock.backend), str(connection)
            if subject.operation:
                yield "operation", subject.operation.id
        case Rule():
            yield "rule", subject.netns, subject.text
        case ImageDirectory():
            yield "path", subject.path
