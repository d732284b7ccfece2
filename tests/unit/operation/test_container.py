"""What is asked of an engine, and what it cannot be asked."""

import json
from pathlib import Path

import pytest

from workbench.errors import WorkbenchError
from workbench.operation.container import (
    RuncContainer,
    container_from,
    container_named,
    container_record,
    obstacles,
    settings,
)

WEB = RuncContainer("web", "/run/runc", "/srv/web", "/run/netns/app")
OPTIONS: dict[str, object] = {
    "tcp_established": True,
    "file_locks": True,
    "leave_running": True,
    "ghost_limit": 1 << 22,
    "network_lock": "NFTABLES",
    "shell_job": False,
}


def test_commands_are_runcs() -> None:
    places = ("--image-path", "/i", "--work-path", "/i")
    flags = ("--tcp-established", "--file-locks")
    dump = WEB.command("dump", "/i", OPTIONS)
    assert dump == ("runc", "--root", "/run/runc", "checkpoint", *flags, "--leave-running", *places, "web")
    restore = WEB.command("restore", "/i", OPTIONS)
    bundle = ("--bundle", "/srv/web")
    assert restore == ("runc", "--root", "/run/runc", "restore", "--detach", *flags, *places, *bundle, "web")


def test_what_runc_has_no_flag_for_goes_to_criu() -> None:
    assert settings(OPTIONS) == ("ghost-limit 4194304", "network-lock nftables")
    assert settings({"tcp_close": True}) == ("tcp-close",)
    assert settings({"tcp_established": True}) == ()


def test_the_record_comes_back() -> None:
    assert container_from(json.loads(json.dumps(container_record(WEB)))) == WEB
    assert container_from(container_record(None)) is None
    with pytest.raises(TypeError):
        container_from({"id": "web"})


def test_a_bundle_that_cannot_be_read_stands_in_the_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert "runc is not installed" in obstacles(WEB)[0]
    (tmp_path / "runc").touch(mode=0o755)
    assert "no readable config.json" in obstacles(RuncContainer("web", "/run/runc", str(tmp_path)))[0]
    (tmp_path / "config.json").write_text("{}")
    assert obstacles(RuncContainer("web", "/run/runc", str(tmp_path))) == ()


def test_nobody_is_called_like_that() -> None:
    with pytest.raises(WorkbenchError, match="no running container"):
        container_named("no-such-container")
