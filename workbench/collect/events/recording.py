"""Events with what follows from them: who reset which, given once nothing more can belong to it."""

import math
import time
from collections.abc import Sequence

from workbench.collect.events.reader import EventReader
from workbench.collect.netfilter import RuleReader
from workbench.evidence import Gap, NetworkNamespace
from workbench.evidence.attribution import Attributor
from workbench.evidence.event import Event, EventKind, Maker
from workbench.evidence.reset_trail import SETTLED_NS
from workbench.evidence.stretch import Stretch

_RULES_AGE_S = 1.0
"""After so long rules are read again when something was dropped: iptables-legacy tells nobody of its changes."""


class Recording:
    """What a reader gives, with attributions; rules are read when somebody changed them, or when one was met."""

    def __init__(self, reader: EventReader) -> None:
        self._reader = reader
        self._attributor = Attributor()
        self._rules = RuleReader()
        self._rules_read = -math.inf
        self._held: list[Event] = []

    def begin(self) -> None:
        """Read the rules that stand already."""
        self._read_rules()

    def settle(self, events: Sequence[Event], complete_ns: int | None) -> Stretch:
        """Take events; give all, of this call and of former ones, to which nothing can belong that happens later.

        ``complete_ns``: the reader's, looked at before the events were taken; None to have everything.
        """
        self._attributor.add(events)
        self._held += events
        self._keep_rules(events)
        limit = math.inf if complete_ns is None else complete_ns - SETTLED_NS
        ready = [event for event in self._held if event.at_ns <= limit]
        self._held = [event for event in self._held if event.at_ns > limit]
        return Stretch(
            ready,
            self._attributor.settled(complete_ns),
            limit,
            names_of(self._reader.namespaces),
            self._reader.lost,
            gaps=self._reader.gaps,
            refused=self._reader.refused,
        )

    def _keep_rules(self, events: Sequence[Event]) -> None:
        changed = any(event.kind is EventKind.RULES for event in events)
        asked = any(event.maker is Maker.NETFILTER or event.reason == "NETFILTER_DROP" for event in events)
        if changed or (asked and time.monotonic() - self._rules_read > _RULES_AGE_S):
            self._read_rules()

    def _read_rules(self) -> None:
        rules, _, _ = self._rules.read(self._reader.namespaces)
        if not isinstance(rules, Gap):
            self._attributor.rules = rules
        self._rules_read = time.monotonic()


def names_of(namespaces: Sequence[NetworkNamespace]) -> dict[int, str]:
    """What people call them; hostile."""
    return {each.inode: each.names[0] if each.names else "host" for each in namespaces if each.names or each.is_host}
