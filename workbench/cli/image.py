"""``workbench image DIR`` and ``workbench log FILE``: what CRIU left on disk, read without CRIU."""

import argparse
import base64
import dataclasses
import hashlib
import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from workbench.cli.document import FORMATS, Row, table, write_section
from workbench.cli.exit_status import ExitStatus
from workbench.errors import WorkbenchError
from workbench.evidence import (
    ContainerCheckpoint,
    Evidence,
    Gap,
    ImageDirectory,
    ImageSocket,
    LogLine,
    Sequences,
    TcpState,
)
from workbench.present.text import printable

IMAGE_EXAMPLES = """\
examples:
  workbench image images                   what a dump wrote, and whether it is complete
  workbench image images --payload         with the bytes of the queues
  workbench image echo.tar.zst             a checkpoint archive of podman or Kubernetes, without unpacking it
  workbench image connection.state         a connection that `workbench handoff -o` took out
  workbench image images --format json | jq '.images[].sockets[].local'
"""
LOG_EXAMPLES = """\
examples:
  workbench log images/dump.log            every line, with the stages and errors of CRIU marked
  workbench log images/dump.log --notable  only where a stage begins, warnings and errors
  workbench check images/dump.log          what is wrong by it, and what to do
"""
_SEQUENCES = ("snd_una", "snd_nxt", "write_seq", "rcv_nxt", "copied_seq", "snd_wnd", "rcv_wnd", "rcv_wup")


