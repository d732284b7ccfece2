"""Help: what the screen in front is for, all keys, and what its words and numbers mean."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import ModalScreen

from workbench.evidence import Gap
from workbench.present.glossary import DETAIL_TERMS, GLOSSARY
from workbench.present.line import Line, Tone, heading, line
from workbench.present.table import Column
from workbench.present.text import printable
from workbench.tui.keys import ACTIONS, Where, bindings
from workbench.tui.widgets.line_view import LineView


def text_width(cells: int) -> int:
    """What a text over a screen of this width has: nine tenths without border, padding and scrollbar (app.tcss)."""
    return cells * 9 // 10 - 5


class TextScreen(ModalScreen[None]):
    """A text over the screen; escape, q or a click beside it closes it."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.TEXT)

    def __init__(self, lines: list[Line]) -> None:
        super().__init__()
        self._lines = lines

    def compose(self) -> ComposeResult:
        yield LineView(lambda _: self._lines, id="text")

    def action_close(self) -> None:
        self.dismiss(None)


def help_lines(mode: str, purpose: str, gaps: Sequence[Gap]) -> list[Line]:
    """First what this screen is for, then its keys, those of everywhere, and what could not be read."""
    lines = [line((purpose, Tone.STRONG)), line()] if purpose else []
    places = [Where.TABLE, Where.ROWS]
    if mode in {"connections", "processes"}:
        places.insert(0, Where.TARGETS)
        places.insert(1, Where.CONNECTIONS if mode == "connections" else Where.PROCESSES)
    elif mode == "checkpoints":
        places.insert(0, Where.CHECKPOINTS)
    elif mode == "timeline":
        places.insert(0, Where.TIMELINE)
    elif mode == "findings":
        places.insert(0, Where.FINDINGS)
    elif mode == "operation":
        places = [Where.OPERATION, Where.LINES]
    if mode in {"connections", "processes", "netfilter", "findings"}:
        places.insert(-2, Where.LOCKS)
    lines += key_lines((*places, Where.EVERYWHERE, Where.RECORDING))
    lines.append(line("  ", (f"{'tab':18}", Tone.STRONG), "Between table and detail."))
    lines.append(line("  ", (f"{'ctrl+p':18}", Tone.STRONG), "Everything that can be done, to search by name."))
    lines.append(line("  ", (f"{'shift and mouse':18}", Tone.STRONG), "Select text in the terminal."))
    if gaps:
        lines += [line(), heading("Not known, and what would make it known")]
    for gap in gaps:
        remedy = f": {gap.remedy}" if gap.remedy else ""
        lines.append(line("  ", (f"{gap.section:18}", Tone.WARNING), printable(f"{gap.reason}{remedy}")))
    lines += [line(), line(("m tells what each column and number means.  Escape closes this.", Tone.DIM))]
    return lines


def dialog_help_lines(about: Sequence[Line], places: Sequence[Where]) -> list[Line]:
    """What is asked, then the keys."""
    lines = [*about, line()] if about else []
    return [*lines, *key_lines((*places, Where.DIALOG)), line(("Escape closes this.", Tone.DIM))]


def key_lines(places: Iterable[Where]) -> list[Line]:
    """The keys of each place under its heading."""
    lines = []
    for place in places:
        lines.append(heading(place.value))
        lines += [
            line("  ", (f"{action.key_text:18}", Tone.STRONG), action.help)
            for action in ACTIONS
            if action.where is place
        ]
        lines.append(line())
    return lines


def meaning_lines(mode: str, columns: tuple[Column, ...]) -> list[Line]:
    """Every column of the screen, then the words of its detail."""
    lines = [line(("What stands here", Tone.STRONG)), line()]
    for key in (*(column.key for column in columns), *DETAIL_TERMS.get(mode, ())):
        meaning = GLOSSARY[key]
        source = f"  [{meaning.source}]" if meaning.source else ""
        lines.append(line((f"{meaning.name:12} ", Tone.HEADING), meaning.text, (source, Tone.DIM)))
    lines += [line(), line(("Escape closes this.", Tone.DIM))]
    return lines
