"""The image directory belongs to a dump that did not reach its end.

What it looks at
----------------
Whether `inventory.img`, which CRIU writes last, is there and can be read.

Why it matters
--------------
Without it nothing can be restored (`Unexpected EOF on (empty-image)`). Either the dump failed, or it is still
running, or the files were not all copied.

What to do
----------
Look into dump.log for the reason, and dump again; if the directory was copied, copy all of it.

When it is wrong
----------------
While the dump is still running.

References
----------
criu/image.c (write_img_inventory).
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence import ImageDirectory

CODE = "IMG001"
NAME = "images-incomplete"
SINCE = "0.1"


def check(images: tuple[ImageDirectory, ...]) -> Iterator[Problem]:
    """One problem for each directory without its last file."""
    for image in images:
        if not image.complete and not image.excerpt:
            yield Problem(
                Severity.ERROR,
                Subject("image", image.path, {"path": image.path}),
                f"{image.path} cannot be restored: inventory.img, which CRIU writes last, is missing or damaged.",
                facts={"size_bytes": image.size_bytes},
                quotes=(Quote(image.path, "no readable inventory.img"),),
                fixes=(Fix("See why the dump ended.", ("workbench", "check", f"{image.path}/dump.log"), safe=True),),
                weight=-1_000_000_000,  # the log of a dump that failed knows why
                failure=f"{image.path.rstrip('/')}/dump.log",
            )
