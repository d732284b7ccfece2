"""Record fixtures by running scenarios: run as a program, with names of scenarios or without for all small ones.

``fixtures/recordings/NAME`` gets ``images`` (all but memory pages, with the logs of dump and restore, as they are after
the restore), and the rules of the dumped end's namespace while the connections are locked, as each tool prints them.
``fixtures/recordings/pairs/NAME`` gets both image directories of a course that dumps twice, and
``fixtures/recordings/bundles`` a bundle of the format that this workbench writes; those of older formats stay.
"""

import argparse
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from workbench.bundle.gather import Sought, gather
from workbench.bundle.judged import LibraryJudge
from workbench.bundle.redaction import Redaction
from workbench.bundle.write import make, save
from workbench.criu.places import tree
from workbench.errors import WorkbenchError
from workbench.evidence.recording import FORMAT
from workbench.lab.lab import Lab
from workbench.lab.run import Hooks, Run, run
from workbench.lab.scenario import directory, load, names
from workbench.operation.request import LockMethod

MANY = 20
"""Scenarios with more connections are recorded only if they are named: each connection is a file."""
_MEMORY = ("pages-", "pagemap-")
PAIRS = ("both-ends", "ends-out-of-step", "dumped-twice")
"""Courses of which both image directories are recorded."""
BUNDLE = "bundle"
"""Instead of the name of a scenario: the bundle alone."""
KEY = bytes(range(32))
RULES = {
    "nft-list-ruleset.txt": ("nft", "list", "ruleset"),
    "nft-list-ruleset.json": ("nft", "-j", "list", "ruleset"),
    "iptables-nft-save.txt": ("iptables-nft-save", "-c"),
    "ip6tables-nft-save.txt": ("ip6tables-nft-save", "-c"),
}


class Recorder:
    """Writes what it sees of one run into a directory."""

    def __init__(self, place: Path) -> None:
        self._place = place

    def rules(self, lab: Lab) -> None:
        """Rules with the lock."""
        for name, command in RULES.items():
            (self._place / name).write_text(lab.host.inside(*command))

    def images(self, lab: Lab, ran: Run) -> None:
        """Images and logs."""
        for dumped in lab.image_directories:
            images = self._place / dumped.name
            images.mkdir()
            for path in dumped.iterdir():
                if path.is_file() and not path.name.startswith(_MEMORY):
                    shutil.copyfile(path, images / path.name)
        (self._place / "scenario.txt").write_text(f"{ran.scenario.name}: {ran.scenario.title}\n")


def record(name: str, place: Path, lock: LockMethod | None = None) -> None:
    """Run a scenario and replace the recording at ``place``. Raises WorkbenchError if it does not keep its promise.

    Nothing of this machine may be in a recording: a path of the source tree is refused.
    """
    fresh = place.with_name(place.name + ".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    try:
        recorder = Recorder(fresh)
        ran = run(load(name), lock=lock, hooks=Hooks(after_dump=recorder.rules, at_the_end=recorder.images))
        if not ran.passed:
            raise WorkbenchError(f"{name} did not pass: {'; '.join(ran.amiss)}")
        for path, found in _betrayals(fresh):
            raise WorkbenchError(f"{path} tells where it was recorded: {found}")
        shutil.rmtree(place, ignore_errors=True)
        fresh.rename(place)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def record_bundle(name: str, place: Path) -> None:
    """Run a scenario and make a bundle of its dump and restore, under a key that everybody knows."""

    def bundle(_: Lab, ran: Run) -> None:
        made = make(gather(Sought(host=False, operation="last")), Redaction(KEY), judge=LibraryJudge())
        place.mkdir(exist_ok=True)
        save(made, place / f"format-{FORMAT}.zip", replacing=True)

    run(load(name), hooks=Hooks(at_the_end=bundle))


def _betrayals(recording: Path) -> Iterator[tuple[str, str]]:
    top = tree()
    for path in sorted(recording.rglob("*")):
        if top and path.is_file() and str(top).encode() in path.read_bytes():
            yield str(path.relative_to(recording)), str(top)


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("names", nargs="*", metavar="NAME")
    options = parser.parse_args()
    scenarios = [scenario for name in names() if (scenario := load(name)).operation]
    small = [each.name for each in scenarios if sum(client.connections for client in each.clients) <= MANY]
    recordings = directory().parent / "recordings"
    try:
        for name in [name for name in options.names or (*small, *PAIRS) if name != BUNDLE]:
            record(name, recordings / ("pairs" if name in PAIRS else "") / name)
        if not options.names:
            record("established", recordings / "established-iptables", LockMethod.IPTABLES)
        if not options.names or BUNDLE in options.names:
            record_bundle("established", recordings / "bundles")
    except WorkbenchError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
