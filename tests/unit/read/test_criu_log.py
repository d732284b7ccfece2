"""Lines as CRIU 4.2.1 printed them, and lines that nobody would print."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import WorkbenchError
from workbench.evidence import Stage
from workbench.read.criu_log import LINE_LIMIT, parse_line, read_log


def test_a_line_of_criu_itself() -> None:
    line = parse_line(7, "(00.065019) net: Lock network\n")
    assert (line.number, line.seconds, line.pid, line.message) == (7, 0.065019, None, "net: Lock network")
    assert (line.level, line.stage, line.text) == ("info", Stage.LOCKING, "(00.065019) net: Lock network")


def test_a_line_of_a_task_being_restored() -> None:
    line = parse_line(1, "(00.014613)   6120: Error (soccr/soccr.c:529): Can't connect inet socket back: No route")
    assert (line.pid, line.level, line.source) == (6120, "error", "soccr/soccr.c")
    assert line.message == "Can't connect inet socket back: No route"


def test_a_line_of_the_restorer_blob() -> None:
    line = parse_line(1, "(00.099981) pie: 13130: pie: Turning repair off for 3 (reuse 0)")
    assert (line.pid, line.stage, line.seconds) == (13130, Stage.REPAIR_OFF, 0.099981)


def test_a_line_of_the_parasite_has_no_time() -> None:
    line = parse_line(1, "pie: 13130: __fetched msg: 65 0 0")
    assert (line.pid, line.seconds, line.message) == (13130, None, "__fetched msg: 65 0 0")


@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "Jul 08 15:06:14 node crio[319]: {}",
        "2024-07-08T15:06:14.524586307Z stderr F {}",
        "[2023-09-08T11:53:53.719Z] {}",
        "> {}",
        "b'{}'",
        "./image-dir/restore.log-{}",
        "\x1b[31m{}\x1b[0m",
    ],
)
def test_what_others_put_around_a_line(around: str) -> None:
    text = around.format("(00.014613)   6120: Error (soccr/soccr.c:529): Can't connect inet socket back: No route")
    line = parse_line(1, text)
    assert (line.text, line.seconds, line.pid, line.source) == (text, 0.014613, 6120, "soccr/soccr.c")
    assert line.message == "Can't connect inet socket back: No route"
    assert parse_line(1, around.format("(00.041896) Collected 7269 in 1 state")).stage is Stage.FROZEN


def test_lines_of_child_programs() -> None:
    line = parse_line(1, "iptables: Bad rule (does a matching rule exist in that chain?).")
    assert (line.level, line.seconds, line.pid, line.harmless) == ("info", None, None, False)
    assert parse_line(1, "Error: Could not process rule: File exists").level == "error"


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        ("(00.000000) CRIU run id = f09b143c-ceb1-484a-bea3-7a5138971513", Stage.STARTED),
        ("(00.041238) Dumping processes (pid: 7269 comm: python3)", Stage.PRE_DUMP),
        ("(00.041874) Collected (4 attempts, 0 in_progress)", None),
        ("(00.041896) Collected 7269 in 1 state", Stage.FROZEN),
        ("(00.048060) Dumping opened files (pid: 7269)", Stage.SOCKETS),
        ("(00.048937) Dumping pages (type: 59 pid: 7269)", Stage.MEMORY),
        ("(00.054380) Writing image inventory (version 1)", Stage.IMAGES_COMPLETE),
        ("(00.054533) Unfreezing tasks into 2", Stage.RELEASED),
        ("(00.055362) Dumping finished successfully", Stage.DONE),
        ("(00.037828) Dump CRIU run id = f09b143c-ceb1-484a-bea3-7a5138971513", Stage.PRE_RESTORE),
        ("(00.038113) Forking task with 7269 pid (flags 0x0)", Stage.FORKED),
        ("(00.039199)   7269: tcp: Restoring TCP connection", Stage.RESTORING_SOCKETS),
        ("(00.045200) pie: 7269: 7269: Restored", Stage.RESTORED),
        ("(00.045285) net: Unlock network", Stage.UNLOCKED),
        ("(00.053838) Restore finished successfully. Tasks resumed.", Stage.RELEASED),
        ("(00.015205) Error (criu/cr-restore.c:2483): Restoring FAILED.", Stage.FAILED),
        ("Dumping FAILED.", Stage.FAILED),
    ],
)
def test_stages(text: str, stage: Stage | None) -> None:
    assert parse_line(1, text).stage is stage


def test_what_stands_in_successful_runs_too_is_harmless() -> None:
    rlimit = "(00.03) Error (criu/util.c:1534): rlimit: Can't setup RLIMIT_NOFILE for self: Operation not permitted"
    assert parse_line(1, rlimit).harmless
    assert parse_line(1, rlimit).level == "error"
    assert parse_line(1, "Warn  (criu/kerndat.c:698): Can't keep kdat cache on non-tempfs").harmless
    # The only trace of a lock that a restore failed to lift.
    assert not parse_line(1, "Error: Could not process rule: No such file or directory").harmless


@given(st.text())
def test_any_text_is_a_line(text: str) -> None:
    assert parse_line(1, text).text == text.rstrip("\r\n")


@given(st.binary())
def test_any_bytes_are_a_log(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    path = tmp_path_factory.mktemp("log") / "dump.log"
    path.write_bytes(content)
    lines = list(read_log(path))
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    assert len(lines) == content.count(b"\n") + (not content.endswith(b"\n") and bool(content))


def test_a_line_of_ten_megabytes_is_cut_and_the_next_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "dump.log"
    path.write_bytes(b"(00.1) " + b"x" * 10_000_000 + b"\n(00.054533) Unfreezing tasks into 2\n")
    long, last = read_log(path)
    assert len(long.text) == LINE_LIMIT + 1
    assert long.text.endswith("…")
    assert (last.number, last.stage) == (2, Stage.RELEASED)


@pytest.mark.parametrize("length", [LINE_LIMIT - 1, LINE_LIMIT, LINE_LIMIT + 1, 2 * LINE_LIMIT])
def test_lines_about_as_long_as_the_limit_stay_one_line(tmp_path: Path, length: int) -> None:
    path = tmp_path / "dump.log"
    path.write_bytes(b"y" * length + b"\nend\n")
    assert [line.text[-1] for line in read_log(path)] == ["y" if length <= LINE_LIMIT else "…", "d"]


def test_a_log_that_is_not_there_is_an_error_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError) as caught:
        next(read_log(tmp_path / "none.log"))
    assert "none.log" in caught.value.message
    assert caught.value.hint
