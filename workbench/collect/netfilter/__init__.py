"""Rules of iptables-legacy, iptables-nft and nftables, and CRIU's locks among them."""

from collections.abc import Sequence

from workbench.collect.netfilter.reader import RuleReader as RuleReader
from workbench.evidence import Gap, Lock, NetworkNamespace, Rule


def collect_rules(
    namespaces: Sequence[NetworkNamespace],
) -> tuple[tuple[Rule, ...] | Gap, tuple[Lock, ...] | Gap, tuple[Gap, ...]]:
    """Look once: rules, locks, and a gap for each namespace that could not be read."""
    return RuleReader().read(namespaces)
