"""Asking the checks in a thread of their own, of the newest evidence, and never for long in a row."""

import threading
import time
from collections.abc import Callable

from workbench.evidence import Evidence
from workbench.present.judgement import NOTHING_JUDGED, Judgement

INTERVAL_S = 3.0
_REST = 10
"""Rest so many times as long as judging took: the interpreter's lock leaves the keyboard its share."""


OpenJudge = Callable[[], Callable[[Evidence], Judgement]]
"""Loads the checks, in the thread that asks them."""


class Judge:
    """One daemon thread; evidence that comes while it judges or rests waits, and of several only the newest."""

    def __init__(self, open_judge: OpenJudge, tell: Callable[[], object]) -> None:
        """``tell`` is called in the judge's thread when findings have come or gone."""
        self._open = open_judge
        self._judge: Callable[[Evidence], Judgement] | None = None
        self._tell = tell
        self._offered: Evidence | None = None
        self._wake = threading.Event()
        self._hurry = threading.Event()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="judge", daemon=True)
        self.judgement = NOTHING_JUDGED
        """The newest one."""

    def start(self) -> None:
        self._thread.start()

    def offer(self, evidence: Evidence) -> None:
        """Judge this when it is time, unless something newer comes before."""
        self._offered = evidence
        self._wake.set()

    def forget(self) -> None:
        """What was judged is of another moment."""
        self.judgement = NOTHING_JUDGED

    def hurry(self) -> None:
        """Do not rest before the next evidence: something is known to have changed."""
        self._hurry.set()

    def stop(self) -> None:
        self._stopped = True
        self._wake.set()
        self._hurry.set()

    def _run(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            if self._stopped:
                return
            evidence = self._offered
            started = time.monotonic()
            if evidence is not None:
                self._ask(evidence)
            took = time.monotonic() - started
            self._hurry.wait(max(INTERVAL_S - took, took * _REST))
            self._hurry.clear()

    def _ask(self, evidence: Evidence) -> None:
        before = _names(self.judgement)
        try:
            self._judge = self._judge or self._open()
            self.judgement = self._judge(evidence)
        except Exception as error:  # a defect of the engine must not end the display
            self.judgement = Judgement(broken=(f"{type(error).__name__}: {error}",))
        if _names(self.judgement) != before:
            self._tell()


def _names(judgement: Judgement) -> tuple[object, ...]:
    """What is found, without numbers that change all the time."""
    found = ((each.code, each.severity, each.problem.subject.title) for each in judgement.findings)
    return (judgement.known, *found)


def library() -> Callable[[Evidence], Judgement]:
    """The checks of the library and a user's own, loaded when they are first asked."""
    from workbench.checking.check import Check
    from workbench.checking.loading import entries, load
    from workbench.checking.running import judge

    checks = [load(entry) for entry in entries()]
    pages = {check.code: check.page for check in checks if isinstance(check, Check)}

    def ask(evidence: Evidence) -> Judgement:
        report = judge(checks, evidence)
        return Judgement(
            findings=report.findings,
            pages=pages,
            passed=len(report.passed),
            unseen=tuple(item.reason for item in report.skipped if item.asked),
            broken=tuple(f"{item.check.code}: {item.error}" for item in report.broken),
        )

    return ask
