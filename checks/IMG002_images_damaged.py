"""Files of the image directory are missing, truncated, or do not fit together.

What it looks at
----------------
Every file that the images refer to, their lengths and magic numbers, the queues of each connection against the length
that is stored with them, and files that belong to no part of this dump.

Why it matters
--------------
A truncated queue makes the restore fail half way (`Unexpected EOF`), and a wrong length is not always noticed: bytes
of a connection would be lost in silence. Files of an earlier dump in the same directory are harmless by themselves,
but show that the directory was used twice.

What to do
----------
Copy the directory again from where it was dumped, and compare sizes; or dump again into an empty directory.

When it is wrong
----------------
Images of a very new CRIU may have parts that the workbench does not know.

References
----------
criu/image.c, criu/protobuf.c; workbench image DIR.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.phrases import counted
from workbench.evidence import ImageDirectory

CODE = "IMG002"
NAME = "images-damaged"
SINCE = "0.1"

STALE = "belongs to no socket of this dump"


def check(images: tuple[ImageDirectory, ...]) -> Iterator[Problem]:
    """One problem for each directory; a note if only old files lie in it."""
    for image in images:
        if not image.problems:
            continue
        bad = [sentence for sentence in image.problems if STALE not in sentence]
        first = (bad or list(image.problems))[0]
        more = f" ({counted(len(image.problems) - 1, 'more problem')})" if len(image.problems) > 1 else ""
        yield Problem(
            Severity.ERROR if bad else Severity.NOTE,
            Subject("image", image.path, {"path": image.path}),
            f"In {image.path}: {first.rstrip('.')}{more}.",
            facts={"problems": list(image.problems)},
            quotes=tuple(Quote(image.path, sentence) for sentence in image.problems[:5]),
            fixes=(Fix("Copy all images again from where they were dumped, or dump again into an empty directory."),),
            follows=("images-incomplete",),
        )
