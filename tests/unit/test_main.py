import pytest

from workbench import main


def _interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("place", ["workbench.cli.main.build_parser", "workbench.cli.doctor.doctor"])
def test_ctrl_c_is_told_in_one_line_at_any_moment(
    place: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(place, lambda *_: _interrupt())
    assert main.main(["doctor"]) == 130
    assert capsys.readouterr().err == "workbench: interrupted\n"
