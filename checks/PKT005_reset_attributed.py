"""Recorded events tell who reset a connection.

What it looks at
----------------
Resets that a socket took, in recorded events (`workbench events --format jsonl`, or a bundle): what the kernel of the
sender decided, rules, what happened to the socket before, and the segment in captures that are judged along.

Why it matters
--------------
After a checkpoint the sender says what went wrong: a lock that was lifted before the restore, a socket that had given
up, a rule that rejects, or something between the two hosts that neither end controls.

What to do
----------
A lifted lock: leave it to `workbench restore`, which lifts it at the right moment. A socket that gave up: restore
within the patience of the peer. A rule: let the connection pass. Something between: look for a firewall, load balancer
or NAT and its idle timeout.

When it is wrong
----------------
Resets with which programs end connections on purpose are left out; those of no socket are a note, since a program that
ends while its peer still sends causes them too. What can mislead the attribution stands in docs/timeline.md.

References
----------
RFC 9293 3.5.2, RFC 5961 3.2.
"""

from collections.abc import Iterator

from workbench.checking import Fix, Problem, Quote, Severity, Subject
from workbench.evidence.attribution import Attribution, Cause
from workbench.evidence.reset_trail import Effect

CODE = "PKT005"
NAME = "reset-attributed"
SINCE = "0.1"
_SEVERITY = {
    Cause.LOCK_LIFTED: Severity.WARNING,
    Cause.TIMED_OUT: Severity.WARNING,
    Cause.MIDDLEBOX: Severity.WARNING,
    Cause.REJECT_RULE: Severity.NOTE,
    Cause.NO_SOCKET: Severity.NOTE,
}


def check(resets: tuple[Attribution, ...]) -> Iterator[Problem]:
    """One problem for each connection and cause."""
    told = set()
    for one in resets:
        same = (one.connection, one.cause)
        if one.cause not in _SEVERITY or one.effect is not Effect.TAKEN or one.connection is None or same in told:
            continue
        told.add(same)
        yield Problem(
            _SEVERITY[one.cause],
            Subject("socket", str(one.connection), {"connection": str(one.connection)}),
            f"A reset of {one.connection.local} ended its connection to {one.connection.peer}: {one.sentence}.",
            facts={"cause": one.cause.value, "netns": one.netns, "at_ns": one.at_ns},
            quotes=(Quote("events", f"reset {one.connection} {one.cause.value}: {one.sentence}"),),
            fixes=(Fix("See what happened before it.", ("workbench", "events", "FILE", "--connection",
                                                       f"{one.connection.local}-{one.connection.peer}")),),
        )  # fmt: skip
