"""What becomes of a socket if nothing more arrives for it: its timers, and how long this end waits.

The rules are those of Linux 6.18 (net/ipv4/tcp_timer.c and others); each function names the one that it follows.
"""

from workbench.evidence.outlook.end import Outlook as Outlook
from workbench.evidence.outlook.limits import TcpLimits as TcpLimits
from workbench.evidence.outlook.limits import limits_of as limits_of
from workbench.evidence.outlook.of_socket import if_it_sends as if_it_sends
from workbench.evidence.outlook.of_socket import outlook as outlook
from workbench.evidence.outlook.of_socket import remote_outlook as remote_outlook
from workbench.evidence.outlook.timer_wheel import Span as Span
from workbench.evidence.outlook.timer_wheel import TimerWheel as TimerWheel
