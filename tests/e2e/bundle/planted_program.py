"""A program whose every trait is a secret: name, arguments, environment, directory, sockets, and bytes in a queue.

Run with the secret word and an address of its network namespace; says a line when all is there, and ends with its
standard input.
"""

import ctypes
import os
import socket
import sys
from pathlib import Path

PR_SET_NAME = 15


def main() -> None:
    word, address = sys.argv[1:3]
    ctypes.CDLL(None).prctl(PR_SET_NAME, word.encode()[:15])
    os.environ["TOKEN"] = word
    place = Path.cwd() / word
    place.mkdir()
    os.chdir(place)
    kept = (place / f"{word}.log").open("w")
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0{word}")
    listener = socket.create_server((address, 0))
    client = socket.create_connection(listener.getsockname())
    accepted, _ = listener.accept()
    client.sendall(f"{word} in a queue".encode())
    sys.stdout.write("there\n")
    sys.stdout.flush()
    sys.stdin.read()
    del kept, accepted


if __name__ == "__main__":
    main()
