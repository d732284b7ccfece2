"""Subjects whose connection is in a state that no descriptor has, or hardly ever."""

import socket

from tests.e2e.preflight.making import TCP_CLOSE_WAIT, TCP_SYN_RECV, connected, cut, drop, drop_no_more, kept, reaches


def simultaneous_open() -> list[socket.socket]:
    """Both ends call connect(2): the one that the other's SYN reaches is in SYN_RECV with a descriptor."""
    ours, theirs = socket.socket(), socket.socket()
    for each in (ours, theirs):
        each.bind(("127.0.0.1", 0))
        each.setblocking(False)
    drop("meta l4proto tcp")
    theirs.connect_ex(ours.getsockname())
    ours.connect_ex(theirs.getsockname())
    drop_no_more()
    drop("tcp dport", theirs.getsockname()[1])
    reaches(ours, TCP_SYN_RECV)  # when their SYN comes again
    kept.append(theirs)
    return [ours]


def orphan_fin_wait1() -> list[socket.socket]:
    ours, theirs = connected()
    cut(ours, theirs)
    ours.close()
    return [socket.socket()]


def orphan_fin_wait2() -> list[socket.socket]:
    ours, theirs = connected()
    kept.append(theirs)
    ours.close()
    reaches(theirs, TCP_CLOSE_WAIT)
    return [socket.socket()]


def time_wait() -> list[socket.socket]:
    ours, theirs = connected()
    ours.close()
    reaches(theirs, TCP_CLOSE_WAIT)
    theirs.close()
    return [socket.socket()]
