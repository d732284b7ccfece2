"""Whether what is open survives a dump and a restore: one verdict for each socket, descriptor and process.

The one home of these judgements: checks report them, plans refuse or warn by them, and a test compares every one with
what CRIU really does.
"""

from workbench.checking.survival.verdict import Answer as Answer
from workbench.checking.survival.verdict import Verdict as Verdict
