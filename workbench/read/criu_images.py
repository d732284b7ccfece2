"""A directory of CRIU images, as far as TCP is concerned, read without a running CRIU.

From a pid to its streams: pstree.img -> ids-PID.img -> fdinfo-ID.img -> files.img -> tcp-stream-INODE.img. Only what
this chain reaches belongs to the dump: a directory that was used twice keeps files of the first time.
"""

import heapq
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from workbench.evidence import DumpStats, ImageDirectory, ImageFile, ImageSocket, ImageTask, RestoreStats, TcpState
from workbench.read.image_file import COUNT_LIMIT, Absent, Damage, image_file, message_class
from workbench.read.image_file import ImageFile as OpenedFile
from workbench.read.image_socket import socket_of, stream_of, text
from workbench.read.image_store import ImageStore, open_directory

_LOCK_METHODS = ("iptables", "nftables", "skip")  # criu/include/cr_options.h; not the numbers of the RPC
_INETSK = 4  # enum fd_types
_TCP = 6
_DEAD = 2
_STREAM = re.compile(r"tcp-stream-([0-9a-f]{1,8})\.img")
_PROBLEM_LIMIT = 100


def read_image_directory(path: str | Path) -> ImageDirectory:
    """Read all that concerns TCP in an image directory.

    What is missing, truncated, unreadable or does not fit stands in ``problems``. Raises WorkbenchError for a path
    that is no image directory, and if pycriu cannot be loaded.
    """
    return read_images(open_directory(path))


def read_images(store: ImageStore, *, excerpt: bool = False) -> ImageDirectory:
    """The same of images that lie elsewhere; of an ``excerpt`` what is missing is no problem."""
    message_class("inventory")  # without pycriu nothing can be read: say so once, not file by file
    reader = _Reader(store, frozenset(store.names), excerpt)
    reader.read()
    return ImageDirectory(
        path=store.path,
        complete=reader.inventory is not None,
        size_bytes=store.size_bytes,
        modified=store.modified,
        tasks=tuple(reader.tasks),
        sockets=tuple(reader.sockets),
        **reader.from_inventory(),
        dumps_netns=reader.dumps_netns(),
        dump_stats=reader.dump_stats,
        restore_stats=reader.restore_stats,
        problems=tuple(reader.problems),
        files=tuple(reader.files),
        excerpt=excerpt,
    )


