"""Run as a program: takes a connection over the channel on standard input, and becomes the command that was given.

The command finds the connection as systemd passes it (sd_listen_fds(3)): descriptor 3, LISTEN_FDS=1, LISTEN_PID its
own pid. Standard input is /dev/null.
"""

import os
import socket
import sys

from workbench.repair.transfer import receive

FIRST_PASSED = 3


def main() -> None:
    channel = socket.socket(fileno=os.dup(0))
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    try:
        taken = receive(channel)
    except OSError as error:
        raise SystemExit(f"no connection came: {error}") from error
    channel.close()
    descriptor = taken.detach()
    if descriptor == FIRST_PASSED:
        os.set_inheritable(descriptor, True)
    else:
        os.dup2(descriptor, FIRST_PASSED)
    environment = {**os.environ, "LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
    os.execvpe(sys.argv[1], sys.argv[1:], environment)  # noqa: S606 - the words come as they are, from root


if __name__ == "__main__":
    main()
