"""When a sign in a log counts, and what the log tells beside it."""

from pathlib import Path

import pytest

from workbench.checking import Problem, Severity
from workbench.checking.engines import advice
from workbench.checking.log_signs import Cause, Sign, Weight, problems
from workbench.evidence import LogKind
from workbench.read.log_digest import read_digest

ERROR = "(00.3) Error (criu/sk-inet.c:7): inet: Can't bind"
RESTORE = "(00.2) inet: \tRestore: family AF_INET6 type SOCK_STREAM port 80 state TCP_LISTEN src_addr fe80::1"
DONE = "(00.9) Restore finished successfully. Tasks resumed."
RUNNING = "(00.0) Running on host Linux 6.13.4-200.fc41 #1 SMP"


@pytest.fixture
def ask(tmp_path: Path) -> "Ask":
    return Ask(tmp_path)


class Ask:
    """Asks one sign about a log."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "restore.log"

    def __call__(self, sign: Sign, *lines: str) -> Problem | None:
        self._path.write_text("\n".join(lines) + "\n")
        return next(problems(Cause("Because.", (sign,)), (read_digest(self._path),)), None)


@pytest.mark.parametrize(
    ("sign", "counts"),
    [
        (Sign("Can't bind"), True),
        (Sign(("absent", "Can't bind")), True),
        (Sign("Can't listen"), False),
        (Sign("Can't", r"bind$"), True),
        (Sign("Can't", r"^bind"), False),
        (Sign("Can't", file="sk-inet.c sk-unix.c"), True),
        (Sign("Can't", file="net.c"), False),
        (Sign(form="bind"), True),
        (Sign(form="family"), False),  # an information, no error
        (Sign(file="sk-inet.c"), True),
        (Sign("Can't", socket=r"src_addr +fe80"), True),
        (Sign("Can't", socket=r"src_addr +10\."), False),
        (Sign("Can't", before="Restore: family"), True),
        (Sign("Can't", before="Lock network"), False),
        (Sign("Can't", beside=r"^\(00\.0\) Running"), True),
        (Sign("Can't", beside="tentative"), False),
        (Sign("Can't", without="Running on"), False),
        (Sign("Can't", kind=LogKind.RESTORE), True),
        (Sign("Can't", kind=LogKind.DUMP), False),
        (Sign("Can't", since_kernel="6.13"), True),
        (Sign("Can't", since_kernel="6.16"), False),
        (Sign("Can't", until_kernel="4.10"), False),
        (Sign("Can't", until_kernel="6.16"), True),
    ],
)
def test_conditions(ask: Ask, sign: Sign, counts: bool) -> None:
    assert (ask(sign, RUNNING, RESTORE, ERROR) is not None) is counts


def test_a_sign_may_advise_something_of_its_own(ask: Ask) -> None:
    told = ask(Sign("Can't", advice=advice("Wait.", podman="Ask podman.")), ERROR)
    assert told
    assert [fix.text for fix in told.fixes] == ["Wait."]


def test_a_kernel_that_is_not_named_contradicts_nothing(ask: Ask) -> None:
    assert ask(Sign("Can't", since_kernel="6.16", until_kernel="4.10"), ERROR)


def test_success_after_it_takes_its_meaning(ask: Ask) -> None:
    assert ask(Sign("Can't"), ERROR, DONE) is None
    assert ask(Sign("Can't"), DONE, ERROR) is not None
    kept = ask(Sign("Can't", on_success=Severity.WARNING), ERROR, DONE)
    assert kept
    assert kept.severity is Severity.WARNING


def test_a_probe_that_went_well_takes_hints_only(ask: Ask) -> None:
    assert ask(Sign("Can't", weight=Weight.HINT), ERROR, "Looks good.") is None
    assert ask(Sign("Can't"), ERROR, "Looks good.") is not None


@pytest.mark.parametrize(
    "noise",
    [
        "Error (criu/util.c:714): exited, status=1",
        "(00.1) Error (criu/cr-restore.c:1): 3127 killed by signal 9: Killed",
        "(00.1) Error (criu/files.c:1221): Unable to open fd=111 id=0x94e",
        "(00.1) Error (criu/crtools.c:1): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted",
        "(00.1) Warn  (criu/net.c:1): Unable to get tun network namespace",
    ],
)
def test_noise_is_no_sign_by_itself(ask: Ask, noise: str) -> None:
    assert ask(Sign(form="."), noise) is None


def test_the_weightier_sign_and_then_the_earlier_line(ask: Ask) -> None:
    two = Cause("", (Sign("late", message="late"), Sign("early", message="early"), Sign("hint", weight=Weight.HINT)))
    path = ask._path
    path.write_text("hint\nx early\nx late\n")
    assert [problem.message for problem in problems(two, (read_digest(path),))] == ["early"]
    first, second = (next(problems(Cause("", (sign,)), (read_digest(path),))) for sign in (Sign("early"), Sign("late")))
    assert first.weight > second.weight
    assert first.failure == second.failure == str(path)


def test_what_the_log_tells_of_the_socket(ask: Ask) -> None:
    other = RESTORE.replace("fe80::1", "10.0.0.1").replace("(00.2) ", "(00.2)  77: ")
    problem = ask(
        Sign("Can't"),
        "(00.1) Opening fdinfo-s",
        RESTORE.replace("(00.2) ", "(00.2)  5: "),
        other,
        ERROR.replace("(00.3) ", "(00.3)  5: "),
        "(00.4)  5: Error (criu/files.c:1): Unable to open fd=9 id=0xc",
    )
    assert problem
    assert problem.facts["pid"] == 5
    assert problem.facts["fd"] == 9
    assert (problem.facts["address"], problem.facts["port"]) == ("fe80::1", "80")
    assert problem.facts["stage"] == "restoring sockets"
    assert problem.message == "Because. (process 5, descriptor 9, local address [fe80::1]:80)"
    assert [quote.line for quote in problem.quotes] == [2, 4]


def test_the_line_number_in_the_source_never_counts(ask: Ask) -> None:
    assert ask(Sign("Can't", file="sk-inet.c"), ERROR.replace(":7)", ":99999)"))


def test_a_line_within_another_programs_output(ask: Ask) -> None:
    wrapped = "b'(00.01)  5: Error (criu/sk-inet.c:7): inet: Can\\'t bind'"
    problem = ask(Sign("bind", file="sk-inet.c"), wrapped)
    assert problem
    assert problem.facts["pid"] == 5
