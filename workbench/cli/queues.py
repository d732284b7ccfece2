"""``workbench queues``: what stands in the queues of a connection, byte by byte."""

import argparse
import base64
import dataclasses
import json
import os
import sys
from datetime import UTC, datetime

from workbench.cli.document import Row
from workbench.cli.exit_status import ExitStatus
from workbench.errors import WorkbenchError
from workbench.evidence import Gap, Socket
from workbench.evidence.queues import QueueName, SocketQueues
from workbench.present.text import printable

SHOWN = 512
"""Bytes of each queue that are printed unless it is told otherwise."""
SENT = "sent"
_EPILOG = """\
examples:
  workbench queues 4645 7                        the receive queue of descriptor 7, without stopping anybody
  workbench queues 4645 7 --stop                 the send queue too: its processes stand still for a moment
  workbench queues 4645 7 --stop --plan          who that would be, and how long
  workbench queues --connection 10.0.0.2:80-10.0.0.1:40000 --find "GET /" --skip 4096
  workbench queues 4645 7 --stop --part sent -o sent.bin
  workbench queues --images images --connection 10.0.0.2:80-10.0.0.1:40000

Exit status: 0; 1 if --find found nothing; 2 if the socket cannot be read.
"""


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "queues",
        help="what stands in the queues of a connection",
        description="Show the contents of a socket's receive and send queue: hex and text with sequence numbers, and "
        "what they look like. The receive queue is looked at while its owner runs. The send queue is read only with "
        "--stop: every process that holds the socket is stopped for a moment.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("pid", metavar="PID", type=int, nargs="?")
    parser.add_argument("fd", metavar="FD", type=int, nargs="?")
    parser.add_argument("--connection", metavar="LOCAL-PEER", help="the connection instead of PID and FD")
    parser.add_argument("--netns", metavar="NAME|PATH", help="the network namespace of --connection")
    parser.add_argument("--images", metavar="DIR", help="queues in an image directory")
    parser.add_argument("--stop", action="store_true", help="stop every process that holds the socket, for a moment")
    parser.add_argument("--plan", action="store_true", help="with --stop: who would be stopped and how long, no more")
    parser.add_argument("--find", metavar="TEXT|hex:BYTES", help="where it stands; exit status 1 if nowhere")
    parser.add_argument("--skip", metavar="N", type=int, default=0, help="begin N bytes later in each queue")
    parser.add_argument(
        "--bytes", metavar="N", type=int, help=f"so many of each queue, 0 for all (text: {SHOWN}, json: all)"
    )
    parser.add_argument("--part", choices=(*QueueName, SENT), help="only this; sent is what is in flight and unsent")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the bytes of one part (received) to a file")
    parser.add_argument("--format", choices=("text", "json"), default="text")
    parser.set_defaults(func=queues)


def queues(options: argparse.Namespace) -> int:
    """Print the queues."""
    from workbench.present.queue_view import parse_search, search

    if (options.pid is None) is not (options.fd is None):
        raise WorkbenchError("A socket is named by PID and FD, or by --connection")
    if min(options.skip, options.bytes or 0) < 0:
        raise WorkbenchError("--skip and --bytes are not negative")
    if options.plan and not options.stop:
        raise WorkbenchError("Without --stop nobody is stopped: there is no plan")
    wanted = parse_search(options.find) if options.find is not None else None
    read = _of_image(options) if options.images else _of_host(options)
    if read is None:
        return ExitStatus.CLEAN
    if options.output:
        _export(read, options.part or QueueName.RECEIVED, options.output)
        return ExitStatus.CLEAN
    found = search(read, wanted) if wanted is not None else ()
    shown = _only(read, options.part)
    if options.format == "json":
        print(
            json.dumps({"schema": 1, "queues": queue_row(shown, options.skip, options.bytes)} | _found(found), indent=1)
        )
    else:
        _print(shown, options, found)
    return ExitStatus.FINDINGS if wanted is not None and not found else ExitStatus.CLEAN


def queue_row(read: SocketQueues, skip: int = 0, most: int | None = None) -> Row:
    """The queues for JSON: contents in base64, sequence numbers of their first bytes; ``most`` of 0 is all."""
    from workbench.present.payload import looks_like

    end = skip + most if most else None
    return {
        "local": str(read.connection.local),
        "peer": str(read.connection.peer),
        "state": read.state.name,
        "origin": printable(read.origin),
        "taken": datetime.fromtimestamp(read.taken, UTC).isoformat(timespec="milliseconds"),
        "stop": read.stop and dataclasses.asdict(read.stop),
        "gaps": [{"reason": printable(gap.reason), "remedy": printable(gap.remedy)} for gap in read.gaps],
        "parts": [
            {
                "name": part.name.value,
                "bytes": part.length,
                "first_sequence": part.start,
                "looks_like": printable(looks_like(part.content)),
                "from": min(skip, len(part.content)),
                "base64": base64.b64encode(part.content[skip:end]).decode(),
            }
            for part in read.parts
        ],
    }


def _found(found: tuple[object, ...]) -> Row:
    return {"found": [dataclasses.asdict(each) for each in found]} if found else {}  # type: ignore[call-overload]


