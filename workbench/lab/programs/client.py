"""The end that is not dumped: connects, talks, and tells the lab what both ends have verified.

Run as a program. Standard input is a SOCK_SEQPACKET socket to the lab, one JSON object a message. A request is
``{"id": 1, "bytes": 4096}``: the answer comes once every connection has verified that many more bytes in each direction
since the request, or has ended, or its stream is wrong; 0 answers at once. ``"forget_gap": true`` measures the longest
gap anew, ``"end": "shutdown"`` ends what is sent and ``"end": "close"`` all of each connection, ``"writes": 20000`` is
how many bytes a second each of them writes from now on. Connections that could
not be made stand in the answer with their errno. It ends when the lab does.
"""

import argparse
import errno
import json
import socket
import sys
from typing import Any

from workbench.lab.programs.arguments import add_pace, buffers, endpoint, family_of
from workbench.lab.programs.conversation import Conversation
from workbench.lab.programs.talk import Talk, name_process

CONNECT_TIMEOUT_S = 5.0
LARGEST_REQUEST = 4096


class Reporter:
    """Answers the lab's requests, each as soon as it is met."""

    def __init__(
        self, control: socket.socket, talk: Talk, conversations: list[Conversation], failed: list[str]
    ) -> None:
        self._control = control
        self._talk = talk
        self._conversations = conversations
        self._failed = failed
        self._request: dict[str, Any] | None = None
        self._base: list[tuple[int, int]] = []

    def take(self) -> None:
        """Read the next request; it replaces one that is not answered yet."""
        message = self._control.recv(LARGEST_REQUEST)
        if not message:
            sys.exit(0)
        self._request = json.loads(message)
        self._base = [_progress(conversation) for conversation in self._conversations]
        if self._request and self._request.get("forget_gap"):
            for conversation in self._conversations:
                conversation.forget_gap()
        if writes := self._request and self._request.get("writes"):
            for conversation in self._conversations:
                conversation.write_at(int(writes))
        if end := self._request and self._request.get("end"):
            for conversation in self._conversations:
                conversation.shut_down()
                if end == "close":
                    self._talk.leave(conversation)
                    conversation.close()

    def answer_if_met(self) -> None:
        """Answer the request if every connection has come far enough, or will not."""
        if self._request is None:
            return
        wanted = self._request["bytes"]
        for conversation, base in zip(self._conversations, self._base, strict=True):
            come = min(now - then for now, then in zip(_progress(conversation), base, strict=True))
            if come < wanted and not conversation.ended and not _is_wrong(conversation):
                return
        rows = [_row(conversation) for conversation in self._conversations]
        rows += [{"ended": name} for name in self._failed]
        answer = {"id": self._request["id"], "connections": rows}
        self._request = None
        self._control.sendall(json.dumps(answer, separators=(",", ":")).encode())


def _progress(conversation: Conversation) -> tuple[int, int]:
    return conversation.incoming.verified, conversation.incoming.peer_verified


def _is_wrong(conversation: Conversation) -> bool:
    return bool(conversation.incoming.problem) or conversation.incoming.peer_mismatch is not None


def _row(conversation: Conversation) -> dict[str, object]:
    address, port = conversation.local
    return {
        "address": address,
        "port": port,
        "sent": conversation.outgoing.sent,
        "verified_here": conversation.incoming.verified,
        "verified_there": conversation.incoming.peer_verified,
        "problem_here": conversation.incoming.problem,
        "mismatch_there": conversation.incoming.peer_mismatch,
        "longest_gap_ms": round(conversation.longest_gap_s * 1000, 1),
        "ended": conversation.ended,
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--connect", type=endpoint, required=True, metavar="ADDRESS:PORT")
    parser.add_argument("--connections", type=int, default=1)
    add_pace(parser)
    options = parser.parse_args()
    name_process("lab-client")
    conversations: list[Conversation] = []
    failed: list[str] = []
    talk = Talk()
    for _ in range(options.connections):
        opened = socket.socket(family_of(options.connect), socket.SOCK_STREAM)
        buffers(opened, options)
        opened.settimeout(CONNECT_TIMEOUT_S)
        try:
            opened.connect(options.connect)
        except OSError as error:
            failed.append(errno.errorcode.get(error.errno or errno.ETIMEDOUT, str(error)))
            opened.close()
            continue
        conversation = Conversation(
            opened, "client", "server", writes=options.writes, reads=options.reads, unit=options.unit
        )
        conversations.append(conversation)
        talk.join(conversation)
    reporter = Reporter(socket.socket(fileno=0), talk, conversations, failed)
    talk.watch(0, reporter.take)
    talk.run(reporter.answer_if_met)


if __name__ == "__main__":
    main()
