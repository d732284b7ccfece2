"""What CRIU, its libraries and its child programs print, and what it means; each as it stands in a log of its own.

Texts are those of CRIU's sources from 3.0 to 4.2 (``%d`` filled in); line numbers in ``(criu/x.c:1)`` mean nothing. A
message beginning with ``dump`` or ``restore`` says in which log it stands.
"""

from tests.contract.log_messages.around import AROUND
from tests.contract.log_messages.connections import LOCK, TCP
from tests.contract.log_messages.console import CONSOLE
from tests.contract.log_messages.harmless import HARMLESS
from tests.contract.log_messages.sockets import SOCKETS

__all__ = ["AROUND", "CONSOLE", "HARMLESS", "LOCK", "SOCKETS", "TCP"]
