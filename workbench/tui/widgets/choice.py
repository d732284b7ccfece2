"""A question with its answers on one line: left and right choose, space marks where several may be."""

from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip

from workbench.present.line import Piece, Tone
from workbench.present.options import Choice
from workbench.tui.keys import Where, bindings
from workbench.tui.widgets.toned import Toned

_TITLE = 15


class ChoiceLine(Toned, can_focus=True):
    """One choice; its answers are ``chosen``."""

    BINDINGS: ClassVar[list[BindingType]] = bindings(Where.ANSWERS)

    @dataclass
    class Looked(Message):
        """An answer is looked at: its meaning may be shown."""

        meaning: str

    def __init__(self, choice: Choice) -> None:
        super().__init__(id=f"choice-{choice.key}")
        self.choice = choice
        self.chosen = choice.chosen
        chosen = (number for number, answer in enumerate(choice.answers) if answer[0] in choice.chosen)
        self._at = 0 if choice.several else next(chosen, 0)

    def on_focus(self) -> None:
        self._look()

    def on_blur(self) -> None:
        self.refresh()

    def action_next_answer(self) -> None:
        self._step(1)

    def action_previous_answer(self) -> None:
        self._step(-1)

    def _step(self, by: int) -> None:
        self._at = (self._at + by) % len(self.choice.answers)
        if not self.choice.several:
            self.chosen = frozenset({self.choice.answers[self._at][0]})
        self._look()

    def action_mark_answer(self) -> None:
        if self.choice.several:
            self.chosen = self.chosen ^ {self.choice.answers[self._at][0]}
            self._look()

    def _look(self) -> None:
        self.post_message(self.Looked(self.choice.answers[self._at][2]))
        self.refresh()

    def _pieces(self) -> list[Piece]:
        pieces: list[Piece] = [(f" {self.choice.title:<{_TITLE - 1}}", Tone.STRONG if self.has_focus else Tone.DIM)]
        for number, (value, label, _) in enumerate(self.choice.answers):
            on = value in self.chosen
            mark = ("[x]" if on else "[ ]") if self.choice.several else ("(*)" if on else "( )")
            here = self.has_focus and number == self._at
            tone = Tone.STRONG if here else Tone.NORMAL if on else Tone.DIM
            pieces.append((f"{'>' if here else ' '}{mark} {label} ", tone))
        return pieces

    def render_line(self, y: int) -> Strip:
        return self.toned_strip(tuple(self._pieces()) if y == 0 else (), self.size.width)

    def on_click(self, event: events.Click) -> None:
        start = 0
        for number, (text, _) in enumerate(self._pieces()):
            start += len(text)
            if number and event.x < start:
                self._at = number - 1
                if self.choice.several:
                    self.action_mark_answer()
                else:
                    self._step(0)
                return
