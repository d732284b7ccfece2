"""Which peers of locked connections can be kept waiting, and which cannot, whatever they are answered."""

from collections.abc import Collection, Iterator

from workbench.evidence import Connection, Evidence, Gap
from workbench.evidence.socket_choice import other_ends


def peer_warnings(connections: Collection[Connection], netns: int, evidence: Evidence) -> Iterator[str]:
    """Peers on this host that answers do not help; ``netns``: inode of the namespace of the locked ends."""
    if isinstance(evidence.sockets, Gap) or isinstance(evidence.sequences, Gap):
        return
    for each in other_ends(evidence.sockets, connections):
        if each.netns == netns:
            yield f"{each.connection.unmapped.local} is in the same namespace: the lock keeps its packets from us, too"
        known = evidence.sequences.get(each.cookie)
        if known is not None and known.user_timeout_ms:
            yield (
                f"{each.connection.unmapped.local} has set TCP_USER_TIMEOUT: it gives up after"
                f" {known.user_timeout_ms / 1000:g} s without progress, whatever it is answered"
            )
