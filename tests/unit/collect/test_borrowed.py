"""Sockets of our own process, asked as if they were another's."""

import os
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from workbench.collect.borrowed import collect_borrowed
from workbench.evidence import BorrowedSocket, Descriptor, DescriptorKind, NetworkNamespace

_HERE = NetworkNamespace(Path("/proc/self/ns/net").stat().st_ino, "/proc/self/ns/net", is_host=True)
_CLASSIC_FILTER = 26


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


def descriptor(made: socket.socket, kind: DescriptorKind = DescriptorKind.TCP) -> Descriptor:
    inode = os.fstat(made.fileno()).st_ino
    return Descriptor(os.getpid(), made.fileno(), kind, f"socket:[{inode}]", inode)


def asked(made: socket.socket, kind: DescriptorKind = DescriptorKind.TCP) -> BorrowedSocket:
    found, gaps = collect_borrowed([descriptor(made, kind)], [_HERE])
    assert gaps == ()
    (only,) = found.values()
    return only


@pytest.mark.root  # whose namespace a socket is in is told to CAP_NET_ADMIN alone
def test_options_stand_beside_those_of_a_new_socket(stack: ExitStack) -> None:
    made = stack.enter_context(socket.socket())
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 5000)
    made.setsockopt(socket.SOL_SOCKET, 47, struct.pack("Q", 123456))
    one = asked(made)
    changed = {name: value for name, value in one.options.items() if value != one.fresh[name]}
    assert changed == {"TCP_USER_TIMEOUT": 5000, "SO_MAX_PACING_RATE": 123456}
    assert (one.family, one.type, one.protocol) == (socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    assert not one.listening


def test_asking_changes_nothing(stack: ExitStack) -> None:
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    ours = stack.enter_context(socket.create_connection(listener.getsockname()))
    theirs = stack.enter_context(listener.accept()[0])
    ours.setblocking(False)
    theirs.sendall(b"unread")
    first, second = asked(ours), asked(ours)
    assert first == second
    assert first.readable
    assert first.unread_memory
    assert not ours.getblocking()
    assert ours.recv(100) == b"unread"


def test_a_listening_socket_with_somebody_waiting(stack: ExitStack) -> None:
    listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
    assert (asked(listener).listening, asked(listener).readable) == (True, False)
    stack.enter_context(socket.create_connection(listener.getsockname()))
    assert asked(listener).readable
    assert asked(listener).local == f"127.0.0.1:{listener.getsockname()[1]}"


def test_the_length_of_a_filter_is_told_without_its_text(stack: ExitStack) -> None:
    import ctypes

    made = stack.enter_context(socket.socket())
    assert "SO_ATTACH_FILTER" not in asked(made).options
    program = ctypes.create_string_buffer(struct.pack("=HBBI", 0x06, 0, 0, 0xFFFF))
    made.setsockopt(socket.SOL_SOCKET, _CLASSIC_FILTER, struct.pack("@HP", 1, ctypes.addressof(program)))
    assert asked(made).options["SO_ATTACH_FILTER"] == 1


def test_unix_sockets_by_their_names(stack: ExitStack) -> None:
    name = f"\0workbench-test-{os.getpid()}"
    one = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    one.bind(name)
    other = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
    other.connect(name)
    told = asked(other, DescriptorKind.UNIX)
    assert (told.type, told.local, told.peer) == (socket.SOCK_DGRAM, "", "@" + name[1:])
    assert told.fresh == {}


def test_a_descriptor_that_is_another_by_now_is_a_gap(stack: ExitStack) -> None:
    made = stack.enter_context(socket.socket())
    stale = Descriptor(os.getpid(), made.fileno(), DescriptorKind.TCP, "socket:[1]", 1)
    found, (gap,) = collect_borrowed([stale, descriptor(made)], [_HERE])
    assert list(found) == [os.fstat(made.fileno()).st_ino]
    assert gap.section == "borrowed"


def test_what_is_no_socket_is_passed_over() -> None:
    assert collect_borrowed([Descriptor(os.getpid(), 0, DescriptorKind.PIPE, "pipe:[5]", 5)], [_HERE]) == ({}, ())
