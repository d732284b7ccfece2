"""What became of a connection, from both witnesses."""

import pytest

from workbench.evidence import Connection, Endpoint
from workbench.lab.peer import Talked
from workbench.lab.scenario import ClientProgram
from workbench.lab.verdicts import judge_all
from workbench.operation.progress import Proof, Verdict

CONNECTION = Connection(Endpoint("10.77.0.2", 7022), Endpoint("10.77.0.1", 40000))
BEFORE = Talked(CONNECTION, 1000, 640, 640)
AFTER = Talked(CONNECTION, 9000, 8640, 8640, longest_gap_ms=120.0)
GOES_ON = Proof(CONNECTION, Verdict.CONTINUED, "it goes on", {"state": ("ESTABLISHED", "ESTABLISHED")}, 77)
CLIENT = ClientProgram("peer", Verdict.CONTINUED)


def verdict(before: Talked | None, after: Talked, proof: Proof | None) -> tuple[Verdict, str]:
    (judged,) = judge_all(
        (CLIENT,), (before,) if before else (), (after,), (proof,) if proof else (), promised=8000, patience_s=20
    )
    return judged.verdict, judged.sentence


def test_both_witnesses_together_prove_it() -> None:
    (judged,) = judge_all((CLIENT,), (BEFORE,), (AFTER,), (GOES_ON,), promised=8000, patience_s=20)
    assert judged.as_expected
    assert judged.bytes_checked == 2 * 8640
    assert judged.facts["queue_bytes_compared"] == 77
    assert judged.facts["verified_to_client"] == {"before": 640, "after": 8640}
    assert judged.facts["state"] == ("ESTABLISHED", "ESTABLISHED")


@pytest.mark.parametrize(
    ("after", "expected", "word"),
    [
        (Talked(CONNECTION, 9000, 8640, 8639), Verdict.SILENT, "7999 of 8000"),
        (Talked(CONNECTION, 9000, 8640, 8640, ended="ECONNRESET"), Verdict.RESET, "ECONNRESET"),
        (Talked(CONNECTION, 9000, 8640, 8640, ended="ETIMEDOUT"), Verdict.LOST, "ETIMEDOUT"),
        (Talked(CONNECTION, 9000, 8640, 8640, ended="EOF"), Verdict.LOST, "EOF"),
        (Talked(CONNECTION, 9000, 8640, 8640, problem="64 bytes were lost"), Verdict.LOST, "64 bytes"),
    ],
)
def test_a_proof_does_not_outweigh_what_the_programs_saw(after: Talked, expected: Verdict, word: str) -> None:
    found, sentence = verdict(BEFORE, after, GOES_ON)
    assert found is expected
    assert word in sentence


@pytest.mark.parametrize("doubt", [Verdict.SILENT, Verdict.LOCKED, Verdict.LOST, Verdict.RESET])
def test_programs_do_not_outweigh_a_proof_that_fails(doubt: Verdict) -> None:
    assert verdict(BEFORE, AFTER, Proof(CONNECTION, doubt, "because", {})) == (doubt, "because")


def test_the_operation_says_why_it_is_silent() -> None:
    still = Talked(CONNECTION, 9000, 640, 640)
    assert verdict(BEFORE, still, Proof(CONNECTION, Verdict.LOCKED, "a lock stands", {}))[0] is Verdict.LOCKED


def test_without_a_proof_of_the_operation_nothing_is_proved() -> None:
    assert verdict(BEFORE, AFTER, None)[0] is Verdict.SILENT


def test_a_connection_made_afterwards_needs_no_proof_of_the_operation() -> None:
    assert verdict(None, AFTER, None)[0] is Verdict.CONTINUED


def test_a_connection_that_could_not_be_made_is_no_success() -> None:
    assert verdict(None, Talked(None, ended="ECONNREFUSED"), None)[0] is Verdict.RESET
    assert verdict(None, Talked(None, ended="ETIMEDOUT"), None)[0] is Verdict.LOST


def test_a_connection_through_mapped_addresses_finds_its_proof() -> None:
    mapped = Connection(Endpoint("::ffff:10.77.0.2", 7022), Endpoint("::ffff:10.77.0.1", 40000))
    assert verdict(BEFORE, AFTER, Proof(mapped, Verdict.CONTINUED, "it goes on", {}))[0] is Verdict.CONTINUED
