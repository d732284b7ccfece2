"""A bundle with nonsense in every field of evidence is shown on every screen, and harms none."""

from pathlib import Path

import pytest

from tests.tui.screens import press, says
from tests.unit.bundle.planted import planted
from workbench.bundle.redaction import Consent, Redaction
from workbench.bundle.write import Material, Shot, make, save
from workbench.read.bundle import Bundle
from workbench.tui.app import WorkbenchApp
from workbench.tui.recorded import compared

NONSENSE = ["", "[/x] \x1b[31m\x1b]0;gotcha\x07", "-1", "a -> b -> c " * 50]


@pytest.mark.parametrize("text", NONSENSE, ids=["nothing", "escapes", "a number", "much"])
async def test_every_screen_bears_it(text: str, tmp_path: Path) -> None:
    shot = Shot(text, planted(text))
    path = tmp_path / "b.zip"
    save(make(Material(text, (shot, shot)), Redaction(bytes(32), Consent(True, True, True))), path)
    bundle = Bundle(str(path))
    app = WorkbenchApp(lambda: bundle, judge=compared(bundle))
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await says(pilot, "recorded")
        for key in ("1", "2", "3", "4", "5", "6"):
            await press(pilot, (key, "down", "enter", "escape"))
    assert app.return_code in {None, 0}
