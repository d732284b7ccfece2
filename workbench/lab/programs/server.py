"""The end that is dumped: accepts connections and talks on each, holding nothing but sockets and /dev/null.

Run as a program. Standard input is written to once it listens, and is /dev/null from then on: a descriptor that leads
out of the dumped tree would make CRIU refuse.
"""

import argparse
import os
import socket

from workbench.lab.programs.also import open_thing
from workbench.lab.programs.arguments import add_pace, buffers, endpoint, family_of
from workbench.lab.programs.conversation import Conversation
from workbench.lab.programs.talk import Talk, name_process

BACKLOG = 512


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--listen", type=endpoint, required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--accepts-none", action="store_true")
    parser.add_argument("--closes-none", action="store_true", help="connections that their peer has ended")
    parser.add_argument("--also", action="append", default=[], metavar="THING")
    add_pace(parser)
    options = parser.parse_args()
    name_process("lab-server")
    things = [open_thing(name) for name in options.also]
    listener = socket.socket(family_of(options.listen), socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    buffers(listener, options)
    listener.bind(options.listen)
    listener.listen(BACKLOG)
    listener.setblocking(False)
    tell_ready()
    talk = Talk()

    def accept() -> None:
        try:
            connection, _ = listener.accept()
        except OSError:  # it was closed again, or the socket is in repair mode: poll tells when there is more
            return
        talk.join(
            Conversation(connection, "server", "client", writes=options.writes, reads=options.reads, unit=options.unit)
        )

    def drop_ended() -> None:
        for conversation in () if options.closes_none else talk.conversations:
            if conversation.ended:
                talk.leave(conversation)
                conversation.close()

    if not options.accepts_none:
        talk.watch(listener.fileno(), accept)
    talk.run(drop_ended)
    del things


def tell_ready() -> None:
    """Write to standard input, which is /dev/null from then on."""
    os.write(0, b"ready")
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, 0)
    os.close(null)


if __name__ == "__main__":
    main()
