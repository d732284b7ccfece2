"""The journal: on the disk before the act, readable however it ends."""

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from workbench.errors import WorkbenchError
from workbench.evidence import Connection, Endpoint
from workbench.operation.journal import Journal, boot_id, entries, own_identity, read_entry, unfinished
from workbench.operation.record import connection_record

CONNECTION = Connection(Endpoint("10.0.0.2", 7022), Endpoint("fd00::1", 56692))


def facts(**more: Any) -> dict[str, Any]:
    return {
        "workbench": own_identity(),
        "boot_id": boot_id(),
        "images": "/images",
        "netns": 5,
        "root": (4645, 99),
        "command": "server",
        "connections": [connection_record(CONNECTION)],
        **more,
    }


def test_what_was_written_is_read(tmp_path: Path) -> None:
    journal = Journal("dump", facts(), tmp_path)
    journal.write("frozen", tasks=[(4645, 99)])
    journal.write("images complete")
    entry = read_entry(journal.path)
    assert entry is not None
    assert entry.transitions == ("begun", "frozen", "images complete")
    assert entry.facts["tasks"] == [[4645, 99]]
    assert entry.connections == (CONNECTION,)
    assert entry.workbench_alive
    assert not entry.ended
    assert not entry.criu_alive
    (summary,) = unfinished(tmp_path)
    assert (summary.kind, summary.pid, summary.last) == ("dump", 4645, "images complete")
    journal.write("ended: succeeded")
    assert unfinished(tmp_path) == ()
    assert [each.ended for each in entries(tmp_path)] == [True]
    journal.close()


def test_cut_short_at_any_byte_it_tells_what_was_whole(tmp_path: Path) -> None:
    journal = Journal("restore", facts(), tmp_path)
    for name in ("pre-restore", "restored", "releasing"):
        journal.write(name)
    journal.close()
    whole = journal.path.read_bytes()
    lines = whole.split(b"\n")[:-1]
    for length in range(len(whole)):
        journal.path.write_bytes(whole[:length])
        complete = whole[:length].count(b"\n")
        entry = read_entry(journal.path)
        assert (len(entry.transitions) if entry else 0) == complete
    assert [json.loads(line)["at"] for line in lines] == ["begun", "pre-restore", "restored", "releasing"]


@pytest.mark.parametrize("content", [b"", b"\n", b"[]\n", b"{}\n", b"\xff\n", b'{"at": "begun", "schema": 99}\n'])
def test_rubbish_is_no_journal(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "dump-1-abc.jsonl").write_bytes(content)
    assert entries(tmp_path) == ()


def test_an_identity_that_is_gone(tmp_path: Path) -> None:
    pid, start = own_identity()
    journal = Journal("dump", facts(workbench=(pid, start + 1)), tmp_path)
    journal.write("criu started", criu=(pid, start + 1))
    (found,) = unfinished(tmp_path)
    assert not found.workbench_alive
    assert not found.criu_alive
    journal.close()


def test_a_note_is_appended(tmp_path: Path) -> None:
    journal = Journal("dump", facts(), tmp_path)
    journal.close()
    (entry,) = entries(tmp_path)
    entry.note("recovered", sentences=["x"])
    (entry,) = entries(tmp_path)
    assert entry.ended


def test_old_journals_go_unless_they_are_unfinished(tmp_path: Path) -> None:
    for name, last in (("ended", "ended: failed"), ("open", "frozen")):
        begun = {"at": "begun", "schema": 1, "kind": "dump", **facts(), "time": time.time() - 100 * 86_400}
        lines = (begun, {"at": last})
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (tmp_path / f"dump-1-{name.encode().hex()}.jsonl").write_text(text)
    Journal("dump", facts(), tmp_path).close()
    assert [entry.transitions[-1] for entry in entries(tmp_path)] == ["frozen", "begun"]


def test_it_is_for_the_owner_only(tmp_path: Path) -> None:
    journal = Journal("dump", facts(), tmp_path / "state")
    journal.close()
    assert (tmp_path / "state").stat().st_mode & 0o777 == 0o700
    assert journal.path.stat().st_mode & 0o777 == 0o600


def test_nothing_is_done_without_a_journal(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorkbenchError, match="nothing is done without it"):
        Journal("dump", facts(), tmp_path / "file")


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    journal = Journal("dump", facts(), tmp_path)
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, journal._file)
    os.close(full)
    with pytest.raises(WorkbenchError, match="No space left"):
        journal.write("frozen")
    journal.close()
