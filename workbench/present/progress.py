"""An operation under way or done, as lines of text."""

from collections.abc import Iterator, Mapping

from workbench.operation.progress import Outcome, PeerKeeping, Progress, Proof, Step, StepState, Verdict
from workbench.present.line import NO_BREAK, Line, Piece, Tone, heading, line, plain, plain_lines
from workbench.present.text import printable
from workbench.present.units import byte_size, count, milliseconds

STEP_MARKS = {
    StepState.TODO: ("[ ]", Tone.DIM),
    StepState.RUNNING: ("[>]", Tone.MOVING),
    StepState.HELD: ("[=]", Tone.WARNING),
    StepState.DONE: ("[x]", Tone.GOOD),
    StepState.FAILED: ("[!]", Tone.BAD),
    StepState.SKIPPED: ("[-]", Tone.DIM),
}
"""What stands before a step; the signs differ without colour."""
MOST_PROOFS = 5
"""Connections that are shown one by one, those that do not go on first."""
OUTCOME_TONES = {
    Outcome.SUCCEEDED: Tone.GOOD,
    Outcome.DOUBTFUL: Tone.WARNING,
    Outcome.TURNED_BACK: Tone.STRONG,
    Outcome.FAILED: Tone.BAD,
}
VERDICT_WORDS = {
    Verdict.CONTINUED: ("goes on", Tone.GOOD),
    Verdict.RESET: ("was reset", Tone.BAD),
    Verdict.SILENT: ("is silent", Tone.WARNING),
    Verdict.LOCKED: ("is still locked", Tone.LOCK),
    Verdict.LOST: ("is lost", Tone.BAD),
}
"""Each verdict in plain words."""


def step_line(step: Step) -> str:
    """One step on one line: ``[x] locked 4.0 ms``."""
    return plain(step_text(step))


def step_text(step: Step) -> Line:
    """One step with its tone."""
    mark, tone = STEP_MARKS[step.state]
    took = "" if step.milliseconds is None else f" {milliseconds(step.milliseconds)}"
    held = " HELD" if step.state is StepState.HELD else ""
    named = tone if step.state in {StepState.HELD, StepState.FAILED, StepState.RUNNING, StepState.TODO} else Tone.NORMAL
    # No break within a step where the line is wrapped.
    name = f" {printable(step.name)}{held}".replace(" ", NO_BREAK)
    return line((mark.replace(" ", NO_BREAK), tone), (name, named), (took.replace(" ", NO_BREAK), Tone.DIM))


def report_lines(progress: Progress) -> list[str]:
    """What an operation came to, as plain text, one printable line each, of any length."""
    return plain_lines(report_text(progress))


def report_text(progress: Progress) -> list[Line]:
    """The report with its tones: outcome, the proof of each connection, what it took, what stands on the host."""
    parts = (
        _outcome(progress),
        _proofs(progress),
        _locks(progress),
        _kept(progress),
        _errors(progress),
        _closed(progress),
        _transfer(progress),
        _cost(progress),
        _images(progress),
    )
    return [each for part in parts for each in part]


def proof_text(proof: Proof) -> Iterator[Line]:
    """What became of one connection, and by what one knows."""
    words, tone = VERDICT_WORDS[proof.verdict]
    yield line("  ", printable(str(proof.connection)), "  ", (words, tone))
    yield line("      ", printable(proof.sentence))
    if proof.bytes_checked:
        compared = count(proof.bytes_checked, "byte")
        yield line("      ", (f"{compared} of its queues compared one by one, all equal", Tone.DIM))
    for name, value in proof.facts.items():
        text = _fact(value)
        if text:
            yield line("      ", (printable(f"{name} {text}"), Tone.DIM))


_BACK = {
    "dump": "the processes run on as before",
    "restore": "what had been restored has ended without a packet; lock and images stay",
}


def _outcome(progress: Progress) -> Iterator[Line]:
    yield line((printable(progress.plan.title), Tone.STRONG))
    if progress.outcome is None:
        yield line((f"Running for {milliseconds(progress.elapsed_ms)}", Tone.MOVING))
    else:
        kind = "Migration" if progress.transfer else progress.plan.kind.capitalize()
        said = f"{kind} {progress.outcome.value} after {milliseconds(progress.elapsed_ms)}"
        yield line((printable(said), OUTCOME_TONES[progress.outcome]))
    if progress.error:
        yield line("  ", (printable(progress.error), Tone.BAD))
    if progress.outcome is Outcome.TURNED_BACK:
        yield line(f"  {_BACK[progress.plan.kind]}")
    if progress.restored_pid is not None and progress.outcome in {Outcome.SUCCEEDED, Outcome.DOUBTFUL}:
        yield line(f"  restored as process {progress.restored_pid}")
    steps: list[str | Piece] = []
    for step in progress.steps:
        steps += ["  ", *step_text(step)]
    yield line(*steps)


def _proofs(progress: Progress) -> Iterator[Line]:
    if progress.proofs:
        going = sum(proof.verdict is Verdict.CONTINUED for proof in progress.proofs)
        yield from (line(), heading(f"{going} of {count(len(progress.proofs), 'connection')} proved to go on"))
        # sorted() is stable: the others stay in the order of the images
        shown = sorted(progress.proofs, key=lambda proof: proof.verdict is Verdict.CONTINUED)
        for proof in shown[:MOST_PROOFS]:
            yield from proof_text(proof)
        if rest := shown[MOST_PROOFS:]:
            going = sum(proof.verdict is Verdict.CONTINUED for proof in rest)
            yield line(f"  and {len(rest)} more, {going} of which go on")


