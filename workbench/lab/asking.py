"""Asking in a scenario's course why its connection is silent, as ``workbench why`` does."""

from collections.abc import Mapping

from workbench.collect.silence import ask_why
from workbench.collect.sock_diag import SockDiags
from workbench.collect.sockets import SocketReader
from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Gap, TcpState
from workbench.evidence.silence import Silent
from workbench.lab.lab import Lab
from workbench.lab.namespaces import Host

SECONDS = 1.0
"""Time for a few segments that come to nothing."""
TRIES = 4
"""A segment that is due may come after the first look, when its timer has backed off."""


def why(lab: Lab, *, because: str, host: str = "") -> Mapping[str, object]:
    """Ask at this end, the server's if no host is named. Raises WorkbenchError if it is silent for another reason."""
    where = lab.host_called(host) if host else lab.host
    wanted = Silent(because)
    for _ in range(TRIES):
        answer = ask_why(_connection(where), where.inode, SECONDS)
        if answer.why is wanted:
            return {"why": answer.why.value, "sentence": answer.sentence}
    raise WorkbenchError(f"it is silent because of {answer.why}, not of {wanted}: {answer.sentence}")


def _connection(host: Host) -> Connection:
    diags = SockDiags()
    try:
        table, _ = SocketReader(diags).read((host.namespace,))
    finally:
        diags.close()
    ends = [] if isinstance(table, Gap) else [each for each in table if each.peer.port]
    living = [each.connection for each in ends if each.state not in {TcpState.TIME_WAIT, TcpState.CLOSE}]
    if len(living) != 1:
        raise WorkbenchError(f"the host has {len(living)} connections, and one is to be asked about")
    return living[0]
