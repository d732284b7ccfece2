"""The restore that brings back what an interrupted operation took away."""

from workbench.operation.container_operations import operation_of
from workbench.operation.journal import Entry
from workbench.operation.planning import prepare_restore
from workbench.operation.progress import Outcome, Progress, Verdict
from workbench.operation.recover import Report
from workbench.operation.request import Policy, RestoreRequest


def restore_again(entry: Entry, report: Report, netns_path: str | None) -> None:
    """Restore from the images of an operation and report the proof of each connection."""
    images = str(entry.begun["images"])
    policy = Policy.CLOSE if entry.begun["options"].get("tcp_close") else None
    plan = prepare_restore(RestoreRequest(images, policy=policy, netns=netns_path))
    if plan.obstacles:
        report.ask(f"It cannot be restored now: {'; '.join(plan.obstacles[:3])}. Then: workbench restore -D {images}")
        return
    report.say(f"The images in {images} are complete: the processes are restored from them.")
    if report.dry_run:
        return
    operation = operation_of(plan)
    operation.start(lambda progress: None)
    progress = operation.wait()
    report.restored = progress
    _tell(report, progress)


def _tell(report: Report, progress: Progress) -> None:
    if progress.outcome in {Outcome.FAILED, Outcome.TURNED_BACK}:
        report.ask(f"The restore failed: {progress.error}")
        return
    for proof in progress.proofs:
        if proof.verdict is Verdict.CONTINUED:
            report.say(f"{proof.connection} goes on: {proof.sentence}")
        elif proof.verdict in {Verdict.LOST, Verdict.RESET}:
            report.lose((proof.connection,), proof.sentence.rstrip("."))
        else:
            report.say(f"{proof.connection} is {proof.verdict.value}: {proof.sentence}")
