"""What is said of a dump that neither processes nor images are left of."""

from pathlib import Path

from tests.unit.operation.test_journal import CONNECTION, facts
from workbench.operation.journal import Journal, read_entry
from workbench.operation.recover import Report, put_right

GONE = (0x7FFFFFF0, 1)
"""No process can have this pid: the kernel's limit is 2^22."""


def recovered(directory: Path, *stages: str) -> Report:
    journal = Journal(
        "dump",
        facts(
            images=str(directory / "images"),
            netns=1,
            root=GONE,
            tasks=[GONE],
            stopped=[],
            runs_on=False,
            sockets=[],
        ),
        directory,
    )
    for stage in stages:
        journal.write(stage)
    entry = read_entry(journal.path)
    assert entry is not None
    return put_right(entry, restoring=False, dry_run=True)


def test_images_that_were_complete_and_are_gone_are_not_called_incomplete(tmp_path: Path) -> None:
    report = recovered(tmp_path, "frozen", "images complete")
    assert report.sentences[0].endswith("is gone, and its images are gone.")
    assert report.lost == {CONNECTION: "its process is gone, and so are its images"}


def test_a_process_that_ended_before_its_images_were_complete_is_told_so(tmp_path: Path) -> None:
    report = recovered(tmp_path, "frozen")
    assert report.sentences[0].endswith("its images cannot be read.")
    assert "before the images were complete" in report.lost[CONNECTION]
