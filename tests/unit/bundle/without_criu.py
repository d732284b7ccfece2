"""As a program: bundles on a machine that has no CRIU, from logs that are given; what was found, before and after."""

import io
import json
import sys
import zipfile
from pathlib import Path

from workbench.bundle.archive import write_archive
from workbench.bundle.criu_messages import messages
from workbench.bundle.judged import LibraryJudge
from workbench.bundle.redaction import Redaction
from workbench.bundle.write import Material, Shot, make
from workbench.criu.find import find_criu
from workbench.evidence import CriuTool, Evidence
from workbench.read.log_digest import read_digest


def main(place: Path, logs: list[tuple[str, str]]) -> None:
    """Print as JSON: for each log what is found before and after, and the lines that remain."""
    assert messages() == ()
    assert not isinstance(find_criu(), CriuTool)
    judge, redaction = LibraryJudge(), Redaction(bytes(32))
    for name, text in logs:
        log = place / name
        log.write_text(text)
        evidence = Evidence(0.0, 0, (str(log),), logs=(read_digest(log),))
        made = make(Material("", (Shot("", evidence),)), redaction, judge=judge)
        file = io.BytesIO()
        write_archive(file, made.members)
        with zipfile.ZipFile(file) as opened:
            members = [opened.read(each).decode() for each in opened.namelist()]
        before, after = (
            sorted((each.code, each.severity) for each in found) for found in (judge(evidence), made.findings)
        )
        sys.stdout.write(json.dumps({"before": before, "after": after, "members": members}) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.load(sys.stdin))
