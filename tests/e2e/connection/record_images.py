"""Record image directories of connections in known situations: ``python -m tests.e2e.connection.record_images``.

Needs root and a CRIU that works. Memory pages are left out, and of the logs the lines that name the control groups
of the recording host; all else is as CRIU wrote it. What each directory must say is known from its situation, see
both_ends.py.
"""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.e2e.connection.harness import BothEnds
from workbench.criu.find import find_criu
from workbench.evidence import CriuTool

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings" / "images"
SITUATIONS = ("unread", "unsent", "in-flight", "close-wait", "fin-wait2", "last-ack", "reset", "shared")


def record(criu: str, name: str, family: str, situation: str, *, restore: bool = False, close: bool = False) -> None:
    """Dump one situation, and restore it if the statistics of a restore are wanted."""
    target = RECORDINGS / name
    ends = BothEnds(family, situation)
    try:
        with tempfile.TemporaryDirectory(prefix="workbench-record-") as scratch:
            images = Path(scratch)
            ends.dump(criu, images, close=close)
            if restore:
                ends.restore(criu, images)
            shutil.rmtree(target, ignore_errors=True)
            target.mkdir(parents=True)
            for path in sorted(images.iterdir()):
                if path.suffix == ".log" and restore:
                    lines = path.read_text().splitlines(keepends=True)
                    (target / path.name).write_text("".join(line for line in lines if " cg: " not in line))
                elif path.suffix != ".log" and not path.name.startswith(("pages-", "pagemap-", "mm-")):
                    shutil.copy2(path, target)
    finally:
        ends.close()


def main() -> int:
    tool = find_criu(trying=True)
    if not isinstance(tool, CriuTool) or not tool.works:
        sys.stderr.write(f"no CRIU works here: {tool}\n")
        return 1
    for situation in SITUATIONS:
        record(tool.path, situation, "4", situation)
    record(tool.path, "unread-v6", "6", "unread")
    record(tool.path, "tcp-close", "4", "unread", close=True)
    record(tool.path, "restored", "4", "unsent", restore=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
