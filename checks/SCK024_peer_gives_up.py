"""The other end of a connection may give up before the restored process answers.

What it looks at
----------------
How long a dump with a restore right after it will keep the process tree from answering: an estimate from the size of
its memory and the number of its connections. And for each connection how long the peer goes on without an answer: on
this host by its TCP_USER_TIMEOUT, its retransmission timer and timeout, tcp_retries2 and tcp_rto_max_ms of its
namespace, and its keepalive timer; of a peer on another machine nothing is known, and Linux's defaults are assumed.

Why it matters
--------------
The network lock drops what the peer sends, so that it retransmits, and gives up when its timeout is over. Its program
gets ETIMEDOUT; the restored end is reset as soon as it sends. CRIU reports success all the same. Stopping the process
without a lock is no way out: TCP_USER_TIMEOUT counts against a closed window, too.

What to do
----------
Raise the peer's TCP_USER_TIMEOUT (or tcp_retries2 of its namespace) before the dump. Make the time shorter: let CRIU
copy the memory beforehand (`criu pre-dump`), write the images to memory (tmpfs), and restore at once. As a note it
says by when the restore must have been done.

When it is wrong
----------------
A peer that has nothing to send waits for ever, unless it uses keepalive. The estimate is rough: the machine, its load
and the disk decide, and only you know when the restore will be.

References
----------
net/ipv4/tcp_timer.c (retransmits_timed_out, tcp_clamp_rto_to_user_timeout, tcp_keepalive_timer); tcp(7); RFC 5482.
"""

from collections.abc import Iterator, Mapping

from workbench.checking import Fix, Problem, Severity
from workbench.checking.phrases import counted, listed
from workbench.checking.survival import Verdict
from workbench.checking.survival.words import caused, quotes, severity, subject, what
from workbench.evidence import Gap, Process

CODE = "SCK024"
NAME = "peer-gives-up"
SINCE = "0.1"

_MANY = 5
"""Connections of one process that are told of one by one."""


def check(verdicts: tuple[Verdict, ...], processes: Mapping[int, Process] | Gap) -> Iterator[Problem]:
    """One problem for each connection, or one for all where they are many."""
    found = sorted(caused(verdicts, NAME), key=_seconds)
    if len(found) > _MANY:
        yield _problem(found[0], processes, f"{counted(len(found), 'connection')}, {listed(map(what, found))}: of one")
        return
    for each in found:
        yield _problem(each, processes, f"{what(each)}:")


def _seconds(verdict: Verdict) -> float:
    return float(str(verdict.facts["gives_up_least_s"]))


def _problem(verdict: Verdict, processes: Mapping[int, Process] | Gap, who: str) -> Problem:
    facts = verdict.facts
    freeze = f"{facts['freeze_least_s']} to {facts['freeze_most_s']} s"
    return Problem(
        Severity.ERROR if facts["sure"] else severity(verdict),
        subject(verdict, processes),
        f"{who} {verdict.reason}. A dump with a restore right after it is expected to take {freeze}.",
        facts=facts,
        quotes=quotes(verdict),
        fixes=(
            Fix("Raise the peer's TCP_USER_TIMEOUT, or the tcp_retries2 of its network namespace, before the dump."),
            Fix("Shorten the time: `criu pre-dump` beforehand, images in memory (tmpfs), and a restore at once."),
        ),
    )
