"""Whose lab it is, told by its name."""

import os
import subprocess
import sys

import pytest

from workbench.lab.marker import is_abandoned, new_id


def test_a_lab_of_a_process_that_lives() -> None:
    lab = new_id()
    assert not is_abandoned(lab)
    pid, _, rest = lab.split("-", 2)
    assert int(pid) == os.getpid()
    assert is_abandoned(f"{pid}-1-{rest}")


def test_a_lab_of_a_process_that_is_gone() -> None:
    script = "from workbench.lab.marker import new_id; print(new_id())"
    found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert is_abandoned(found.stdout.strip())


@pytest.mark.parametrize("text", ["", "x", "-1-2", "¹-1-1"])
def test_what_is_no_identity(text: str) -> None:
    assert is_abandoned(text)


def test_a_lab_of_another_pid_namespace_is_left_alone() -> None:
    pid, start, number, *_ = new_id().split("-")
    assert not is_abandoned(f"{pid}-{int(start) + 1}-{number}-4026539999")
