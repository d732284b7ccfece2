"""What a check is: a file of ``checks/`` with its page, its code and one function that judges."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from workbench.checking.finding import Finding, Problem

HEADINGS = ("What it looks at", "Why it matters", "What to do", "When it is wrong", "References")
"""Headings of a check's page, in this order; each underlined with dashes in the module's docstring."""


@dataclass(frozen=True, slots=True)
class Check:
    """One check as loaded from its file.

    The file is called ``CODE_name_with_underscores.py`` and defines ``CODE`` (family and three digits), ``NAME``
    (kebab-case), ``SINCE`` (version), and ``check(...)`` whose parameter names are sections of Evidence or of
    ``derived.DERIVED``: each must be there (a Gap skips the check with the gap's reason), but one annotated
    ``... | Gap`` is handed over as it is. With several logs a check that needs ``log`` is asked once for each. It
    yields Problems and nothing else: it collects nothing, and imports only ``workbench.evidence``,
    ``workbench.checking`` and what of the standard library does no input or output.
    """

    code: str
    name: str
    since: str
    title: str
    """First line of the docstring."""
    page: str
    """The whole docstring."""
    needs: tuple[str, ...]
    accepts: tuple[str, ...]
    """Sections that it takes also as a Gap."""
    judge: Callable[..., Iterable[Problem]]
    path: str


@dataclass(frozen=True, slots=True)
class Passed:
    """It had all that it needs and found nothing."""

    check: Check


@dataclass(frozen=True, slots=True)
class Failed:
    """It found something."""

    check: Check
    findings: tuple[Finding, ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """It could not look, and why."""

    check: Check
    reason: str
    asked: bool = True
    """False: what it looks at is simply not part of the evidence (a log was given, not a host)."""


@dataclass(frozen=True, slots=True)
class Broken:
    """It crashed: a defect of the check, not of what it looked at."""

    check: Check
    error: str


Result = Passed | Failed | Skipped | Broken
