"""Netfilter: which rules are there, and what do CRIU's locks hold back?"""

from collections.abc import Sequence
from typing import ClassVar

from textual.binding import BindingType

from workbench.evidence import Rule
from workbench.evidence.lock_map import LockUse
from workbench.present.line import Line
from workbench.present.netfilter import COLUMNS, netfilter_detail
from workbench.present.situation import Situation
from workbench.present.table import Row
from workbench.tui.keys import Where, bindings
from workbench.tui.screens.table import TableScreen


class NetfilterScreen(TableScreen):
    """Rules of all backends and namespaces as one list."""

    MODE = "netfilter"
    PURPOSE = "Which rules are there, and what do CRIU's locks hold back, for whom?"
    COLUMNS = COLUMNS
    ON_TOP = True  # a lock that appears stands above all other rules
    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.LOCKS)

    def detail_lines(self, row: Row, situation: Situation, width: int) -> Sequence[Line]:
        assert isinstance(row.subject, (Rule, LockUse))
        return netfilter_detail(row.subject, situation)
