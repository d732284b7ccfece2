"""``workbench sockets`` and ``workbench processes``: one section of the live host each."""

import argparse
from collections.abc import Mapping

from workbench.cli.document import FORMATS, Row, table, write_section
from workbench.evidence import Evidence, Gap, Process, Sequences, Socket, SocketTimer, TcpState
from workbench.present.text import printable

_SEQUENCES = ("snd_una", "snd_nxt", "write_seq", "rcv_nxt", "copied_seq", "snd_wnd", "rcv_wnd")


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands."""
    for name, command, title in (
        ("sockets", sockets, "every TCP socket of every network namespace"),
        ("processes", processes, "every process with its user, namespaces and container"),
    ):
        parser = subparsers.add_parser(name, help=title, description=f"List {title}.")
        parser.add_argument("--format", choices=FORMATS, default="text")
        parser.set_defaults(func=command)


def _look(*sections: str) -> Evidence:
    from workbench.collect.live import LiveSource

    source = LiveSource({"host", *sections})
    try:
        return source.evidence()
    finally:
        source.close()


def sockets(options: argparse.Namespace) -> int:
    """Print the sockets with their sequence numbers."""
    evidence = _look("sockets", "sequences")
    if isinstance(evidence.sockets, Gap):
        return write_section(evidence, "sockets", evidence.sockets, (), options.format)
    sequences: Mapping[int, Sequences] = {} if isinstance(evidence.sequences, Gap) else evidence.sequences
    names = _namespace_names(evidence)
    listed = sorted(evidence.sockets, key=lambda each: (each.netns, each.state, each.local, each.peer))
    rows = [socket_row(each, sequences.get(each.cookie), names) for each in listed]
    cells = [_socket_cells(each, names) for each in listed]
    heading = ("STATE", "NETNS", "LOCAL", "PEER", "RCVQ", "SNDQ", "TIMER", "PROCESS")
    return write_section(evidence, "sockets", rows, table(heading, cells), options.format)


def socket_row(socket: Socket, sequences: Sequences | None, names: Mapping[int, str]) -> Row:
    """One socket for JSON; sequence numbers are null where they cannot be had."""
    row: Row = {
        "netns": socket.netns,
        "netns_name": names.get(socket.netns),
        "family": socket.family,
        "state": socket.state.name,
        "local": str(socket.local),
        "peer": str(socket.peer),
        "pid": socket.pid,
        "fd": socket.fd,
        "command": None if socket.command is None else printable(socket.command),
        "holders": [[holder.pid, holder.fd, printable(holder.command)] for holder in socket.holders],
        "inode": socket.inode,
        "cookie": socket.cookie,
        "uid": socket.uid,
        "recv_q": socket.recv_q,
        "send_q": socket.send_q,
        "timer": socket.timer.value,
        "timer_ms": socket.timer_ms,
        "retransmits": socket.retransmits,
        "congestion": socket.congestion,
        "mptcp": socket.mptcp,
    }
    return row | {name: getattr(sequences, name, None) for name in _SEQUENCES}


def _socket_cells(socket: Socket, names: Mapping[int, str]) -> tuple[str, ...]:
    timer = "-" if socket.timer is SocketTimer.NONE else f"{socket.timer} {socket.timer_ms / 1000:.1f}s"
    process = f"{socket.command} {socket.pid} fd {socket.fd}" if socket.holders else "-"
    return (
        socket.state.name,
        names.get(socket.netns, str(socket.netns)),
        str(socket.local),
        "-" if socket.state is TcpState.LISTEN else str(socket.peer),
        str(socket.recv_q),
        str(socket.send_q),
        f"{timer} x{socket.retransmits}" if socket.retransmits else timer,
        printable(process),
    )


def processes(options: argparse.Namespace) -> int:
    """Print the processes."""
    evidence = _look("processes")
    if isinstance(evidence.processes, Gap):
        return write_section(evidence, "processes", evidence.processes, (), options.format)
    names = _namespace_names(evidence)
    listed = list(evidence.processes.values())
    rows = [process_row(each, names) for each in listed]
    heading = ("PID", "PPID", "USER", "S", "THREADS", "NETNS", "CONTAINER", "COMMAND")
    cells = [_process_cells(each, names) for each in listed]
    return write_section(evidence, "processes", rows, table(heading, cells), options.format)


def process_row(process: Process, names: Mapping[int, str]) -> Row:
    """One process for JSON."""
    container = process.container
    return {
        "pid": process.pid,
        "ppid": process.ppid,
        "start_time": process.start_time,
        "command": printable(process.command),
        "argv": [printable(argument) for argument in process.argv],
        "user": printable(process.user),
        "uid": process.uid,
        "state": process.state,
        "threads": process.threads,
        "pgid": process.pgid,
        "sid": process.sid,
        "netns": process.namespaces.net,
        "netns_name": names.get(process.namespaces.net or 0),
        "container": container and {"engine": container.engine, "id": printable(container.id)},
        "exe": None if process.exe is None else printable(process.exe),
        "cgroup": None if process.cgroup is None else printable(process.cgroup),
        "rss_bytes": process.rss_bytes,
    }


def _process_cells(process: Process, names: Mapping[int, str]) -> tuple[str, ...]:
    netns = process.namespaces.net
    container = process.container
    return (
        str(process.pid),
        str(process.ppid),
        printable(process.user),
        process.state,
        str(process.threads),
        "-" if netns is None else names.get(netns, str(netns)),
        printable(f"{container.engine} {container.id[:12]}") if container else "-",
        printable(" ".join(process.argv) or f"[{process.command}]"),
    )


def _namespace_names(evidence: Evidence) -> dict[int, str]:
    """What people call each namespace: its name under /run/netns, or ``host``."""
    if isinstance(evidence.namespaces, Gap):
        return {}
    return {
        namespace.inode: printable(namespace.names[0]) if namespace.names else "host"
        for namespace in evidence.namespaces
        if namespace.names or namespace.is_host
    }
