"""Every TCP socket of every network namespace, by sock_diag."""

from collections.abc import Collection, Sequence

from workbench.collect import inet_diag
from workbench.collect.sock_diag import SockDiags
from workbench.collect.socket_table import SocketTable
from workbench.evidence import Gap, NetworkNamespace


class SocketReader:
    """Lists sockets again and again over netlink sockets that stay open."""

    def __init__(self, diags: SockDiags, details: Collection[int] = inet_diag.DETAILS) -> None:
        """``details``: what is asked for of each socket, some of ``inet_diag.DETAILS``."""
        self._diags = diags
        self._request = inet_diag.request(details)

    def read(self, namespaces: Sequence[NetworkNamespace]) -> tuple[SocketTable | Gap, tuple[Gap, ...]]:
        """All sockets (holders not filled in), and a gap for each namespace that could not be asked.

        The kernel may load its ``inet_diag`` module to answer, as it does for ss(8).
        """
        parts: list[tuple[int, inet_diag.Block]] = []
        gaps: list[Gap] = []
        for namespace in namespaces:
            try:
                answer = self._diags.of(namespace).dump(inet_diag.DUMP_BOTH_FAMILIES, self._request)
            except OSError as error:
                self._diags.drop(namespace)
                gaps.append(_gap(namespace, error))
            else:
                parts.extend((namespace.inode, block) for block in inet_diag.blocks(answer))
        if gaps and len(gaps) == len(namespaces):
            return gaps[0], tuple(gaps[1:])
        return SocketTable(parts), tuple(gaps)


def _gap(namespace: NetworkNamespace, error: OSError) -> Gap:
    name = namespace.names[0] if namespace.names else namespace.path
    remedy = "run as root" if isinstance(error, PermissionError) else ""
    return Gap("sockets", f"sockets of network namespace {name}: {error.strerror or error}", remedy, namespace.inode)