def register(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add both commands."""
    title = "an image directory or a container's checkpoint archive: processes, connections, queues"
    parser = subparsers.add_parser(
        "image",
        help=title,
        description="Show an image directory of CRIU, or a checkpoint archive of podman, CRI-O or containerd "
        "(tar, .gz or .zst, read without unpacking), a connection that `workbench handoff` took out, or what a "
        "bundle has of such, as far as TCP is concerned: whether it is complete, its processes, sockets, sequence "
        "numbers and queues. Exit status 1 if something in it is missing or damaged.",
        epilog=IMAGE_EXAMPLES,
    )
    parser.add_argument("directory", metavar="DIR|FILE")
    parser.add_argument("--payload", action="store_true", help="show the bytes of the queues, not only their digest")
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.set_defaults(func=image)
    title = "a log of CRIU with its stages and errors marked"
    parser = subparsers.add_parser(
        "log", help=title, description=f"Show {title}; of a bundle, those in it.", epilog=LOG_EXAMPLES
    )
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("--notable", action="store_true", help="only lines that begin a stage, warnings and errors")
    parser.add_argument("--format", choices=FORMATS, default="text")
    parser.set_defaults(func=log)


def _recorded(path: str) -> Evidence:
    return Evidence(taken=time.time(), monotonic_ns=time.monotonic_ns(), sources=(path,))


def image(options: argparse.Namespace) -> int:
    """Print an image directory, or what an archive holds of them."""
    from workbench.cli.container_rows import container_row
    from workbench.present.containers import container_lines

    images, containers = _read(options.directory)
    of = {container.images: container for container in containers}
    evidence = dataclasses.replace(_recorded(options.directory), images=images)
    rows: list[Row] = []
    lines: list[str] = []
    for read in images:
        container = of.get(read.path)
        row = image_row(read, payload=options.payload)
        rows.append(row | ({"container": container_row(container)} if container else {}))
        lines += ["", ""] if lines else []
        lines += container_lines(container) if container else ()
        lines += _image_lines(read, payload=options.payload)
    for container in containers:
        if container.images is None:
            rows.append({"path": printable(container.path), "container": container_row(container)})
            lines += container_lines(container)
    write_section(evidence, "images", rows, lines, options.format)
    problems = any(read.problems for read in images) or any(container.problems for container in containers)
    return ExitStatus.FINDINGS if problems else ExitStatus.CLEAN


def _read(path: str) -> tuple[tuple[ImageDirectory, ...], tuple[ContainerCheckpoint, ...]]:
    from workbench.cli.sources import evidence_of_bundle
    from workbench.read.checkpoint_archive import read_checkpoint_archive
    from workbench.read.checkpoint_directory import read_checkpoint_directory
    from workbench.read.criu_images import read_image_directory
    from workbench.read.recognise import CHECKPOINT, Kind, recognise
    from workbench.read.state_file import read_state_as_images

    if (recorded := evidence_of_bundle(path, "images", "checkpoints")) is not None:
        images, containers = recorded.images, recorded.checkpoints
        return () if isinstance(images, Gap) else images, () if isinstance(containers, Gap) else containers
    kind = recognise(path) if Path(path).is_file() or (Path(path) / CHECKPOINT).is_dir() else Kind.IMAGES
    if kind in {Kind.ARCHIVE, Kind.CONTAINER}:
        found = read_checkpoint_archive(path) if kind is Kind.ARCHIVE else read_checkpoint_directory(path)
        return found.images, found.containers
    if kind is Kind.STATE:
        return (read_state_as_images(path),), ()
    return (read_image_directory(path),), ()


def image_row(read: ImageDirectory, *, payload: bool = False) -> Row:
    """One image directory for JSON; times are microseconds as in CRIU's statistics."""
    return {
        "path": printable(read.path),
        "complete": read.complete,
        "size_bytes": read.size_bytes,
        "modified": _iso(read.modified) if read.modified else None,
        "run_id": None if read.run_id is None else printable(read.run_id),
        "lock_method": read.lock_method,
        "tcp_close": read.tcp_close,
        "dumps_netns": read.dumps_netns,
        "root_pid": read.root_pid,
        "tasks": [dataclasses.asdict(task) | {"command": printable(task.command)} for task in read.tasks],
        "sockets": [_socket_row(each, payload=payload) for each in read.sockets],
        "dump_stats": read.dump_stats and dataclasses.asdict(read.dump_stats),
        "restore_stats": read.restore_stats and dataclasses.asdict(read.restore_stats),
        "problems": [printable(problem) for problem in read.problems],
    }


def _socket_row(each: ImageSocket, *, payload: bool) -> Row:
    row: Row = {
        "state": each.state.name,
        "local": str(each.connection.local),
        "peer": str(each.connection.peer),
        "family": each.family,
        "inode": each.inode,
        "holders": [list(holder) for holder in each.holders],
        "netns_id": each.netns_id,
        "backlog": each.backlog,
        "mss_clamp": each.mss_clamp,
        "snd_wscale": each.snd_wscale,
        "rcv_wscale": each.rcv_wscale,
        "options": each.options,
        "timestamp": each.timestamp,
        "socket_options": {
            name: printable(value) if isinstance(value, str) else value for name, value in each.socket_options.items()
        },
        "problem": printable(each.problem),
    }
    row |= {name: getattr(each.sequences, name, None) for name in _SEQUENCES}
    queue = each.queue
    row["unsent"] = queue.unsent if queue else None
    row["received"] = _content(queue.received, payload=payload) if queue else None
    row["sent"] = _content(queue.sent, payload=payload) if queue else None
    return row


def _content(content: bytes, *, payload: bool) -> Row:
    row: Row = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()[:16]}
    return row | {"base64": base64.b64encode(content).decode()} if payload else row


def _image_lines(read: ImageDirectory, *, payload: bool) -> Iterator[str]:
    lock = f"lock {read.lock_method or 'iptables (none is recorded)'}"
    scope = "on the whole network namespace, dumped with it" if read.dumps_netns else "connection by connection"
    close = ", connections to be closed (--tcp-close)" if read.tcp_close else ""
    state = "complete" if read.complete else "NOT COMPLETE"
    when = _iso(read.modified) if read.modified else "without a date"
    yield printable(f"{read.path}: {state}, {read.size_bytes / 1e6:.1f} MB, {when}")
    yield printable(f"{lock} {scope}; run id {read.run_id or 'not recorded'}{close}")
    if stats := read.dump_stats:
        yield (
            f"dump: freezing {stats.freezing_us / 1000:.1f} ms, frozen {stats.frozen_us / 1000:.1f} ms,"
            f" {stats.pages_written} pages written"
        )
    if back := read.restore_stats:
        yield f"restore: {back.restore_us / 1000:.1f} ms, {back.pages_restored} pages"
    if read.tasks:
        yield from ("", *_task_lines(read))
    yield ""
    yield from table(
        ("STATE", "LOCAL", "PEER", "PID/FD", "UNREAD", "UNACKED", "UNSENT"), list(map(_cells, read.sockets))
    )
    for each in read.sockets:
        yield from _socket_lines(each, payload=payload)
    if read.problems:
        yield ""
    for problem in read.problems:
        yield printable(f"! {problem}")


