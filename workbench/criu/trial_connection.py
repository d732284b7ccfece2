"""The connected process of a trial: run as a program, it makes a network namespace of its own and talks to itself.

Protocol on the standard streams, one word a line: it prints the pid of the server; told ``dumped`` it reaps the
server and answers ``reaped``; told ``restored`` it sends bytes through the connection and answers ``alive`` or
``dead: REASON``. It ends when its standard input does, and all that it made ends with it.
"""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import sys

CLONE_NEWNET = 0x40000000
PR_SET_PDEATHSIG = 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
ECHO_TIMEOUT_S = 5.0


def _loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        request = struct.pack("16sH14x", b"lo", 0)
        flags = struct.unpack_from("H", fcntl.ioctl(control, SIOCGIFFLAGS, request), 16)[0]
        fcntl.ioctl(control, SIOCSIFFLAGS, struct.pack("16sH14x", b"lo", flags | IFF_UP))


def _serve(listener: socket.socket, ready: int) -> None:
    """Echo one connection until its end, holding nothing but sockets and /dev/null (a dump refuses less then)."""
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for fd in (0, 1, 2):
        os.dup2(null, fd)
    os.close(null)
    connection, _ = listener.accept()
    listener.close()
    os.write(ready, b"1")
    os.close(ready)
    while data := connection.recv(4096):
        connection.sendall(data)
    os._exit(0)


def _echo(client: socket.socket, payload: bytes) -> str:
    try:
        client.sendall(payload)
        answer = b""
        while len(answer) < len(payload):
            part = client.recv(4096)
            if not part:
                return "dead: the connection was closed"
            answer += part
    except OSError as error:
        return f"dead: {error.strerror or 'no answer in time'}"
    return "alive" if answer == payload else "dead: other bytes came back"


def main() -> None:
    """Make the namespace and the connection, then follow the protocol."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.exit(f"cannot make a network namespace: {os.strerror(ctypes.get_errno())}")
    _loopback_up()
    listener = socket.create_server(("127.0.0.1", 0))
    reading, ready = os.pipe()
    server = os.fork()
    if server == 0:
        os.close(reading)
        _serve(listener, ready)
    os.close(ready)
    client = socket.create_connection(listener.getsockname())
    client.settimeout(ECHO_TIMEOUT_S)
    listener.close()
    os.read(reading, 1)
    os.close(reading)
    if (before := _echo(client, b"before")) != "alive":
        sys.exit(before)
    print(server, flush=True)
    for line in sys.stdin:
        if line.strip() == "dumped":
            os.waitpid(server, 0)
            print("reaped", flush=True)
        elif line.strip() == "restored":
            print(_echo(client, b"after" * 100), flush=True)


if __name__ == "__main__":
    main()
