"""``workbench bundle``, ``bundle show``, and what takes a bundle: by a person who has neither root nor CRIU."""

import io
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from tests.unprivileged import as_nobody
from workbench.bundle.archive import Content, pack
from workbench.bundle.write import Made, save
from workbench.cli.main import run
from workbench.evidence.recording import Manifest

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings"
PAIR = sorted(str(path) for path in (RECORDINGS / "pairs" / "ends-out-of-step").iterdir())


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("WORKBENCH_STATE", str(tmp_path / "state"))
    return tmp_path / "state"


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory that everybody may read."""
    found = Path(tempfile.mkdtemp(prefix="bundle-"))
    found.chmod(0o755)
    yield found
    shutil.rmtree(found)


def said(*words: str) -> tuple[int, str, str]:
    """Exit status, standard output and standard error."""
    output, errors = io.StringIO(), io.StringIO()
    with redirect_stdout(output), redirect_stderr(errors):
        try:
            status = run(words)
        except SystemExit as ended:
            status = int(str(ended.code))
    return status, output.getvalue(), errors.getvalue()


def made(place: Path, *options: str) -> Path:
    images = [word for path in PAIR for word in ("--images", path)]
    status, _, errors = said("bundle", "-o", str(place / "b.zip"), *images, *options)
    assert status == 0, errors
    return place / "b.zip"


def test_images_alone_make_one_and_what_is_found_in_it_is_the_same(tmp_path: Path) -> None:
    before = json.loads(said("check", *PAIR, "--format", "json")[1])
    status, output, errors = said("check", str(made(tmp_path)), "--format", "json")
    after = json.loads(output)
    assert status == 1
    assert [each["code"] for each in after["findings"]] == [each["code"] for each in before["findings"]] == ["IMG020"]
    assert after["evidence"]["redacted"] is True
    assert before["evidence"]["redacted"] is False
    assert "when the bundle was made" not in errors


def test_it_is_for_its_owner_alone_and_the_key_stays_at_home(tmp_path: Path, state: Path) -> None:
    bundle = made(tmp_path)
    assert stat.S_IMODE(bundle.stat().st_mode) == 0o600
    key = state / "bundle.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_bytes() not in bundle.read_bytes()


def test_the_same_host_gives_the_same_bytes(tmp_path: Path, state: Path) -> None:
    first = made(tmp_path).read_bytes()
    assert made(tmp_path, "--force").read_bytes() == first
    (state / "bundle.key").unlink()
    assert made(tmp_path, "--force").read_bytes() != first


def test_a_dry_run_lists_what_would_be_in_it_and_writes_nothing(tmp_path: Path) -> None:
    status, output, _ = said("bundle", "--dry-run", "-o", str(tmp_path / "b.zip"), "--images", PAIR[0])
    assert status == 0
    assert "moments/0001/images.json" in output
    assert "stays at home" in output
    assert not (tmp_path / "b.zip").exists()


def test_a_file_that_is_there_is_not_replaced(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    status, _, errors = said("bundle", "-o", str(bundle), "--images", PAIR[0])
    assert status == 2
    assert "is there already" in errors


def test_what_cannot_be_read_is_named(tmp_path: Path) -> None:
    bundle = str(tmp_path / "b.zip")
    status, _, errors = said("bundle", "-o", bundle, "--images", PAIR[0], "--log", str(tmp_path / "none.log"))
    assert status == 0
    assert "none.log" in errors
    gaps = json.loads(said("check", bundle, "--format", "json")[1])["evidence"]["gaps"]
    assert [each["section"] for each in gaps] == ["sources"]
    assert said("bundle", "-o", str(tmp_path / "c.zip"), "--log", str(tmp_path / "none.log"))[0] == 2


def test_show_says_what_is_in_it(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    status, output, _ = said("bundle", "show", str(bundle))
    assert status == 0
    assert "moments/0001/images.json" in output
    assert "IMG020 ends-out-of-step" in output
    document = json.loads(said("bundle", "show", str(bundle), "--format", "json")[1])
    assert document["bundle"]["moments"][0]["title"] == "recorded"
    assert [each["code"] for each in document["findings"]] == ["IMG020"]


def test_what_does_not_fit_is_left_out_and_said(tmp_path: Path) -> None:
    log = tmp_path / "dump.log"
    numbers = (n * 7919 % 10007 for n in range(3000))
    log.write_text("".join(f"Error (criu/x.c:1): Can't open fd {n} of {n * n % 9973}\n" for n in numbers))
    status, output, _ = said("bundle", "-o", str(tmp_path / "b.zip"), "--log", str(log), "--max-size", "80KiB")
    assert status == 0
    assert "the bundle would be too large" in output
    assert (tmp_path / "b.zip").stat().st_size <= 80 << 10
    assert said("bundle", "show", str(tmp_path / "b.zip"))[0] == 0


@pytest.mark.parametrize(
    "words", [("--max-size", "1KiB"), ("--max-size", "nonsense"), ("--seconds", "0"), ("--seconds", "99999")]
)
def test_nonsense_is_refused(words: tuple[str, ...], tmp_path: Path) -> None:
    assert said("bundle", "--dry-run", *words)[0] == 2


def test_an_operation_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    status, _, errors = said("bundle", "--dry-run", "--operation", "dump-1-ab")
    assert status == 2
    assert "dump-1-ab" in errors


def test_a_second_bundle_is_refused(tmp_path: Path) -> None:
    bundle = made(tmp_path)
    shutil.copy(bundle, tmp_path / "other.zip")
    status, _, errors = said("check", str(bundle), str(tmp_path / "other.zip"))
    assert status == 2
    assert "compare" in errors


def test_open_needs_a_terminal(tmp_path: Path) -> None:
    status, _, errors = said("open", str(made(tmp_path)))
    assert status == 2
    assert "terminal" in errors


def test_what_later_checks_find_otherwise_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if the checks of then had been others."""
    from workbench.bundle import judged
    from workbench.evidence.recording import RecordedFinding

    other = RecordedFinding(0, "IMG999", "nobody-knows", "error", "image x", "It was so.")
    monkeypatch.setattr(judged.LibraryJudge, "__call__", lambda *_: (other,))
    bundle = made(tmp_path)
    monkeypatch.undo()
    errors = said("check", str(bundle))[2]
    assert "found now, not when the bundle was made: error IMG020" in errors
    assert "IMG999" not in errors  # of checks that are no longer there nothing can be said
    assert "IMG999" in said("bundle", "show", str(bundle))[1]


