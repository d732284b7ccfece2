"""What is said of a hand-off of something that is not there."""

import os
from pathlib import Path

from workbench.operation.handoff.plan import HandoffRequest
from workbench.operation.handoff.planning import prepare_handoff

NOBODY = 0x7FFFFFF0
"""No process can have this pid: the kernel's limit is 2^22."""


def test_a_process_that_is_not_there_is_told_from_a_descriptor_that_is_no_socket(tmp_path: Path) -> None:
    (obstacle,) = prepare_handoff(HandoffRequest(pid=NOBODY, fd=3)).obstacles
    assert obstacle.startswith(f"There is no process {NOBODY}")
    with (tmp_path / "file").open("w") as file:
        (obstacle,) = prepare_handoff(HandoffRequest(pid=os.getpid(), fd=file.fileno())).obstacles
    assert "is no TCP socket" in obstacle
