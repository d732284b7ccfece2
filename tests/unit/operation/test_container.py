"""What is asked of an engine, and what it cannot be asked."""

import json
from dataclasses import replace
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
from workbench.operation.podman import Monitored, monitored
from workbench.operation.podman import obstacles as podman_obstacles

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
    assert settings(WEB, OPTIONS) == ("ghost-limit 4194304", "network-lock nftables")
    assert settings(WEB, {"tcp_close": True}) == ("tcp-close",)
    assert settings(WEB, {"tcp_established": True}) == ()


CONMON = (
    "/usr/bin/conmon --api-version 1 -c 2c9e -r /usr/sbin/runc -b /s/2c9e/userdata -n web --exit-command"
    " /usr/bin/podman --exit-command-arg --root --exit-command-arg /s --exit-command-arg --network-config-dir"
    "|--exit-command-arg||--exit-command-arg container --exit-command-arg cleanup --exit-command-arg 2c9e"
)
"""podman 4.3.1, shortened; of two arguments one is empty."""


def test_podman_is_known_by_what_conmon_calls_in_the_end() -> None:
    words = CONMON.replace(" ", "|").split("|")
    assert monitored(words) == Monitored("web", ("/usr/bin/podman", "--root", "/s", "--network-config-dir", ""))
    assert monitored(["/usr/bin/conmon", "-n", "web"]) is None
    assert monitored(["/usr/bin/conmon", "-n", "web", "--exit-command", "/usr/bin/crio"]) is None
    assert monitored([]) is None


def test_podman_dumps_and_restores_what_it_runs() -> None:
    web = replace(WEB, podman="podman --root '/a b'")
    start = ("podman", "--root", "/a b", "container")
    flags = ("--tcp-established", "--file-locks")
    assert web.command("dump", "/i", OPTIONS) == (*start, "checkpoint", "--keep", *flags, "--leave-running", "web")
    assert web.command("restore", "/i", OPTIONS) == (*start, "restore", "--keep", *flags, "web")
    assert settings(web, {"shell_job": True}) == ("shell-job",)
    assert web.links("/i")[Path("/srv/web/checkpoint")] == Path("/i")
    assert WEB.links("/i") == {}
    assert container_from(json.loads(json.dumps(container_record(web)))) == web


def test_what_podman_cannot_do_is_said_with_the_way_out(tmp_path: Path) -> None:
    assert podman_obstacles(str(tmp_path), "/run/netns/mine") == ()
    (made,) = podman_obstacles(str(tmp_path), "/run/netns/netns-6d0c")
    assert "--network" in made
    (tmp_path / "checkpoint").mkdir()
    assert "a checkpoint of its own" in podman_obstacles(str(tmp_path), "")[0]


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