def _locks(progress: Progress) -> Iterator[Line]:
    if progress.outcome is None:
        return
    if progress.locks:
        yield from (line(), heading("Network locks that stand now"))
        for lock in progress.locks:
            held = "" if lock.packets is None else f", {count(lock.packets, 'packet')} held back"
            yield line("  ", (printable(f"{lock.backend} {lock.name}"), Tone.LOCK), held)
    elif progress.outcome in {Outcome.SUCCEEDED, Outcome.TURNED_BACK} and progress.plan.connections:
        yield from (line(), line("No lock of these connections is left."))


def keeping_line(keeping: PeerKeeping) -> Line:
    """Who answers the peers, how often it did, or what came of it."""
    answers = count(keeping.answered, "answer")
    if keeping.problem:
        return line(("nobody answers the peers: ", Tone.WARNING), (printable(keeping.problem), Tone.WARNING))
    if keeping.ending:
        return line(f"peers {printable(keeping.ending)} after {answers} of their keeper")
    if not keeping.pid:
        return line(("the keeper begins ...", Tone.MOVING))
    return line(("peers kept ", Tone.GOOD), f"by process {keeping.pid}: {answers}")


def _kept(progress: Progress) -> Iterator[Line]:
    if progress.keeping is None or progress.outcome is None:
        return
    yield from (line(), heading("Peers"), line("  ", *keeping_line(progress.keeping)))
    if progress.keeping.pid and progress.plan.kind == "dump":
        yield line(("  until they are restored; it ends by itself", Tone.DIM))


def _errors(progress: Progress) -> Iterator[Line]:
    if progress.outcome is Outcome.FAILED:
        wrong = [entry for entry in progress.log if entry.level == "error" and not entry.harmless]
        if wrong:
            yield from (line(), heading("Errors in CRIU's log"))
            yield from (line("  ", (printable(entry.text), Tone.BAD)) for entry in wrong[-8:])


def _closed(progress: Progress) -> Iterator[Line]:
    """What the peers saw of connections that were closed, beside what was foretold."""
    if progress.closed:
        yield from (line(), heading("What the peers saw"))
    for each in progress.closed[:MOST_PROOFS]:
        if not each.seen:
            yield line(
                "  ", printable(str(each.connection)), (f"  not on this host; {each.foretold} foretold", Tone.DIM)
            )
        elif each.seen == each.foretold:
            yield line("  ", printable(str(each.connection)), (f"  {each.seen}, as foretold", Tone.GOOD))
        else:
            yield line("  ", printable(str(each.connection)), (f"  {each.seen}, not {each.foretold}", Tone.WARNING))
    if rest := progress.closed[MOST_PROOFS:]:
        yield line(f"  and {len(rest)} more")


def _transfer(progress: Progress) -> Iterator[Line]:
    transfer = progress.transfer
    if transfer is None or not (transfer.images or transfer.times_ms or transfer.there):
        return
    yield from (line(), heading(f"To {transfer.to}"))
    if transfer.images:
        ahead = f", {byte_size(transfer.bytes_ahead)} of them while CRIU still wrote"
        yield line(f"  images          {transfer.images}, {byte_size(transfer.bytes_sent)}{ahead}")
    for name, took in transfer.times_ms.items():
        yield line(f"  {printable(name):15} {milliseconds(took)}")
    proofs = (transfer.there or {}).get("proof")
    for proof in proofs if isinstance(proofs, list) else []:
        if isinstance(proof, Mapping):
            said = f"  {proof.get('connection')}  {proof.get('verdict')}: {proof.get('sentence')}"
            yield line(printable(said))


def _cost(progress: Progress) -> Iterator[Line]:
    dump, restore = progress.dump_stats, progress.restore_stats
    if dump or restore or progress.lock_ms is not None:
        yield from (line(), heading("CRIU's own numbers"))
    held = ", the time held included" if progress.plan.request.holds else ""  # CRIU's clock runs on meanwhile
    if dump:
        lock = "" if progress.lock_ms is None else f", {milliseconds(progress.lock_ms)} of it for the lock"
        yield line(f"  frozen          {milliseconds(dump.frozen_us / 1000)}{lock}{held}")
        yield line(f"  until frozen    {milliseconds(dump.freezing_us / 1000)}")
        memory = f"{milliseconds(dump.memdump_us / 1000)} copied, {milliseconds(dump.memwrite_us / 1000)} written"
        yield line(f"  memory          {memory}; {dump.pages_written} of {dump.pages_scanned} pages")
    elif progress.lock_ms is not None:
        yield line(f"  lock            {milliseconds(progress.lock_ms)}")
    if restore:
        yield line(f"  restored in     {milliseconds(restore.restore_us / 1000)}{held}")
        yield line(f"  forking         {milliseconds(restore.forking_us / 1000)}; {restore.pages_restored} pages")


def _images(progress: Progress) -> Iterator[Line]:
    if progress.transfer is not None and progress.outcome is Outcome.SUCCEEDED:
        return  # they are at the destination, and removed there too once it lives
    if progress.images and progress.plan.kind == "dump" and progress.outcome in {Outcome.SUCCEEDED, Outcome.DOUBTFUL}:
        yield from (line(), line(f"Images: {printable(progress.images)}   ", (_weight(progress), Tone.DIM)))


def _weight(progress: Progress) -> str:
    written = progress.dump_stats.pages_written * 4096 if progress.dump_stats else None
    return "" if written is None else f"{byte_size(written)} of memory"


def _fact(value: object) -> str:
    match value:
        case {"before": before, "after": after} | (before, after):
            return f"{before}" if before == after else f"{before} -> {after}"
        case Mapping():
            return ", ".join(f"{name} {_fact(item)}" for name, item in value.items())
        case _:
            return str(value)
