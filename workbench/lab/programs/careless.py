"""A parent that never reaps: runs the server with these arguments as a child in its own session, and waits for ever.

Standard input is the server's.
"""

import os
import signal
import sys

from workbench.lab.programs.talk import name_process


def main() -> None:
    if os.fork() == 0:
        os.execv(sys.executable, [sys.executable, "-m", "workbench.lab.programs.server", *sys.argv[1:]])  # noqa: S606
    name_process("lab-careless")
    os.close(0)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
