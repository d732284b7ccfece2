"""An end that calls and can be dumped: one connection to a server, and nothing else but /dev/null.

Run as a program. Standard input is written to once it is connected, and is /dev/null from then on.
"""

import argparse
import socket

from workbench.lab.programs.arguments import add_pace, buffers, endpoint, family_of
from workbench.lab.programs.conversation import Conversation
from workbench.lab.programs.server import tell_ready
from workbench.lab.programs.talk import Talk, name_process


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connect", type=endpoint, required=True, metavar="ADDRESS:PORT")
    add_pace(parser)
    options = parser.parse_args()
    name_process("lab-caller")
    opened = socket.socket(family_of(options.connect), socket.SOCK_STREAM)
    buffers(opened, options)
    opened.connect(options.connect)
    tell_ready()
    talk = Talk()
    talk.join(Conversation(opened, "client", "server", writes=options.writes, reads=options.reads))
    talk.run(lambda: None)


if __name__ == "__main__":
    main()
