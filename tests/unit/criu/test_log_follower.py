"""Following a log that is being written."""

from pathlib import Path

from workbench.criu.log_follower import LONGEST_LINE, LogFollower


def test_lines_come_when_they_are_complete(tmp_path: Path) -> None:
    path = tmp_path / "dump.log"
    follower = LogFollower(path)
    assert follower.new_lines() == []
    with path.open("wb", buffering=0) as log:
        log.write(b"(00.000001) first\n(00.00")
        assert follower.wait(5)
        assert [line.text for line in follower.new_lines()] == ["(00.000001) first"]
        log.write(b"0002) second\nlast")
        assert [(line.number, line.text) for line in follower.new_lines()] == [(2, "(00.000002) second")]
    assert [line.text for line in follower.last_words()] == ["last"]
    assert follower.last_words() == []
    follower.close()


def test_a_line_without_an_end_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "dump.log"
    path.write_bytes(b"x" * (3 * LONGEST_LINE) + b"\nnext\n")
    follower = LogFollower(path)
    first, second = follower.new_lines()
    follower.close()
    assert len(first.text) == LONGEST_LINE
    assert second.text == "next"


def test_bytes_that_are_no_text_are_kept_as_surrogates(tmp_path: Path) -> None:
    path = tmp_path / "dump.log"
    path.write_bytes(b"\xff\xfe\n")
    follower = LogFollower(path)
    (line,) = follower.new_lines()
    follower.close()
    assert line.text.encode("utf-8", "surrogateescape") == b"\xff\xfe"


def test_a_link_in_the_place_of_the_log_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").write_text("secret\n")
    (tmp_path / "dump.log").symlink_to(tmp_path / "elsewhere")
    follower = LogFollower(tmp_path / "dump.log")
    assert follower.new_lines() == []
    follower.close()
