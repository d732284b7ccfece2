"""What is typed faster than it is worked off: one key after the other, in the order of typing.

Textual hands a key to the widget that has the focus at that moment, and lets what the widget does not take rise to the
bindings of those above it. Of two keys that arrive together (over ssh they do) the second may overtake the first: after
``/`` the words of a filter would be taken for commands, and a correction would follow what it makes room for.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from textual.dom import DOMNode
from textual.events import Event, Key, Paste
from textual.message import Message

if TYPE_CHECKING:
    from workbench.tui.app import WorkbenchApp

HandOver = Callable[[Event], Awaitable[None]]
"""What Textual does with it."""
LOST_S = 0.25
"""For so long keys wait for one whose widget has gone and will not say that it is done."""


class KeyPassed(Message):
    """Follows a key from widget to widget, up to the application; then, once more, what the key made them say."""

    def __init__(self, number: int, target: DOMNode, *, again: bool = False) -> None:
        super().__init__()
        self.number = number
        self.target = target
        self.again = again


class TypeAhead:
    """Used in the thread that draws."""

    def __init__(self, app: "WorkbenchApp") -> None:
        self._app = app
        self._waiting: deque[tuple[Key | Paste, HandOver]] = deque()
        self._number = 0
        self._target: DOMNode | None = None
        """What the key under way was handed to; None if none is."""

    @property
    def busy(self) -> bool:
        """Something that was typed is not done."""
        return bool(self._waiting) or (self._target is not None and self._target.is_attached)

    async def take(self, event: Key | Paste, hand_over: HandOver) -> None:
        """Hand it over, or keep it until what was typed before it is done."""
        if not self.busy:
            await self._begin(event, hand_over)
            return
        self._waiting.append((event, hand_over))
        if len(self._waiting) == 1:
            self._lose_patience()

    def passed(self, message: KeyPassed) -> None:
        """A follower has arrived."""
        if message.again or not message.target.post_message(KeyPassed(message.number, message.target, again=True)):
            self._done(message.number)

    async def _begin(self, event: Key | Paste, hand_over: HandOver) -> None:
        target = self._app.focused or self._app.screen
        await hand_over(event)
        self._number += 1
        self._target = target if target.post_message(KeyPassed(self._number, target)) else None
        if self._waiting:
            self._lose_patience()

    def _lose_patience(self) -> None:
        number = self._number
        self._app.set_timer(LOST_S, lambda: self._done(number))

    def _done(self, number: int) -> None:
        """The next one may go, when what this one has changed is on the screen."""
        if number != self._number:
            return
        self._number += 1  # nobody else ends it
        self._target = None
        if self._waiting:
            self._app.call_after_refresh(self._next)

    async def _next(self) -> None:
        await self._begin(*self._waiting.popleft())
