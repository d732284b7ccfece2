"""Two image directories compared from Checkpoints, and one with the host."""

from dataclasses import replace

from tests.sample import HOSTILE, FixedSource, evidence
from tests.tui.screens import press
from workbench.evidence import Gap
from workbench.tui.app import WorkbenchApp
from workbench.tui.picture import screen_lines


def _source() -> FixedSource:
    now = evidence()
    assert not isinstance(now.images, Gap)
    first = now.images[0]
    connected = next(each for each in first.sockets if each.sequences)
    assert connected.sequences
    further = replace(connected.sequences, rcv_nxt=(connected.sequences.rcv_nxt + 1234) % 2**32)
    sockets = tuple(replace(each, sequences=further) if each is connected else each for each in first.sockets)
    later = replace(first, path=f"/later{HOSTILE}", sockets=sockets, modified=first.modified + 60)
    return FixedSource(lambda: replace(now, images=(first, later)))


async def test_two_directories() -> None:
    app = WorkbenchApp(_source)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, ("4", "@images/server", "c", "@marked: c on", "down", "c", "@1,234 bytes"))
        assert all(letter.isprintable() for letter in "".join(screen_lines(app)))
        await press(pilot, ("escape", "@images/server"))


async def test_a_directory_and_the_host_now() -> None:
    app = WorkbenchApp(_source)
    async with app.run_test(size=(100, 30)) as pilot:
        await press(pilot, ("4", "@images/server", "c", "@marked: c on", "c", "@this host, now"))
