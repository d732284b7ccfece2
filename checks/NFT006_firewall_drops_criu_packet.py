"""Somebody's firewall rule drops packets with the mark that CRIU gives to its own.

What it looks at
----------------
Rules outside of CRIU's locks that drop or reject by firewall mark, and whether the mark 0xC114 (49428) is among those
they match. The best known is ``KUBE-FIREWALL``, which Kubernetes installs on every node: it drops whatever has bit
0x8000 set, and 0xC114 has it.

Why it matters
--------------
To bring a half-closed connection (CLOSE_WAIT, FIN_WAIT2, LAST_ACK, CLOSING) into its state, CRIU sends itself a FIN or
an ACK with this mark. If a rule drops it, the restore fails with ``sendto: Operation not permitted``, or the socket
comes back in the wrong state without an error.

What to do
----------
Exempt the mark: accept it in front of the rule, in the namespace in which CRIU restores.

When it is wrong
----------------
The rule does no harm where only established connections are restored, or where restores happen in other namespaces
(a Kubernetes pod has one of its own, in which there is no such chain). Without a target this is therefore a note.

References
----------
soccr/soccr.c (send_fin), criu/include/net.h (SOCCR_MARK); kubernetes/pkg/kubelet/kubelet_network_linux.go.
"""

import re
from collections.abc import Iterator, Sequence

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import inside, namespace_name
from workbench.evidence import Backend, Gap, NetworkNamespace, Rule, Socket, Target, TcpState
from workbench.evidence.locks import CHAIN, is_lock_table

CODE = "NFT006"
NAME = "firewall-drops-criu-packet"
SINCE = "0.1"

CRIU_MARK = 0xC114
HALF_CLOSED = {TcpState.CLOSE_WAIT, TcpState.FIN_WAIT2, TcpState.LAST_ACK, TcpState.CLOSING}

_NUMBER = r"(0x[0-9a-fA-F]+|\d+)"
_IPTABLES = re.compile(rf"-m mark (?P<not>! )?--mark {_NUMBER}(?:/{_NUMBER})?")
_NFT_MASKED = re.compile(rf"mark (?:&|and) {_NUMBER} (?P<not>!=|==)? ?{_NUMBER}")
_NFT = re.compile(rf"mark (?P<not>!= )?{_NUMBER}(?= |$)")


def check(
    rules: tuple[Rule, ...],
    sockets: Sequence[Socket] | Gap,
    namespaces: tuple[NetworkNamespace, ...] | Gap,
    target: Target | Gap,
) -> Iterator[Problem]:
    """One problem for each such rule."""
    for rule in rules:
        if not _drops(rule) or rule.chain == CHAIN or is_lock_table(rule.table) or not _matches_criu(rule.text):
            continue
        place = namespace_name(rule.netns, namespaces)
        hit = _half_closed(sockets, target, rule.netns)
        yield Problem(
            Severity.ERROR if hit else Severity.NOTE,
            Subject("rule", f"{rule.table} {rule.chain} in {place}", {"netns": rule.netns, "rule": rule.text}),
            f"A rule in {rule.chain} ({place}) drops packets with bits of the mark 0xC114, which CRIU gives to the "
            f"packets that restore half-closed connections"
            + (f"; {hit} such connections are to be restored." if hit else "."),
            facts={"backend": rule.backend.value, "half_closed": hit, "packets": rule.packets},
            quotes=(Quote("rules", f"{rule.chain}: {rule.text}"),),
            fixes=(Fix("Accept the mark in front of it.", (*inside(rule.netns, namespaces), *_accept(rule))),),
        )


def _drops(rule: Rule) -> bool:
    return rule.verdict in {"drop", "reject"} or rule.text.endswith("-j DROP") or "-j REJECT" in rule.text


def _matches_criu(text: str) -> bool:
    """Whether the rule's match on the mark is true of 0xC114; no match on a mark is nobody's business here."""
    if found := _IPTABLES.search(text):
        value, mask, negated = found[2], found[3] or "0xffffffff", bool(found["not"])
    elif found := _NFT_MASKED.search(text):
        value, mask, negated = found[3], found[1], found["not"] == "!="
    elif found := _NFT.search(text):
        value, mask, negated = found[2], "0xffffffff", bool(found["not"])
    else:
        return False
    if int(value, 0) == 0 and int(mask, 0) == 0xFFFFFFFF:
        return False  # "any mark": an ordinary firewall
    return ((CRIU_MARK & int(mask, 0)) == int(value, 0)) is not negated and not negated


def _half_closed(sockets: Sequence[Socket] | Gap, target: Target | Gap, netns: int) -> int:
    if isinstance(sockets, Gap) or isinstance(target, Gap):
        return 0
    return sum(
        socket.netns == netns
        and socket.state in HALF_CLOSED
        and any(holder.pid in target.pids for holder in socket.holders)
        for socket in sockets
    )


def _accept(rule: Rule) -> tuple[str, ...]:
    if rule.backend is Backend.NFTABLES:
        where = ("insert", "rule", rule.family, rule.table, rule.chain)
        return ("nft", *where, "meta", "mark", "0xc114", "accept")
    tool = rule.backend.value.replace("ip", "ip6", 1) if rule.family == "ip6" else rule.backend.value
    return (tool, "-w", "-t", rule.table, "-I", rule.chain, "-m", "mark", "--mark", "0xc114", "-j", "ACCEPT")
