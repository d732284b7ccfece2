"""Work that may take long, beside the thread that draws: in a daemon thread, its answer as a message."""

import threading
from collections.abc import Callable
from typing import TypeVar

from textual.app import App
from textual.message import Message

from workbench.errors import WorkbenchError

Answer = TypeVar("Answer")


class Done(Message):
    """Work is done; the application calls ``deliver`` in its own thread."""

    def __init__(self, deliver: Callable[[], None]) -> None:
        super().__init__()
        self.deliver = deliver


def run_beside(
    app: App[int], work: Callable[[], Answer], then: Callable[[Answer], None], failed: Callable[[WorkbenchError], None]
) -> None:
    """Do ``work`` in a daemon thread, then call ``then`` or ``failed`` in the application's thread.

    Textual's thread workers are waited for when the application quits; a daemon thread is not.
    """

    def run() -> None:
        try:
            answer = work()
        except WorkbenchError as error:
            problem = error
            app.post_message(Done(lambda: failed(problem)))
        except Exception as error:  # the application outlives a defect in what it calls
            defect = WorkbenchError(f"{type(error).__name__}: {error}", "this is a defect of the workbench")
            app.post_message(Done(lambda: failed(defect)))
        else:
            app.post_message(Done(lambda: then(answer)))

    threading.Thread(target=run, name="beside", daemon=True).start()
