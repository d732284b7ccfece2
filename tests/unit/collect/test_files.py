from pathlib import Path

from workbench.collect.files import collect_files
from workbench.evidence import FileStatus


def test_what_paths_are(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.write_text("12345")
    there.chmod(0o640)
    gone, beneath = str(tmp_path / "gone"), str(there / "beneath")
    found = collect_files([str(there), gone, beneath, "nul\0"])
    assert found == {
        str(there): FileStatus(True, 5, 0o100640),
        gone: FileStatus(False),
        beneath: FileStatus(False),
    }
