"""Lessons of the tutorial as they are written, executed: every command, and what is said to come of it.

A fenced block of the language ``console`` holds commands (``$ ...``; with `` &`` at the end it goes on until the lesson
ends) and, below each, lines that it prints, in their order, among others. ``...`` stands for
anything. A number of four digits and more, but for ports of the lab, is of one run: the first time it is learnt, and
from then on it stands for what was learnt, in commands too. Numbers before a unit are of one run as well. A comment
``# exit status 1`` says how a command ends, if not with 0.
"""

import os
import re
import select
import shlex
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

DEADLINE_S = 60.0
_TIME = r" ?(?:ms|s|min)\b"
_UNITS = rf"(?={_TIME}| ?(?:B|KiB|MiB|MB|bytes|packets|pages|%)\b)"
_NUMBER = re.compile(r"\d+(?:\.\d+)*")
_PORTS = {"7022"}
_STATUS = re.compile(r"#\s*exit status (\d+)\s*$")


@dataclass
class Step:
    """A command and what it prints."""

    command: str
    expected: list[str] = field(default_factory=list)

    @property
    def status(self) -> int:
        found = _STATUS.search(self.command)
        return int(found[1]) if found else 0

    @property
    def lasts(self) -> bool:
        return _STATUS.sub("", self.command).rstrip().endswith(" &")


def steps_of(page: Path) -> list[Step]:
    """Commands of a lesson in their order."""
    found: list[Step] = []
    inside = False
    for line in page.read_text().splitlines():
        if line.startswith("```"):
            inside = line == "```console"
        elif inside and line.startswith("$ "):
            found.append(Step(line[2:]))
        elif inside and line.strip():
            found[-1].expected.append(line)
    return found


class Performance:
    """One lesson while it is executed."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._learnt: dict[str, str] = {}
        self._lasting: list[tuple[Step, subprocess.Popen[bytes]]] = []

    def perform(self, step: Step) -> None:
        words = shlex.split(self._in_words_of_this_run(_STATUS.sub("", step.command)))
        if step.lasts:
            words = words[:-1]
        if words[0] == "workbench":
            words = [sys.executable, "-m", "workbench.main", *words[1:]]
        environment = {**os.environ, "WORKBENCH_STATE": str(self._place / "state"), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            words, cwd=self._place, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        if step.lasts:
            self._lasting.append((step, process))
        self._follow(step, process)

    def _follow(self, step: Step, process: "subprocess.Popen[bytes]") -> None:
        """Read until it has printed what is said, and has ended unless it lasts."""
        assert process.stdout
        printed, deadline = b"", time.monotonic() + DEADLINE_S
        while True:
            ready, _, _ = select.select([process.stdout], [], [], 0.1)
            data = os.read(process.stdout.fileno(), 1 << 16) if ready else b""
            printed += data
            text = printed.decode()
            if step.lasts and self._learn(step, text) is None:
                return
            if ready and not data:
                break
            assert time.monotonic() < deadline, f"$ {step.command}\n{text[-3000:]}"
        process.stdout.close()
        status = process.wait()
        missing = self._learn(step, text)
        assert missing is None, f"$ {step.command}\nnever printed: {missing}\nbut:\n{text[-3000:]}"
        assert status == step.status, f"$ {step.command}\nended with {status}:\n{text[-3000:]}"

    def _learn(self, step: Step, text: str) -> str | None:
        """Find the expected lines in their order; the first that is missing."""
        learnt = dict(self._learnt)
        rest = iter(text.splitlines())
        for expected in step.expected:
            if expected.strip() == "...":
                continue
            pattern, names = _pattern(expected.strip(), learnt)
            for line in rest:
                if match := pattern.fullmatch(" ".join(line.split())):
                    learnt.update(zip(names, match.groups(), strict=True))
                    break
            else:
                return expected
        self._learnt = learnt
        return None

    def _in_words_of_this_run(self, command: str) -> str:
        return _NUMBER.sub(lambda found: self._learnt.get(found[0], found[0]), command)

    def end(self) -> None:
        """End what lasts; it must leave nothing and end well."""
        for _, process in self._lasting:
            process.send_signal(signal.SIGINT)
        for step, process in self._lasting:
            output, _ = process.communicate(timeout=DEADLINE_S)
            assert process.returncode == 0, f"$ {step.command}\nended with {process.returncode}:\n{output.decode()}"


def _pattern(expected: str, learnt: dict[str, str]) -> tuple[re.Pattern[str], list[str]]:
    """A line as a pattern, and the numbers that it teaches."""
    names: list[str] = []
    parts: list[str] = []
    position = 0
    line = " ".join(expected.split())
    for number in re.finditer(rf"\.\.\.|\d+(?:\.\d+)?{_UNITS}|{_NUMBER.pattern}", line):
        parts.append(re.escape(line[position : number.start()]))
        position = number.end()
        text = number[0]
        if text == "...":
            parts.append(".*")
        elif unit := re.match(_TIME, line[position:]):
            position += unit.end()
            parts.append(r"\d+(?:\.\d+)? (?:ms|s|min)")
        elif re.match(_UNITS, line[position:]):
            parts.append(r"\d+(?:\.\d+)?")
        elif text in learnt:
            parts.append(re.escape(learnt[text]))
        elif len(text) >= 4 and "." not in text and text not in _PORTS:
            parts.append(rf"(?P=n{names.index(text)})" if text in names else rf"(?P<n{len(names)}>\d+)")
            if text not in names:
                names.append(text)
        else:
            parts.append(re.escape(text))
    return re.compile("".join((*parts, re.escape(line[position:])))), names
