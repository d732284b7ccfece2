"""What our libraries are told is not told to programs of others."""

import os

import pytest

from workbench import environment


def test_what_is_ours_stays_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_ours", set())
    for name in ("OPENBLAS_NUM_THREADS", "ESCDELAY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("COLOUR", "green")
    environment.prepare()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "1"
    assert int(os.environ["ESCDELAY"]) < 100
    others = environment.of_others()
    assert not {"OPENBLAS_NUM_THREADS", "ESCDELAY"} & others.keys()
    assert others["COLOUR"] == "green"


def test_what_somebody_set_is_left_and_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(environment, "_ours", set())
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    environment.prepare()
    assert os.environ["OPENBLAS_NUM_THREADS"] == "7"
    assert environment.of_others()["OPENBLAS_NUM_THREADS"] == "7"