def _task_lines(read: ImageDirectory) -> list[str]:
    states = {1: "alive", 2: "zombie", 3: "stopped"}
    rows = [
        (str(each.pid), str(each.ppid), str(each.threads), states.get(each.state, "?"), printable(each.command))
        for each in read.tasks
    ]
    return table(("PID", "PPID", "THREADS", "STATE", "COMMAND"), rows)


def _cells(each: ImageSocket) -> tuple[str, ...]:
    queue = each.queue
    return (
        each.state.name,
        str(each.connection.local),
        "-" if each.state is TcpState.LISTEN else str(each.connection.peer),
        " ".join(f"{pid}/{fd}" for pid, fd in each.holders) or "-",
        str(len(queue.received)) if queue else "-",
        str(len(queue.sent)) if queue else "-",
        str(queue.unsent) if queue else "-",
    )


def _socket_lines(each: ImageSocket, *, payload: bool) -> Iterator[str]:
    known, queue = each.sequences, each.queue
    if known is None or queue is None:
        return
    yield ""
    yield f"{each.connection}" + (f"  tcp-stream-{each.inode:x}.img" if each.inode else "")
    yield f"  sent      {_range(known.snd_una, known.snd_nxt, known.write_seq)}  window {_or_none(known.snd_wnd)}"
    yield f"  received  {_range(known.copied_seq, known.rcv_nxt)}  window {_window(known)}"
    for name, content in (("receive queue", queue.received), ("send queue", queue.sent)):
        yield f"  {name}: {len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()[:16]}"
        if payload:
            yield from _hexdump(content)


def _range(*numbers: int) -> str:
    return " .. ".join(map(str, numbers))


def _or_none(number: int | None) -> str:
    return "not recorded" if number is None else str(number)


def _window(known: Sequences) -> str:
    return "not recorded" if known.rcv_wnd is None else f"{known.rcv_wnd} from {known.rcv_wup}"


def _hexdump(content: bytes) -> Iterator[str]:
    for start in range(0, len(content), 16):
        part = content[start : start + 16]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)
        yield f"    {start:08x}  {part.hex(' ', 1):<47}  {letters}"


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def log(options: argparse.Namespace) -> int:
    """Print a log; text and jsonl line by line, however long it is."""
    from workbench.cli.sources import evidence_of_bundle
    from workbench.read.criu_log import read_log
    from workbench.read.recognise import Kind, recognise

    recorded = evidence_of_bundle(options.file, "log")
    read = read_log(options.file) if recorded is None or isinstance(recorded.log, Gap) else recorded.log
    if recorded is None and Path(options.file).is_file() and (kind := recognise(options.file)) is not Kind.TEXT:
        raise WorkbenchError(f"{options.file} is no log: it is {kind.value}", "name a log file of criu")
    lines = (line for line in read if not options.notable or _is_notable(line))
    if options.format == "json":
        return write_section(_recorded(options.file), "log", [log_row(line) for line in lines], (), "json")
    for line in lines:
        print(_log_line(line) if options.format == "text" else json.dumps(log_row(line)))
    return ExitStatus.CLEAN


def _is_notable(line: LogLine) -> bool:
    return line.stage is not None or (line.level != "info" and not line.harmless)


def log_row(line: LogLine) -> Row:
    """One line of a log for JSON."""
    return {
        "number": line.number,
        "seconds": line.seconds,
        "pid": line.pid,
        "level": line.level,
        "harmless": line.harmless,
        "stage": line.stage and line.stage.value,
        "source": None if line.source is None else printable(line.source),
        "message": printable(line.message),
    }


def _log_line(line: LogLine) -> str:
    when = "" if line.seconds is None else f"{line.seconds:.6f}"
    mark = line.level if line.level != "info" else (line.stage or "")
    if line.harmless:
        mark = "harmless"
    who = f"{line.pid}: " if line.pid is not None else ""
    where = f" ({line.source})" if line.source else ""
    return printable(f"{line.number:6} {when:>11}  {mark:17}  {who}{line.message}{where}")
