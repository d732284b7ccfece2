"""The table of processes, and all that a dump would concern of one."""

from collections.abc import Iterator

from workbench.evidence import Gap, Process, TcpState
from workbench.present.connections import timer_text
from workbench.present.findings import mark
from workbench.present.line import Line, Tone, heading, line
from workbench.present.situation import UNCONNECTED, Situation
from workbench.present.table import Column, Row, Table, make_table, unreadable
from workbench.present.text import printable
from workbench.present.units import byte_size, count, duration
from workbench.present.words import LOCK_SHORT, PROCESS_STATES, STATE_SHORT

COLUMNS = (
    Column("pid", "PID", "p", 5, 8, right=True),
    Column("name", "NAME", "e", 8, 15, leaves=2),
    Column("process_state", "S", "s", 1, 1, leaves=4),
    Column("user", "USER", "u", 5, 12, leaves=5),
    Column("connections", "CONN", "c", 4, 6, right=True),
    Column("listening", "LISTEN", "l", 6, 6, leaves=6, right=True),
    Column("locked", "LOCKED", "k", 6, 6, leaves=7, right=True),
    Column("rss", "MEMORY", "m", 9, 10, leaves=3, right=True),
    Column("age", "AGE", "a", 6, 12, leaves=11, right=True),
    Column("netns", "NETNS", "n", 4, 14, leaves=8, keep_end=True),
    Column("container", "CONTAINER", "o", 9, 22, leaves=6),
    Column("command", "COMMAND", "d", 30, 200),
)


def processes_table(situation: Situation) -> Table:
    """Every process but kernel threads; those with connections first."""
    if isinstance(situation.evidence.processes, Gap):
        return unreadable(COLUMNS, situation.evidence.processes)
    shown = [process for process in situation.processes.values() if not is_kernel_thread(process)]
    rows = [_row(process, situation) for process in shown]
    rows.sort(key=lambda row: (row.order[4] == 0, row.order[5] == 0, row.order[0]))
    return make_table(COLUMNS, rows, "There is no process.")


def is_kernel_thread(process: Process) -> bool:
    """Kernel threads are children of kthreadd, which is pid 2 (kernel/kthread.c)."""
    return (process.ppid == 2 or process.pid == 2) and not process.argv


def command_text(process: Process) -> str:
    """The arguments, or the name in brackets where there are none, as ps(1) has it."""
    return printable(" ".join(process.argv) if process.argv else f"[{process.command}]", 400)


def process_detail(process: Process, situation: Situation) -> list[Line]:
    """Who it is, its tree, its sockets: what a dump takes along."""
    return [*_title(process, situation), *_sockets(process, situation), *_tree(process, situation), *_rest(process)]


def _age(process: Process, situation: Situation) -> float | None:
    host = situation.evidence.host
    return None if isinstance(host, Gap) else max(host.uptime_s - process.start_time / host.clock_ticks, 0)


def _row(process: Process, situation: Situation) -> Row:
    sockets = situation.sockets_by_pid.get(process.pid, [])
    connected = sum(socket.state not in UNCONNECTED for socket in sockets)
    listening = sum(socket.state is TcpState.LISTEN for socket in sockets)
    locked = sum(situation.lock_of(socket) is not None for socket in sockets)
    age = _age(process, situation)
    container = process.container
    named = printable((container.name or container.id)[:22]) if container else ""
    netns = situation.namespace_name(process.namespaces.net)
    command = command_text(process)
    cells = (
        str(process.pid),
        printable(process.command),
        process.state,
        printable(process.user),
        str(connected) if connected else "",
        str(listening) if listening else "",
        str(locked) if locked else "",
        byte_size(process.rss_bytes),
        "-" if age is None else duration(age),
        netns,
        named,
        command,
    )
    order = (
        process.pid,
        process.command,
        process.state,
        process.user,
        connected,
        listening,
        locked,
        process.rss_bytes or 0,
        -process.start_time,
        netns,
        named,
        command,
    )
    quiet = Tone.NORMAL if connected or listening else Tone.DIM
    state = Tone.WARNING if process.state in "TtZX" else Tone.DIM
    tones = (
        quiet,
        Tone.STRONG if connected or listening else Tone.DIM,
        state,
        Tone.DIM,
        Tone.STRONG if connected else Tone.DIM,
        quiet,
        Tone.LOCK,
        Tone.DIM,
        Tone.DIM,
        Tone.DIM,
        Tone.DIM,
        quiet,
    )
    found = situation.judgement.concerning(process)
    return Row((process.pid, process.start_time), cells, order, process, tones, mark(found))


def _title(process: Process, situation: Situation) -> Iterator[Line]:
    tree = situation.tree(process.pid)
    state = PROCESS_STATES.get(process.state, process.state)
    yield line(
        (f"{printable(process.command)} {process.pid}", Tone.STRONG), f"  {state}  user {printable(process.user)}"
    )
    yield line(("$ ", Tone.DIM), command_text(process))
    if len(tree) > 1:
        members = ", ".join(f"{each.command} {each.pid}" for each in tree[1:9])
        more = " ..." if len(tree) > 9 else ""
        yield line(("tree   ", Tone.DIM), printable(f"with {count(len(tree) - 1, 'descendant')}: {members}{more}"))


def _sockets(process: Process, situation: Situation) -> Iterator[Line]:
    pids = {each.pid for each in situation.tree(process.pid)} or {process.pid}
    mine = {socket.cookie: socket for pid in pids for socket in situation.sockets_by_pid.get(pid, ())}
    if not mine:
        yield line(("no TCP socket in it or its descendants", Tone.DIM))
        return
    yield heading(f"{count(len(mine), 'TCP socket')} of it and its descendants")
    for socket in sorted(mine.values(), key=lambda each: (each.state in UNCONNECTED, each.local, each.peer))[:50]:
        lock = situation.lock_of(socket)
        ends = str(socket.local) if socket.state in UNCONNECTED else str(socket.connection)
        said = (f" {LOCK_SHORT[lock.status]} lock", Tone.LOCK) if lock else ""
        queues = (
            "" if socket.state in UNCONNECTED else f"  rcvq {socket.recv_q} sndq {socket.send_q}  {timer_text(socket)}"
        )
        yield line(f"  {STATE_SHORT[socket.state]:6} {printable(ends)}", (queues, Tone.DIM), said)


def _tree(process: Process, situation: Situation) -> Iterator[Line]:
    parent = situation.processes.get(process.ppid)
    if parent:
        yield line(("parent ", Tone.DIM), printable(f"{parent.command} {parent.pid}"))


def _rest(process: Process) -> Iterator[Line]:
    container = process.container
    if container:
        named = f" {container.name}" if container.name else ""
        yield line(("in     ", Tone.DIM), printable(f"{container.engine} container{named} {container.id[:12]}"))
    yield line(("memory ", Tone.DIM), f"{byte_size(process.rss_bytes)} resident, {count(process.threads, 'thread')}")
    if process.exe:
        yield line(("runs   ", Tone.DIM), printable(process.exe))
    spaces = ((name, getattr(process.namespaces, name)) for name in ("net", "mnt", "pid", "user"))
    text = ", ".join(f"{name} {inode}" for name, inode in spaces if inode is not None)
    yield line(("ns     ", Tone.DIM), (text or "not readable", Tone.DIM))