def test_nobody_without_tools_without_pycriu_sees_the_same(place: Path) -> None:
    bundle = made(place)
    bundle.chmod(0o644)
    expected = [said(*words)[:2] for words in _looks(bundle)]

    def look() -> list[tuple[int, str]]:
        os.environ["PATH"] = ""
        os.environ["HOME"] = "/nonexistent"
        for name in [name for name in sys.modules if name.partition(".")[0] == "pycriu"]:
            del sys.modules[name]
        sys.modules["pycriu"] = None  # type: ignore[assignment]
        return [said(*words)[:2] for words in _looks(bundle)]

    assert [tuple(each) for each in as_nobody(look)] == expected


def _looks(bundle: Path) -> list[tuple[str, ...]]:
    return [
        ("check", str(bundle)),
        ("check", str(bundle), "--format", "json"),
        ("bundle", "show", str(bundle)),
        ("locks", str(bundle)),
        ("sockets", str(bundle)),
    ]


@contextmanager
def recording(bundle: Path) -> "Iterator[subprocess.Popen[str]]":
    """A bundle for which this host is being recorded."""
    command = [sys.executable, "-m", "workbench.main", "bundle", "--seconds", "600", "-o", str(bundle)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        try:
            assert program.stderr is not None
            assert any("recording, " in line for line in program.stderr)
            yield program
        finally:
            program.kill()


def test_an_interrupted_recording_is_kept_and_says_so(tmp_path: Path) -> None:
    bundle = tmp_path / "b.zip"
    with recording(bundle) as program:
        program.send_signal(signal.SIGINT)
        output, errors = program.communicate(timeout=60)
    assert program.returncode == 0, errors
    assert "of 600 seconds: the recording was interrupted" in output
    document = json.loads(said("bundle", "show", str(bundle), "--format", "json")[1])["bundle"]
    assert [each["why"] for each in document["left_out"]] == ["the recording was interrupted"]
    assert document["title"] != "this host for 600 seconds"
    assert len(document["moments"]) > 1


def test_who_interrupts_twice_gets_nothing_and_nothing_is_left(tmp_path: Path) -> None:
    with recording(tmp_path / "b.zip") as program:
        program.send_signal(signal.SIGSTOP)
        for number in (signal.SIGINT, signal.SIGTERM):  # of one number the second would be lost
            program.send_signal(number)
        program.send_signal(signal.SIGCONT)
        _, errors = program.communicate(timeout=60)
    assert program.returncode == 130
    assert "Traceback" not in errors
    assert {path.name for path in tmp_path.iterdir()} <= {"state"}


def test_what_is_interrupted_while_it_is_written_leaves_no_file(tmp_path: Path) -> None:
    class Interrupted:
        def __iter__(self) -> Iterator[Content]:
            yield pack("manifest.json", b"{}")
            raise KeyboardInterrupt

    made = Made(Manifest("", "", True, (), {}), Interrupted())  # type: ignore[arg-type]
    with pytest.raises(KeyboardInterrupt):
        save(made, tmp_path / "b.zip")
    assert {path.name for path in tmp_path.iterdir()} <= {"state"}
