"""A workbench that dumps a process and waits, for ever, when the images are complete; it writes a line then.

Arguments: pid, image directory.
"""

import sys
import threading

from workbench.operation.dump import DumpOperation
from workbench.operation.planning import prepare_dump
from workbench.operation.progress import Progress
from workbench.operation.request import DumpRequest, Hold


def main() -> None:
    pid, images = sys.argv[1:]
    over = threading.Event()

    def show(progress: Progress) -> None:
        if progress.held is not None:
            sys.stdout.write("held\n")
            sys.stdout.flush()
        elif progress.outcome is not None:
            over.set()

    operation = DumpOperation(prepare_dump(DumpRequest(int(pid), images, holds=frozenset({Hold.IMAGES_COMPLETE}))))
    operation.start(show)
    over.wait()


if __name__ == "__main__":
    main()
