"""What became of each connection of a scenario: the operation's proof and the programs' own verification together."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from workbench.evidence import Connection
from workbench.lab.peer import Talked
from workbench.lab.scenario import ClientProgram
from workbench.operation.progress import Proof, Verdict

_RESETS = frozenset({"ECONNRESET", "EPIPE", "ECONNREFUSED"})


@dataclass(frozen=True, slots=True)
class Judged:
    """One connection at the end of a run."""

    connection: Connection | None
    """Seen from the dumped end; None if it could not be made."""
    expected: Verdict
    verdict: Verdict
    sentence: str
    """By what one knows."""
    bytes_checked: int
    """Bytes that the programs verified, both directions, over the whole life of the connection."""
    facts: Mapping[str, object]

    @property
    def as_expected(self) -> bool:
        return self.verdict is self.expected


def judge(
    client: ClientProgram,
    before: Talked | None,
    after: Talked,
    proof: Proof | None,
    *,
    promised: int,
    patience_s: float,
) -> Judged:
    """Judge one connection.

    ``before``: what the programs had seen when the operation began; None for a connection made afterwards, which has
    no ``proof`` either. ``promised``: bytes that both ends had to verify within ``patience_s`` after the operation, in
    each direction. The programs have the last word on the bytes; on all else both must agree that it goes on.
    """
    base = before or Talked(after.connection)
    to_server, to_client = after.to_server - base.to_server, after.to_client - base.to_client
    verdict, sentence = _seen_by_programs(after, min(to_server, to_client), promised, patience_s)
    if verdict is Verdict.CONTINUED:
        sentence = f"{to_server} bytes to the server and {to_client} to the client were verified since"
    if proof is not None and proof.verdict is not Verdict.CONTINUED and verdict in {Verdict.CONTINUED, Verdict.SILENT}:
        verdict, sentence = proof.verdict, proof.sentence
    if before is not None and proof is None and verdict is Verdict.CONTINUED:
        verdict, sentence = Verdict.SILENT, "the operation gave no proof of it"
    facts: dict[str, object] = {
        "verified_to_server": {"before": base.to_server, "after": after.to_server},
        "verified_to_client": {"before": base.to_client, "after": after.to_client},
        "longest_gap_ms": after.longest_gap_ms,
    }
    if proof is not None:
        facts |= {**proof.facts, "queue_bytes_compared": proof.bytes_checked, "proof": proof.sentence}
    return Judged(after.connection, client.verdict, verdict, sentence, after.verified, facts)


def _seen_by_programs(after: Talked, verified: int, promised: int, patience_s: float) -> tuple[Verdict, str]:
    if after.problem:
        return Verdict.LOST, after.problem
    if after.ended in _RESETS:
        return Verdict.RESET, f"the client got {after.ended}"
    if after.ended:
        return Verdict.LOST, f"the connection ended for the client: {after.ended}"
    if verified < promised:
        return Verdict.SILENT, f"only {verified} of {promised} bytes were verified within {patience_s:.0f} s"
    return Verdict.CONTINUED, ""


def judge_all(
    clients: Sequence[ClientProgram],
    before: Sequence[Talked],
    after: Sequence[Talked],
    proofs: Sequence[Proof],
    *,
    promised: int,
    patience_s: float,
) -> tuple[Judged, ...]:
    """Judge every connection; ``clients`` and ``after`` go row by row."""
    known = {talked.connection: talked for talked in before}
    proved = {proof.connection.unmapped: proof for proof in proofs}
    judged = []
    for client, talked in zip(clients, after, strict=True):
        proof = proved.get(talked.connection) if talked.connection else None
        judged.append(
            judge(client, known.get(talked.connection), talked, proof, promised=promised, patience_s=patience_s)
        )
    return tuple(judged)
