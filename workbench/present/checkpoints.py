"""The table of CRIU image directories, and what one of them holds."""

from collections.abc import Iterator

from workbench.evidence import Gap, ImageDirectory, ImageSocket, ImageTask
from workbench.evidence.lock_status import LockStatus
from workbench.present.containers import container_lines
from workbench.present.findings import mark
from workbench.present.line import Line, Tone, heading, line
from workbench.present.situation import UNCONNECTED, Situation
from workbench.present.table import Column, Row, Table, make_table, unreadable
from workbench.present.text import printable
from workbench.present.units import byte_size, count, duration, milliseconds
from workbench.present.words import STATE_SHORT

COLUMNS = (
    Column("image_state", "IMAGES", "i", 8, 10),
    Column("process", "PROCESS", "o", 16, 24),
    Column("connections", "CONN", "c", 4, 6, right=True),
    Column("queued", "QUEUED", "q", 6, 10, leaves=3, right=True),
    Column("lock_method", "LOCK", "l", 4, 9, leaves=4),
    Column("size", "SIZE", "s", 8, 10, leaves=2, right=True),
    Column("age", "AGE", "a", 6, 14, right=True),
    Column("path", "DIRECTORY", "d", 16, 200, keep_end=True),
)
EMPTY = "No image directory is known yet: dump a process (d on Connections or Processes), and its images stand here."


def checkpoints_table(situation: Situation) -> Table:
    """Every image directory, the newest first."""
    images = situation.evidence.images
    if isinstance(images, Gap):
        return unreadable(COLUMNS, images)
    rows = [_row(image, situation) for image in sorted(images, key=lambda each: -each.modified)]
    return make_table(COLUMNS, rows, EMPTY)


def is_connection_file(image: ImageDirectory) -> bool:
    """It holds one connection that a hand-off took out, and no process."""
    return image.complete and not image.tasks and len(image.sockets) == 1


def image_state(image: ImageDirectory, situation: Situation) -> tuple[str, Tone]:
    """In one word: what has become of these images."""
    if not image.complete:
        return "broken", Tone.BAD
    if image.problems:
        return "damaged", Tone.WARNING
    waited_for = any(
        use.status is LockStatus.NEEDED and use.image is not None and use.image.path == image.path
        for use in situation.lock_uses
    )
    if is_connection_file(image) and not waited_for:
        return "no lock", Tone.DIM
    if image.restore_stats and not waited_for:  # a restore that was turned back leaves its numbers too
        return "restored", Tone.DIM
    living = situation.processes.get(image.root_pid or 0)
    if living and living.command == image.tasks[0].command:
        return "runs on", Tone.NORMAL
    return "waiting", Tone.GOOD


def checkpoint_detail(image: ImageDirectory, situation: Situation) -> list[Line]:
    """Tree, sockets with queues and sequence numbers, CRIU's own numbers, problems."""
    about = (*_title(image, situation), *_problems(image), *_container(image, situation))
    return [*about, *_tree(image), *_sockets(image), *_numbers(image)]


def _connected(image: ImageDirectory) -> list[ImageSocket]:
    return [socket for socket in image.sockets if socket.state not in UNCONNECTED]


def _queued(image: ImageDirectory) -> int:
    return sum(len(each.queue.received) + len(each.queue.sent) for each in image.sockets if each.queue)


def _row(image: ImageDirectory, situation: Situation) -> Row:
    state, tone = image_state(image, situation)
    process = printable(f"{image.tasks[0].command} {image.tasks[0].pid}") if image.tasks else _without(image)
    more = f" +{len(image.tasks) - 1}" if len(image.tasks) > 1 else ""
    age = max(situation.evidence.taken - image.modified, 0) if image.modified else None
    connections, queued = len(_connected(image)), _queued(image)
    path = printable(image.path)
    cells = (
        state,
        process + more,
        str(connections),
        byte_size(queued),
        printable(image.lock_method or "-"),
        byte_size(image.size_bytes),
        "-" if age is None else duration(age),
        path,
    )
    order = (state, process, connections, queued, cells[4], image.size_bytes, (age is None, age or 0), path)
    tones = (tone, Tone.NORMAL, Tone.NORMAL, *(Tone.DIM,) * 4, Tone.NORMAL)
    return Row(image.path, cells, order, image, tones, mark(situation.judgement.concerning(image)))


