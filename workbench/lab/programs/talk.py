"""The loop of a lab program: conversations at their pace, and whatever else it has to watch."""

import select
import time
from collections.abc import Callable
from pathlib import Path

from workbench.lab.programs.conversation import Conversation

TICK_S = 0.02


class Talk:
    """One poll(2) over everything; poll keeps nothing in the kernel, so that a dump has nothing more to save."""

    def __init__(self) -> None:
        self._poll = select.poll()
        self._watched: dict[int, Callable[[], None]] = {}
        self._conversations: dict[int, Conversation] = {}
        self._masks: dict[int, int] = {}

    def watch(self, descriptor: int, call: Callable[[], None]) -> None:
        """Call when the descriptor is readable or hung up."""
        self._watched[descriptor] = call
        self._poll.register(descriptor, select.POLLIN)

    def join(self, conversation: Conversation) -> None:
        """Take part in it until ``leave``."""
        self._conversations[conversation.fileno()] = conversation

    def leave(self, conversation: Conversation) -> None:
        """Take no part any more; call before it is closed."""
        descriptor = conversation.fileno()
        del self._conversations[descriptor]
        if self._masks.pop(descriptor, 0):
            self._poll.unregister(descriptor)

    @property
    def conversations(self) -> tuple[Conversation, ...]:
        return tuple(self._conversations.values())

    def run(self, after_each_round: Callable[[], None]) -> None:
        """Go on for ever."""
        ticked = time.monotonic()
        while True:
            for descriptor, conversation in self._conversations.items():
                self._ask(descriptor, conversation.wanted())
            left = max(ticked + TICK_S - time.monotonic(), 0)
            for descriptor, events in self._poll.poll(left * 1000):
                if descriptor in self._watched:
                    self._watched[descriptor]()
                elif descriptor in self._conversations:
                    self._conversations[descriptor].ready(events)
            now = time.monotonic()
            if now - ticked >= TICK_S:
                for conversation in self._conversations.values():
                    conversation.tick(now - ticked)
                ticked = now
            after_each_round()

    def _ask(self, descriptor: int, mask: int) -> None:
        """Register with poll; not at all for no events, since errors are reported even then."""
        known = self._masks.get(descriptor, 0)
        if mask == known:
            return
        if not mask:
            self._poll.unregister(descriptor)
        else:
            self._poll.register(descriptor, mask)
        self._masks[descriptor] = mask


def name_process(name: str) -> None:
    """Set comm, at most 15 bytes (PR_SET_NAME does the same)."""
    Path("/proc/self/comm").write_text(name)
