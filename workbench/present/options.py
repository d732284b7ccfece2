"""What can be chosen before a dump or a restore, and what each choice means."""

from dataclasses import dataclass

from workbench.operation.request import DumpRequest, Hold, LockMethod, Policy, RestoreRequest


@dataclass(frozen=True, slots=True)
class Choice:
    """One question with its possible answers; several at once where ``several``."""

    key: str
    title: str
    answers: tuple[tuple[str, str, str], ...]
    """(value, label, what it means)."""
    chosen: frozenset[str]
    several: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """One line of text that is asked for beside the choices."""

    label: str
    value: str
    """What stands there at first; hostile."""
    meaning: str


def images_field(proposed: str) -> Field:
    """Where the images of a dump go."""
    return Field("Images in", proposed, "A directory that is empty, or that is made for them.")


KEEP_PEER = Choice(
    "peers",
    "Peers",
    (
        ("wait", "left waiting", "They hear nothing, and give up after a time that their own settings decide."),
        ("keep", "kept", "They are answered until their connections are unlocked, so that they do not give up."),
    ),
    frozenset({"wait"}),
)
DUMP_CHOICES = (
    Choice(
        "lock",
        "Network lock",
        (
            ("nftables", "nftables", "One table for all connections: a few milliseconds, however many there are."),
            ("iptables", "iptables", "Two rules a connection, one by one: some 10 to 50 ms each at the restore."),
            ("skip", "none", "Nothing holds the peers back: whoever sends meanwhile is answered with a reset."),
        ),
        frozenset({"nftables"}),
    ),
    Choice(
        "policy",
        "Connections",
        (
            ("keep", "keep", "They are saved with their queues and go on after the restore (--tcp-established)."),
            ("close", "close", "They are not saved; the restored process finds them closed (--tcp-close)."),
        ),
        frozenset({"keep"}),
    ),
    Choice(
        "after",
        "Afterwards",
        (
            ("end", "end it", "The process ends when its images are complete; a restore brings it back."),
            ("run", "let it run on", "The process runs on; its images soon grow too old for its connections."),
        ),
        frozenset({"end"}),
    ),
    KEEP_PEER,
    Choice(
        "holds",
        "Hold me",
        (
            ("frozen", "when frozen", "Every process is stopped, no connection locked yet; can be turned back."),
            (
                "images-complete",
                "when images are complete",
                "Connections are locked, processes still there; can be turned back.",
            ),
        ),
        frozenset({"images-complete"}),
        several=True,
    ),
)
TRAVEL = Choice(
    "travel",
    "Images travel",
    (
        ("ahead", "while CRIU writes", "The process stands still for less time."),
        ("after", "afterwards", "Only when all of them are written: dump, then copy, then restore."),
    ),
    frozenset({"ahead"}),
)
RESTORE_CHOICES = (
    Choice(
        "policy",
        "Connections",
        (
            ("as dumped", "as dumped", "Kept if they were dumped to be kept."),
            ("close", "close", "The restored process finds them closed (--tcp-close)."),
        ),
        frozenset({"as dumped"}),
    ),
    KEEP_PEER,
    Choice(
        "holds",
        "Hold me",
        (("restored", "before the unlock", "Processes are restored, connections still locked; can be turned back."),),
        frozenset({"restored"}),
        several=True,
    ),
)

Answers = dict[str, frozenset[str]]
"""What was chosen, by ``Choice.key``."""


def dump_request(pid: int, images: str, answers: Answers) -> DumpRequest:
    """The request that the answers stand for."""
    (lock,), (policy,), (after,) = answers["lock"], answers["policy"], answers["after"]
    return DumpRequest(
        pid=pid,
        images=images,
        lock=LockMethod(lock),
        policy=Policy(policy),
        leave_running=after == "run",
        keep_peer="keep" in answers["peers"],
        holds=frozenset(Hold(hold) for hold in answers["holds"]),
    )


def restore_request(images: str, answers: Answers) -> RestoreRequest:
    """The request that the answers stand for."""
    (policy,) = answers["policy"]
    holds = frozenset(Hold(hold) for hold in answers["holds"])
    return RestoreRequest(
        images,
        policy=Policy.CLOSE if policy == "close" else None,
        holds=holds,
        keep_peer="keep" in answers["peers"],
    )
