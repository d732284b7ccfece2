"""Which rule dropped or rejected a segment: those whose text does not contradict it."""

import ipaddress
import re
from collections.abc import Iterable, Sequence

from workbench.evidence.event import Event
from workbench.evidence.netfilter import Backend, Rule
from workbench.evidence.socket import Endpoint

_PORT = re.compile(r"(?<!! )(?:--|\b)(?P<end>[sd])ports? (?P<not>!= )?(?P<ports>[\d,:-]+|\{[^}]*\})")
_ADDRESS = re.compile(
    r"(?:(?<!! )(?P<option>-[sd])|\bip6? (?P<end>[sd])addr) (?P<not>!= )?(?P<addresses>[0-9a-f.:]+(?:/\d+)?)(?= |$)"
)
_PROTOCOL = re.compile(r"(?:-p|l4proto|protocol|nexthdr) (?P<name>\w+)|\b(?P<other>udp|icmp|icmpv6|sctp) ")
_BACKENDS = {
    "nft": frozenset({Backend.NFTABLES, Backend.IPTABLES_NFT}),
    "ipt": frozenset({Backend.LEGACY}),
    "ip6t": frozenset({Backend.LEGACY}),
}
"""By the beginning of the kernel's function that dropped it."""


def culprits(rules: Iterable[Rule], event: Event, *, resets: bool) -> Sequence[Rule]:
    """Rules of that namespace that drop (``resets``: answer with a reset) and may have met the event's segment.

    One rule means that it was that one, as far as texts tell: counters, marks and sets are not looked into.
    """
    found = [rule for rule in rules if rule.netns == event.netns and _does(rule, resets=resets)]
    location = str(event.details.get("location", ""))
    backends = _BACKENDS.get(location.partition("_")[0])
    if backends:
        found = [rule for rule in found if rule.backend in backends]
    fitting = [rule for rule in found if _fits(rule, event)]
    # A rule that names an end says more than one that drops everything.
    return [rule for rule in fitting if _names_end(rule)] or fitting


def _does(rule: Rule, *, resets: bool) -> bool:
    if resets:
        return "tcp reset" in rule.text or "tcp-reset" in rule.text
    return rule.verdict == "drop" or rule.text.endswith("-j DROP")


def _names_end(rule: Rule) -> bool:
    return bool(_PORT.search(rule.text) or _ADDRESS.search(rule.text))


def _fits(rule: Rule, event: Event) -> bool:
    if event.connection is None:
        return True
    hook = rule.hook or rule.chain.lower()
    if event.incoming is True and hook in {"output", "postrouting"}:
        return False
    if event.incoming is False and hook in {"input", "prerouting"}:
        return False
    protocol = _PROTOCOL.search(rule.text)
    if protocol and (protocol["other"] or protocol["name"] not in {"tcp", "6", "0", "all"}):
        return False
    ends = (event.connection.local, event.connection.peer)
    source, destination = reversed(ends) if event.incoming else ends
    return _meets(rule.text, source, destination)


def _meets(text: str, source: Endpoint, destination: Endpoint) -> bool:
    for match in _PORT.finditer(text):
        port = source.port if match["end"] == "s" else destination.port
        if _has_port(match["ports"], port) is bool(match["not"]):
            return False
    for match in _ADDRESS.finditer(text):
        end = match["end"] or match["option"][1]
        address = source.address if end == "s" else destination.address
        if _has_address(match["addresses"], address) is bool(match["not"]):
            return False
    return True


def _has_port(ports: str, port: int) -> bool:
    for part in re.split(r"[{},\s]+", ports):
        first, _, last = part.replace(":", "-").partition("-")
        if first.isdecimal() and int(first) <= port <= int(last or first):
            return True
    return False


def _has_address(network: str, address: str) -> bool:
    try:
        return ipaddress.ip_address(address) in ipaddress.ip_network(network, strict=False)
    except ValueError:
        return True
