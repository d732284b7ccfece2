"""All rules of all namespaces, again and again."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from workbench.collect import nfnetlink
from workbench.collect.kernel_parts import is_present
from workbench.collect.netfilter import legacy, nft
from workbench.collect.within import NamespaceEndedError, within
from workbench.errors import WorkbenchError
from workbench.evidence import Gap, Lock, NetworkNamespace, Rule
from workbench.evidence.locks import recognise_locks


@dataclass(frozen=True, slots=True)
class _Seen:
    """One namespace as it was at the last look."""

    tables: legacy.Tables
    legacy_rules: tuple[Rule, ...]
    nft: nft.NftRules
    locks: tuple[Lock, ...]

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (*self.nft.rules, *self.legacy_rules)


class RuleReader:
    """Reads the rules of every backend; what has not changed since the last look is not listed again.

    Nothing of a namespace is held open between two looks: a descriptor would keep it alive.
    One thread at a time may use it.
    """

    def __init__(self) -> None:
        self._seen: dict[int, _Seen] = {}

    def read(
        self, namespaces: Sequence[NetworkNamespace]
    ) -> tuple[tuple[Rule, ...] | Gap, tuple[Lock, ...] | Gap, tuple[Gap, ...]]:
        """Rules and locks of these namespaces, and a gap for each that could not be read.

        Both are a Gap if none could be read.
        """
        seen: dict[int, _Seen] = {}
        results: list[_Seen] = []
        gaps: list[Gap] = []
        for namespace in namespaces:
            try:
                cookie, found = within(namespace, partial(self._look, namespace.inode))
            except NamespaceEndedError:
                continue
            except (OSError, WorkbenchError, subprocess.SubprocessError) as error:
                gaps.append(_gap(namespace, error))
                continue
            results.append(found)
            if cookie is not None:
                seen[cookie] = found
        self._seen = seen
        if not results and gaps:
            first = gaps[0]
            return Gap("rules", first.reason, first.remedy), Gap("locks", first.reason, first.remedy), ()
        rules = tuple(rule for found in results for rule in found.rules)
        return rules, tuple(lock for found in results for lock in found.locks), tuple(gaps)

    def close(self) -> None:
        """Forget everything."""
        self._seen.clear()

    def _look(self, netns: int) -> tuple[int | None, _Seen]:
        tables = legacy.read_tables()
        cookie: int | None = None
        rules = nft.NftRules(None, (), ())
        known: _Seen | None = None
        if is_present("nf_tables", "nf_tables_getgen"):
            with nfnetlink.open_socket() as opened:
                cookie = nfnetlink.namespace_cookie(opened)
                known = self._seen.get(cookie) if cookie is not None else None
                rules = nft.read_nft(netns, opened, known.nft if known else None)
        if known is not None and known.tables == tables:
            if known.nft is rules:
                return cookie, known
            legacy_rules = known.legacy_rules
        else:
            legacy_rules = legacy.list_tables(netns, tables) if tables else ()
        return cookie, _Seen(tables, legacy_rules, rules, recognise_locks((*rules.rules, *legacy_rules), rules.sets))


def _gap(namespace: NetworkNamespace, error: Exception) -> Gap:
    if isinstance(error, PermissionError):
        return Gap("rules", "netfilter rules may be read by root only", "run as root", namespace.inode)
    if isinstance(error, WorkbenchError):
        return Gap("rules", error.message, error.hint, namespace.inode)
    return Gap("rules", f"listing failed: {error}", "", namespace.inode)
