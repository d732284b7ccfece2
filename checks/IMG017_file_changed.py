"""A file that the images need has changed since the dump, or is gone.

What it looks at
----------------
Every regular file that the dumped processes had open or mapped (programs and libraries among them): its size and mode
as dumped, against the file on this host.

Why it matters
--------------
CRIU opens files by their paths and refuses one that is not as it was: `File /var/log/app.log has bad size 4711 (expect
4242)`. A log file to which somebody else wrote meanwhile, and a library that was upgraded, are the most common reasons
why a restore fails that have nothing to do with the network.

What to do
----------
Put the file back as it was (a log: cut it to the size that is expected; a library: the same package version). For
another host, ship the files along.

When it is wrong
----------------
The processes are restored with another root directory, as in a container: such images are not judged.
`--file-validation` and `--skip-file-rwx-check` change what CRIU compares.

References
----------
criu/files-reg.c (validate_file); criu(8).
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.checking.targets import restored
from workbench.evidence import FileStatus, ImageDirectory, ImageFile, Target

CODE = "IMG017"
NAME = "file-changed"
SINCE = "0.1"

MANY = 5


def check(images: tuple[ImageDirectory, ...], files: Mapping[str, FileStatus], target: Target) -> Iterator[Problem]:
    """One problem for each file, up to a handful."""
    image = restored(images, target)
    if image is None or image.root_pid == 1:  # a container: these are paths of its own
        return
    wrong = [(item, said) for item in image.files if (said := _wrong(item, files.get(item.path)))]
    for item, said in wrong[:MANY]:
        more = (
            f" ({len(wrong) - MANY} more files are not as they were.)" if wrong[MANY:] and item is wrong[0][0] else ""
        )
        now = files[item.path]
        cut = item.size is not None and now.exists and now.size > item.size
        command = ("truncate", "-s", str(item.size), item.path) if cut else ()
        yield Problem(
            Severity.ERROR,
            Subject("image", image.path, {"path": image.path, "file": item.path}),
            f"{item.path} {said}: CRIU will refuse to restore what has it open.{more}",
            facts={"file": item.path, "size": item.size, "size_now": now.size if now.exists else None},
            quotes=(Quote("files", f"{item.path} {now.size if now.exists else 'missing'} bytes"),),
            fixes=(Fix("Cut it to the size that it had, if what came since may go." if cut else
                       "Put the file back as it was when the process was dumped.", command),),
        )  # fmt: skip


def _wrong(item: ImageFile, now: FileStatus | None) -> str:
    if now is None or not item.path.startswith("/"):
        return ""
    if not now.exists:
        return "is not there any more"
    if item.size is not None and now.size != item.size:
        return f"has {now.size} bytes instead of {item.size}"
    if item.mode is not None and now.mode != item.mode:
        return f"has mode {now.mode:o} instead of {item.mode:o}"
    return ""
