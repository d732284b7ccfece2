"""Checks: what a check is, what it says, loading and running the library, ranking by cause."""

from workbench.checking.finding import RANK as RANK
from workbench.checking.finding import Finding as Finding
from workbench.checking.finding import Fix as Fix
from workbench.checking.finding import Problem as Problem
from workbench.checking.finding import Quote as Quote
from workbench.checking.finding import Severity as Severity
from workbench.checking.finding import Subject as Subject