def _of_host(options: argparse.Namespace) -> SocketQueues | None:
    """None if only the plan was asked for."""
    from workbench.operation.queues import LiveSocket, QueueReader, plan_stop, read_with_stop

    if options.pid is not None:
        where = LiveSocket.at(options.pid, options.fd)
    elif options.connection:
        where = LiveSocket.at(*_holder(options))
    else:
        raise WorkbenchError("Which socket?", "name PID and FD, or --connection, or --images")
    if not options.stop:
        reader = QueueReader()
        try:
            return reader.peek(where)
        finally:
            reader.close()
    from workbench.present.queue_stop import stop_sentences

    plan = plan_stop(where)
    sentences = stop_sentences(plan.connection, plan.holders, plan.expected_ms)
    for sentence in sentences:
        print(sentence, file=sys.stdout if options.plan else sys.stderr)
    return None if options.plan else read_with_stop(where)


def _holder(options: argparse.Namespace) -> tuple[int, int]:
    """A process that holds the connection. Raises WorkbenchError if there is none, or one in several namespaces."""
    from workbench.cli.scope import namespace_inode, parse_connection
    from workbench.collect.live import LiveSource
    from workbench.evidence.socket_choice import Choice, choose

    wanted = parse_connection(options.connection).unmapped
    netns = namespace_inode(options.netns) if options.netns else None
    source = LiveSource({"sockets"})
    try:
        sockets = source.evidence().sockets
    finally:
        source.close()
    if isinstance(sockets, Gap):
        raise WorkbenchError(sockets.reason, sockets.remedy)
    near = choose(sockets, Choice(local_ports={wanted.local.port}))
    fitting = [each for each in near if each.connection.unmapped == wanted and netns in {None, each.netns}]
    held: list[Socket] = [each for each in fitting if each.holders]
    if not held:
        what = "is held by no process" if fitting else "is not on this host"
        raise WorkbenchError(f"{options.connection} {what}", "`workbench sockets` lists all; the local end comes first")
    if len({each.netns for each in held}) > 1:
        raise WorkbenchError(f"{options.connection} is there in several network namespaces", "name one by --netns")
    return held[0].holders[0].pid, held[0].holders[0].fd


def _of_image(options: argparse.Namespace) -> SocketQueues:
    from workbench.cli.scope import parse_connection
    from workbench.evidence.queues import queues_of_image
    from workbench.read.criu_images import read_image_directory

    if options.stop:
        raise WorkbenchError("Images need no --stop")
    read = read_image_directory(options.images)
    sockets = [each for each in read.sockets if each.queue is not None]
    if options.connection:
        wanted = parse_connection(options.connection).unmapped
        sockets = [each for each in sockets if each.connection.unmapped == wanted]
    elif options.pid is not None:
        sockets = [each for each in read.sockets if (options.pid, options.fd) in each.holders]
    if len(sockets) != 1:
        many = f"{len(sockets)} connections: name one by --connection" if sockets else "no such connection with queues"
        raise WorkbenchError(f"{options.images} holds {many}", "`workbench image` lists them")
    return queues_of_image(sockets[0], options.images, read.modified)


def _only(read: SocketQueues, part: str | None) -> SocketQueues:
    if part is None:
        return read
    return read.only({QueueName.IN_FLIGHT, QueueName.UNSENT} if part == SENT else {QueueName(part)})


def _export(read: SocketQueues, part: str, path: str) -> None:
    chosen = _only(read, part).parts
    if not chosen:
        gap = read.gaps[0] if read.gaps else Gap("queues", "it was not read")
        raise WorkbenchError(f"There is nothing of {part} to write: {gap.reason}", gap.remedy)
    try:
        with open(path, "wb", opener=lambda name, flags: os.open(name, flags | os.O_CLOEXEC, 0o600)) as file:
            file.writelines(each.content for each in chosen)
    except OSError as error:
        raise WorkbenchError(f"{path} cannot be written: {error.strerror}", "name another file") from error
    sys.stderr.write(
        printable(f"workbench: {sum(len(each.content) for each in chosen)} bytes written to {path}") + "\n"
    )


def _print(read: SocketQueues, options: argparse.Namespace, found: tuple[object, ...]) -> None:
    from shutil import get_terminal_size

    from workbench.present.line import plain_lines
    from workbench.present.queue_view import Found, queue_lines

    places = [each for each in found if isinstance(each, Found)]
    most = SHOWN if options.bytes is None else options.bytes or None
    width = get_terminal_size((100, 24)).columns
    for text in plain_lines(queue_lines(read, width, most=most, skip=options.skip, found=places)):
        print(text)
    by_name = {part.name: part for part in read.parts}
    if options.find is not None:
        print(
            f"\n{printable(options.find)}: found {len(places)} times"
            if places
            else f"\n{printable(options.find)}: not found"
        )
    for each in places[:100]:
        part = by_name.get(each.part)
        number = part.sequence(each.start) if part else None
        print(f"  {each.part.value} +{each.start}" + ("" if number is None else f", sequence number {number}"))
