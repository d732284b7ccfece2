"""A socket in every state of TCP, held there by rules of the program's own network namespace."""

import socket
import subprocess
import time

ADDRESS = "127.0.0.1"
TABLE = """
table inet every_state {
  set out { type inet_service; }
  set in { type inet_service; }
  chain c {
    type filter hook input priority 0
    tcp sport @out drop
    tcp dport @in drop
  }
}
"""
_TIMEOUT_S = 20
_SYN_RECV = 3


class Rules:
    """What is lost on its way over the loopback device."""

    def __init__(self) -> None:
        self._nft(TABLE)

    def lose_from(self, *ends: socket.socket) -> None:
        """From now on nothing of these ends arrives."""
        for each in ends:
            self._nft(f"add element inet every_state out {{ {each.getsockname()[1]} }}")

    def lose_to(self, *ends: socket.socket) -> None:
        """From now on nothing arrives at these ends."""
        for each in ends:
            self._nft(f"add element inet every_state in {{ {each.getsockname()[1]} }}")

    def lose_no_more_to(self, end: socket.socket) -> None:
        self._nft(f"delete element inet every_state in {{ {end.getsockname()[1]} }}")

    def _nft(self, text: str) -> None:
        subprocess.run(["nft", "-f", "-"], input=text, text=True, check=True, timeout=_TIMEOUT_S)


def every_state() -> list[socket.socket]:
    """All that must stay open: eleven states, TIME_WAIT and a request among them, and orphans in FIN_WAIT1 and 2."""
    rules = Rules()
    listener = socket.create_server((ADDRESS, 0))
    kept = [listener, _new()]

    def pair() -> tuple[socket.socket, socket.socket]:
        calling = socket.create_connection(listener.getsockname())
        called, _ = listener.accept()
        kept.append(called)
        return calling, called

    established, half_closed, fin_wait1, closing, last_ack = (pair() for _ in range(5))
    time_wait, orphan, mute_orphan = (pair() for _ in range(3))
    kept += [end for end, _ in (established, half_closed, fin_wait1, closing, last_ack)]

    half_closed[0].shutdown(socket.SHUT_WR)  # FIN_WAIT2 here, CLOSE_WAIT there
    time_wait[0].close()
    time_wait[1].close()
    orphan[0].close()  # FIN_WAIT2
    last_ack[1].shutdown(socket.SHUT_WR)
    rules.lose_from(fin_wait1[0], closing[0], last_ack[0], mute_orphan[0])
    fin_wait1[0].shutdown(socket.SHUT_WR)
    closing[0].shutdown(socket.SHUT_WR)
    closing[1].shutdown(socket.SHUT_WR)
    last_ack[0].shutdown(socket.SHUT_WR)
    mute_orphan[0].close()  # FIN_WAIT1

    deaf, mute = (socket.create_server((ADDRESS, 0)) for _ in range(2))
    rules.lose_to(deaf)
    rules.lose_from(mute)
    kept += [deaf, mute, _calling(deaf), _calling(mute)]  # SYN_SENT; SYN_RECV of a request
    return kept + _simultaneous(rules)


def _new() -> socket.socket:
    made = socket.socket()
    made.bind((ADDRESS, 0))
    made.setblocking(False)
    return made


def _calling(listener: socket.socket) -> socket.socket:
    made = _new()
    made.connect_ex(listener.getsockname())
    return made


def _simultaneous(rules: Rules) -> list[socket.socket]:
    """Both ends call connect(2): that which the other's SYN reaches is in SYN_RECV, with a descriptor."""
    one, other = _new(), _new()
    rules.lose_to(one, other)
    other.connect_ex(one.getsockname())
    one.connect_ex(other.getsockname())
    rules.lose_no_more_to(one)
    deadline = time.monotonic() + _TIMEOUT_S
    while one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] != _SYN_RECV:  # when the SYN comes again
        if time.monotonic() > deadline:
            raise TimeoutError("no socket got into SYN_RECV")
        time.sleep(0.01)
    return [one, other]
