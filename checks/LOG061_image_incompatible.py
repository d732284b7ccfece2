"""The images are incomplete, damaged or from a version of CRIU that this one cannot read.

What it looks at
----------------
Image files that are missing, too short or of an unknown form, and the BUG in image.h that older versions report for a
missing one.

Why it matters
--------------
A dump that did not get to its end has no inventory; copying may leave files out; a newer CRIU writes what an older
one does not know, and a patched one what no other knows.

What to do
----------
Restore with the same CRIU as dumped, or a newer one; copy every file of the directory, parents of incremental dumps
included (and the links to them).

When it is wrong
----------------
If the directory is simply the wrong one, criu-usage-or-build is nearer.

References
----------
criu/image.c, criu/protobuf.c, criu/pagemap.c; https://criu.org/Images
"""

from collections.abc import Iterator

from workbench.checking import Problem
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogDigest

CODE = "LOG061"
NAME = "image-incompatible"
SINCE = "0.1"

CAUSE = Cause(
    "The images cannot be read: the set is incomplete or damaged, or was written by a version of CRIU that this one "
    "does not understand.",
    (
        Sign("BUG at", r"BUG at \S*image\.h", weight=Weight.SURE),
        Sign(
            "an't open",
            r"an't open (?:\S*/)?(?P<image>[\w.-]+\.img)\b.*(?:No such file|Not a directory)",
            message="An image file is missing: the dump did not get to its end, or not everything was copied.",
        ),
        Sign(
            "killed by signal",
            beside=r"No files\.img image(?s:.*)No reg-files\.img image",
            weight=Weight.SURE,
            message="The image of the open files is missing (files.img), and CRIU crashes without it.",
        ),
        Sign("Unexpected EOF on", message="An image file is empty or cut off."),
        Sign(
            (
                "agic doesn't match",
                "Too old image",
                "Not supported images version",
                "Unknown image format",
                "mages corrupted",
                "mage corrupted",
                "mage corruption",
                "Failed unpacking object",
                "Img trimmed",
                "Core march mismatch",
                "Core info data missed",
                "No parent image found",
                "No parent for snapshot pagemap",
                "an't read mapping page",
                "Core IDS data missed",
                "Core task state data missed",
                "an't open core data for",
                "not sorted in the image",
                "No file for fd",
                "EOF unexpectedly while reading page",
                "outside of VMA",
                "in parent pagemap",
                "No pagemap for",
                "Image from old CRIU",
                "image file was truncated",
                "No IDS for root task",
                "mage size mismatch",
                "Addr len mismatch f ",
                "Wrong socket in listen state",
            )
        ),
        Sign("Unexpected EOF", r"Unexpected EOF(?! on)\b", weight=Weight.HINT),
        Sign(("can't decode", "invalid wire", "Unknown magic"), weight=Weight.HINT),
        Sign(file="image.c image-desc.c protobuf.c pagemap.c page-read.c", weight=Weight.PLACE),
    ),
    advice(
        "Restore with the same CRIU as the dump, or a newer one.",
        "Copy the whole image directory, and the directories that its link `parent` leads to; `workbench check "
        "IMAGES` says what is missing.",
        podman="Checkpoint and restore with the same versions of podman, runtime and CRIU; move checkpoints with "
        "--export and --import.",
    ),
)


def check(logs: tuple[LogDigest, ...]) -> Iterator[Problem]:
    """One problem for each log that shows the cause."""
    return problems(CAUSE, logs)
