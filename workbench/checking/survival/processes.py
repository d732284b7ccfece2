"""Verdicts on processes and on the tree as a whole (criu/seize.c, namespaces.c, pstree.c, cr-dump.c)."""

from collections.abc import Iterator, Sequence

from workbench.checking.survival.verdict import Answer, Verdict
from workbench.evidence import Gap, Host, Process


def process_verdicts(tree: Sequence[Process], host: Host | Gap, own: Process | None) -> Iterator[Verdict]:
    """Every judgement on the processes of a tree, root first; the plain one for each that stands in nobody's way.

    ``own``: the workbench, as its namespaces are those of CRIU, but for the network namespace: CRIU enters the root's.
    """
    root = tree[0]
    pids = {each.pid for each in tree}
    for each in tree:
        found = [*_verdicts(each, root, pids, host, own)]
        yield from found or [Verdict(Answer.OK, "", _plain(each), process=each)]


def _plain(each: Process) -> str:
    if each.state == "Z":
        return "has ended already and is restored as the zombie that it is"
    return "stays stopped" if each.state == "T" else "restored"


def _verdicts(each: Process, root: Process, pids: set[int], host: Host | Gap, own: Process | None) -> Iterator[Verdict]:
    if each.state == "t":
        yield Verdict(
            Answer.REFUSED, "already-traced", "a debugger traces it", "Unable to interrupt task", process=each
        )
    if each.state == "Z":
        return
    yield from _user(each, host)
    if each.sid not in pids and each.has_foreign_session:
        yield Verdict(
            Answer.REFUSED, "session-leader-outside", "its session is led from outside of its pid namespace",
            "A session leader of is outside of its pid namespace", process=each,
        )  # fmt: skip
    elif each.sid not in pids:
        leader = "The root process is not a session leader. Consider using --shell-job option"
        yield Verdict(
            Answer.NEEDS, "session-leader-outside", f"its session {each.sid} is led from outside of the tree",
            leader if each is root else "A session leader is outside of its pid namespace", "--shell-job", process=each,
        )  # fmt: skip
    for kind in ("pid", "user", "uts", "ipc"):
        if _differs(each, root, kind):
            yield Verdict(
                Answer.REFUSED, "namespace-unsupported", f"it lives in another {kind} namespace than the root",
                f"Can't dump nested {kind} namespace for", process=each, facts={"namespace": kind},
            )  # fmt: skip
    for kind in ("net", "mnt"):
        shared = kind == "net" or own is None or not _differs(root, own, kind)
        if _differs(each, root, kind) and shared:
            yield Verdict(
                Answer.STRANDS, "namespace-unsupported",
                f"it lives in another {_WORDS[kind]} namespace than the root, which lives in that of CRIU",
                "Can't restore sub-task in NS", process=each, facts={"namespace": kind},
            )  # fmt: skip


_WORDS = {"net": "network", "mnt": "mount"}


def _user(each: Process, host: Host | Gap) -> Iterator[Verdict]:
    if isinstance(host, Gap) or "CAP_SYS_RESOURCE" in host.capabilities:
        return
    uids = each.uids or (each.uid,)
    if any(uid != host.uid for uid in uids):
        yield Verdict(
            Answer.REFUSED, "missing-capability", "it runs as another user, and CRIU lacks CAP_SYS_RESOURCE",
            "Can't get rlimit 0: Operation not permitted", process=each, facts={"uids": uids},
        )  # fmt: skip


def _differs(each: Process, root: Process, kind: str) -> bool:
    own, roots = getattr(each.namespaces, kind), getattr(root.namespaces, kind)
    return None not in {own, roots} and own != roots
