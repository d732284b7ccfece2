"""Whether a process is gone, told by the name that it gave to what it made."""

import os
import subprocess
import sys

import pytest

from workbench.collect.identity import is_gone, own_name


def test_a_process_that_lives() -> None:
    name = own_name()
    assert not is_gone(name)
    assert name.startswith(f"{os.getpid()}-")


def test_a_process_that_is_gone() -> None:
    script = "from workbench.collect.identity import own_name; print(own_name())"
    found = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert is_gone(found.stdout.strip())


def test_a_pid_that_was_used_again() -> None:
    _, plus, namespace = own_name().partition("+")
    assert is_gone(f"{os.getpid()}-1{plus}{namespace}")


@pytest.mark.parametrize("name", ["", "x", "-1-2", "¹-1", "1"])
def test_what_is_no_such_name(name: str) -> None:
    _, plus, namespace = own_name().partition("+")
    assert is_gone(f"{name}{plus}{namespace}")


def test_nothing_is_said_of_a_process_of_another_pid_namespace() -> None:
    assert not is_gone(f"{os.getpid()}-1+4026539999")