def _without(image: ImageDirectory) -> str:
    return "a connection" if is_connection_file(image) else "-"


def _title(image: ImageDirectory, situation: Situation) -> Iterator[Line]:
    yield line((printable(image.path), Tone.STRONG), f"  {image_state(image, situation)[0]}")
    facts = [byte_size(image.size_bytes), f"lock {image.lock_method or 'iptables'}"]
    facts.append("connections closed" if image.tcp_close else "connections kept")
    if image.dumps_netns:
        facts.append("with its network namespace")
    if image.run_id:
        facts.append(f"run {image.run_id}")
    yield line((printable(", ".join(facts)), Tone.DIM))
    pid = image.root_pid
    if pid is not None and pid in situation.processes:
        there = printable(situation.processes[pid].command)
        yield line((f"pid {pid} is in use now ({there}): a restore here needs it free", Tone.WARNING))
    uses = [use for use in situation.lock_uses if use.image is not None and use.image.path == image.path]
    for use in uses[:3]:
        yield line((printable(f"lock stands: {use.lock.backend} {use.lock.name}: {use.sentence}"), Tone.LOCK))


def _problems(image: ImageDirectory) -> Iterator[Line]:
    yield from (line((f"x {printable(problem)}", Tone.BAD)) for problem in image.problems)


def _container(image: ImageDirectory, situation: Situation) -> Iterator[Line]:
    found = situation.evidence.checkpoints
    for container in () if isinstance(found, Gap) else found:
        if container.images == image.path:
            yield heading("Container")
            yield from (line(f"  {each}") for each in container_lines(container))


def _tree(image: ImageDirectory) -> Iterator[Line]:
    if image.tasks:
        yield heading(count(len(image.tasks), "Process", "Processes"))
    depths: dict[int, int] = {}
    for task in image.tasks:
        depths[task.pid] = depths.get(task.ppid, -1) + 1
        yield line(f"  {'  ' * depths[task.pid]}{printable(task.command)} {task.pid}", (_task_state(task), Tone.DIM))


def _task_state(task: ImageTask) -> str:
    state = {1: "", 2: "  zombie", 3: "  stopped"}.get(task.state, f"  state {task.state}")
    return state + (f"  {task.threads} threads" if task.threads > 1 else "")


def _sockets(image: ImageDirectory) -> Iterator[Line]:
    if image.sockets:
        yield heading(count(len(image.sockets), "TCP socket"))
    for socket in image.sockets[:200]:
        unconnected = socket.state in UNCONNECTED
        ends = str(socket.connection.local) if unconnected else str(socket.connection)
        yield line(f"  {STATE_SHORT[socket.state]:6} {printable(ends)}", (_held(socket), Tone.DIM))
        if socket.sequences:
            numbers = socket.sequences
            unread = len(socket.queue.received) if socket.queue else 0
            unacked = len(socket.queue.sent) - socket.queue.unsent if socket.queue else 0
            unsent = socket.queue.unsent if socket.queue else 0
            yield line(
                (f"         snd_una {numbers.snd_una}  rcv_nxt {numbers.rcv_nxt}", Tone.DIM),
                f"  {unread} unread, {unacked} unacknowledged, {unsent} unsent",
            )
        if socket.problem:
            yield line((f"         {printable(socket.problem)}", Tone.BAD))


def _held(socket: ImageSocket) -> str:
    return "".join(f"  pid {pid} fd {fd}" for pid, fd in socket.holders[:2])


def _numbers(image: ImageDirectory) -> Iterator[Line]:
    if image.dump_stats:
        stats = image.dump_stats
        frozen = milliseconds(stats.frozen_us / 1000)
        yield line(
            ("dump   ", Tone.DIM), f"frozen {frozen}, {stats.pages_written} of {stats.pages_scanned} pages written"
        )
    if image.restore_stats:
        yield line(("restore", Tone.DIM), f" took {milliseconds(image.restore_stats.restore_us / 1000)}")