@dataclass
class _Reader:
    """One reading: gathers what the chain reaches, and what went wrong on the way."""

    store: ImageStore
    names: frozenset[str]
    excerpt: bool
    problems: list[str] = field(default_factory=list)
    inventory: Any = None
    tasks: list[ImageTask] = field(default_factory=list)
    sockets: list[ImageSocket] = field(default_factory=list)
    files: list[ImageFile] = field(default_factory=list)
    dump_stats: DumpStats | None = None
    restore_stats: RestoreStats | None = None
    _root_ids: Any = None

    def read(self) -> None:
        self._read_inventory()
        self._read_tasks()
        self._read_sockets(self._holders())
        self._find_strays()
        self._read_stats()

    def from_inventory(self) -> dict[str, Any]:
        """Fields of ImageDirectory that the inventory tells."""
        found = self.inventory
        if found is None:
            return {}
        method = found.network_lock_method if found.HasField("network_lock_method") else None
        return {
            "run_id": text(found.dump_criu_run_id) if found.HasField("dump_criu_run_id") else None,
            "lock_method": _LOCK_METHODS[method] if method is not None and method < len(_LOCK_METHODS) else None,
            "tcp_close": bool(found.tcp_close),
        }

    def dumps_netns(self) -> bool:
        """The root task lived in another network namespace than CRIU (``root_ids`` are CRIU's own)."""
        if self.inventory is not None and self.inventory.HasField("root_ids") and self._root_ids is not None:
            own, root = self.inventory.root_ids, self._root_ids
            if own.HasField("net_ns_id") and root.HasField("net_ns_id"):
                return bool(own.net_ns_id != root.net_ns_id)
        return any(name.startswith("netns-") for name in self.names)

    def _open(self, name: str, kind: str) -> OpenedFile:
        """A file of the dump. Raises Absent, or Damage."""
        return image_file(self.store.content(name), kind)

    def _damaged(self, name: str, damage: Damage) -> None:
        if not (self.excerpt and isinstance(damage, Absent)):
            self._problem(f"{name} {damage}")

    def _problem(self, sentence: str) -> None:
        if len(self.problems) < _PROBLEM_LIMIT:
            self.problems.append(sentence)
        elif len(self.problems) == _PROBLEM_LIMIT:
            self.problems.append("There are more problems than are listed")

    def _messages(self, name: str, kind: str) -> Iterator[Any]:
        """Messages of a file up to the point where it is damaged; the damage becomes a problem."""
        try:
            yield from self._open(name, kind).messages()
        except Damage as damage:
            self._damaged(name, damage)

    def _first(self, name: str, kind: str) -> Any:
        """The only message of a file; None, and a problem, if it cannot be had."""
        try:
            return self._open(name, kind).first()
        except Damage as damage:
            self._damaged(name, damage)
            return None

    def _read_inventory(self) -> None:
        try:
            self.inventory = self._open("inventory.img", "inventory").first()
        except Absent:
            if not self.excerpt:
                self._problem(
                    "inventory.img is missing: CRIU writes it last, so the dump did not get to its end, or it was"
                    " written to another directory"
                )
        except Damage as damage:
            self._problem(f"inventory.img {damage}")

    def _read_tasks(self) -> None:
        for entry in self._messages("pstree.img", "pstree"):
            name = f"core-{entry.pid}.img"
            command, state = "", 0
            core = self._first(name, "core")
            if core is not None and core.HasField("tc"):
                command, state = text(core.tc.comm), core.tc.task_state
            elif core is not None:
                self._problem(f"{name} is of a thread, not of a process")
            self.tasks.append(ImageTask(entry.pid, entry.ppid, command, state, max(len(entry.threads), 1)))

    def _holders(self) -> Mapping[int, list[tuple[int, int]]]:
        """File id -> (pid, fd) of everybody who has it open; several pids may share one table of descriptors."""
        holders: dict[int, list[tuple[int, int]]] = {}
        tables: dict[int, list[tuple[int, int]]] = {}
        held = 0
        for place, task in enumerate(self.tasks):
            if task.state == _DEAD and f"ids-{task.pid}.img" not in self.names:
                continue  # a zombie has no descriptors
            ids = self._first(f"ids-{task.pid}.img", "ids")
            if ids is None:
                continue
            if place == 0:
                self._root_ids = ids
            if ids.files_id not in tables:
                entries = self._messages(f"fdinfo-{ids.files_id}.img", "fdinfo")
                tables[ids.files_id] = [(entry.id, entry.fd) for entry in entries if entry.type == _INETSK]
            held += len(tables[ids.files_id])
            if held > COUNT_LIMIT:
                self._problem(f"ids-{task.pid}.img: with it there are more than {COUNT_LIMIT} descriptors")
                break
            for file_id, fd in tables[ids.files_id]:
                holders.setdefault(file_id, []).append((task.pid, fd))
        return holders

    def _read_sockets(self, holders: Mapping[int, list[tuple[int, int]]]) -> None:
        missing = set(holders)
        name = "files.img"
        if name not in self.names and "inetsk.img" in self.names:  # CRIU < 3.4
            name = "inetsk.img"
            for entry in self._messages(name, "inetsk"):
                missing.discard(entry.id)
                self._read_socket(name, entry, holders)
        else:
            regular = []
            for entry in self._messages(name, "files"):
                if entry.HasField("isk"):
                    missing.discard(entry.isk.id)
                    self._read_socket(name, entry.isk, holders)
                if entry.HasField("reg"):
                    reg = entry.reg
                    size, mode = (getattr(reg, each) if reg.HasField(each) else None for each in ("size", "mode"))
                    regular.append((reg.id, ImageFile(text(reg.name), size, mode)))
            self._read_files(regular)
        for absent in heapq.nsmallest(_PROBLEM_LIMIT, missing):
            pid, fd = holders[absent][0]
            self._problem(f"{name} lacks the socket of descriptor {fd} of process {pid} (id {absent:#x})")

    def _read_socket(self, name: str, entry: Any, holders: Mapping[int, list[tuple[int, int]]]) -> None:
        if entry.proto != _TCP:
            return
        try:
            found = socket_of(entry, tuple(holders.get(entry.id, ())))
        except Damage as damage:
            self._problem(f"{name} {damage}")
            return
        self.sockets.append(self._with_stream(found))

    def _read_files(self, regular: Sequence[tuple[int, ImageFile]]) -> None:
        """Regular files by path; a deleted one is restored from the images (``remap-fpath.img`` names its id)."""
        deleted: set[int] = set()
        if regular and "remap-fpath.img" in self.names:
            deleted = {entry.orig_id for entry in self._messages("remap-fpath.img", "remap-fpath")}
        self.files.extend(file for identity, file in regular if identity not in deleted)

    def _with_stream(self, found: ImageSocket) -> ImageSocket:
        """The socket with its stream image, if it must have one: connected, and not dumped with --tcp-close."""
        if found.connection.peer.port == 0 or found.state is TcpState.LISTEN:
            return found
        name = f"tcp-stream-{found.inode:x}.img"
        try:
            entry, raw = self._open(name, "tcp-stream").first_and_rest()
            sequences, queue = stream_of(found.state, entry, raw)
        except Damage as damage:
            closed = self.inventory is not None and self.inventory.tcp_close
            if isinstance(damage, Absent) and (closed or self.excerpt):
                return found
            self._problem(f"{name} ({found.connection}) {damage}")
            return replace(found, problem=f"{name} {damage}")
        return replace(
            found,
            sequences=sequences,
            queue=queue,
            mss_clamp=entry.mss_clamp if entry.HasField("mss_clamp") else None,
            snd_wscale=entry.snd_wscale,
            rcv_wscale=entry.rcv_wscale if entry.HasField("rcv_wscale") else None,
            options=entry.opt_mask,
            timestamp=entry.timestamp if entry.HasField("timestamp") else None,
            socket_options=_with_old_options(found, entry),
        )

    def _find_strays(self) -> None:
        streams = {int(match[1], 16) for name in self.names if (match := _STREAM.fullmatch(name))}
        strays = sorted(streams - {found.inode for found in self.sockets})
        for inode in strays if self.sockets else []:
            self._problem(f"tcp-stream-{inode:x}.img belongs to no socket of this dump: left from an earlier one")

    def _read_stats(self) -> None:
        for name in sorted(self.names & {"stats-dump", "stats-restore"}):
            entry = self._first(name, "stats")
            if entry is not None and name == "stats-dump" and entry.HasField("dump"):
                d = entry.dump
                self.dump_stats = DumpStats(
                    freezing_us=d.freezing_time,
                    frozen_us=d.frozen_time,
                    memdump_us=d.memdump_time,
                    memwrite_us=d.memwrite_time,
                    pages_scanned=d.pages_scanned,
                    pages_written=d.pages_written,
                )
            if entry is not None and name == "stats-restore" and entry.HasField("restore"):
                r = entry.restore
                self.restore_stats = RestoreStats(r.restore_time, r.forking_time, r.pages_restored)


def _with_old_options(found: ImageSocket, entry: Any) -> Mapping[str, int | str]:
    """CRIU < 4.0 kept two options in the stream image."""
    old = {"TCP_NODELAY": "nodelay", "TCP_CORK": "cork"}
    return {name: int(getattr(entry, field)) for name, field in old.items() if entry.HasField(field)} | dict(
        found.socket_options
    )
