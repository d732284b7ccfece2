"""Containers as runc writes them down."""

import json
from pathlib import Path

from workbench.collect.processes import ProcessReader
from workbench.collect.runc import RuncState, RuncStates, parse_state
from workbench.evidence import Container

STATE = {
    "id": "web",
    "init_process_pid": 4645,
    "init_process_start": 1314408,
    "cgroup_paths": {"": "/sys/fs/cgroup/unified/web", "pids": "/sys/fs/cgroup/pids/pod7/web"},
    "config": {
        "labels": ["bundle=/srv/web", "malformed"],
        "namespaces": [{"type": "NEWPID", "path": ""}, {"type": "NEWNET", "path": "/run/netns/app"}],
    },
}


def parsed(**changes: object) -> RuncState | None:
    return parse_state(json.dumps({**STATE, **changes}).encode(), "/run/runc")


def test_state_tells_process_bundle_and_namespace() -> None:
    assert parsed() == RuncState(
        "web", "/run/runc", "/srv/web", 4645, 1314408, frozenset({"/web", "/pod7/web"}), "/run/netns/app"
    )


def test_version_2_has_no_directory_between() -> None:
    found = parsed(cgroup_paths={"": "/sys/fs/cgroup/system.slice/runc-web.scope"})
    assert found is not None
    assert found.cgroups == {"/system.slice/runc-web.scope"}


def test_the_place_tells_who_asked_runc() -> None:
    found = parsed()
    assert found is not None
    assert found.engine == "runc"
    assert RuncState("x", "/run/containerd/runc/k8s.io", "", 2, 1, frozenset()).engine == "containerd"
    assert RuncState("x", "/run/docker/runtime-runc/moby", "", 2, 1, frozenset()).engine == "docker"


def test_anything_else_is_no_state() -> None:
    for data in (b"", b"[]", b"{}", b"\xff\x00", b'{"id": 1, "config": []}', b"[" * 100_000):
        assert parse_state(data, "/run/runc") is None
    assert parsed(init_process_pid=None) is None


def test_a_pid_that_is_nobodys_does_not_run() -> None:
    for pid in (0, 1, 1 << 30):
        assert RuncState("x", "/run/runc", "", pid, 1, frozenset()).runs is False


def test_processes_are_told_by_the_control_group(tmp_path: Path) -> None:
    own = (Path("/proc/self/cgroup").read_text().splitlines()[0]).split(":", 2)[2]
    place = tmp_path / "runc" / "web"
    place.mkdir(parents=True)
    # As if the group of this very process were the container's: below a mount point of version 1.
    state = {**STATE, "cgroup_paths": {"pids": f"/sys/fs/cgroup/pids{own}", "": "/sys/fs/cgroup/unified/"}}
    (place / "state.json").write_text(json.dumps(state))
    states = RuncStates([str(tmp_path / "ru*")])
    expected = {} if own == "/" else {own: Container("runc", "web")}
    assert states.by_cgroup() == expected
    reader = ProcessReader(runc_roots=[str(tmp_path / "nothing")])
    assert reader.read()


def test_a_changed_state_is_read_again_and_a_removed_one_forgotten(tmp_path: Path) -> None:
    place = tmp_path / "web"
    place.mkdir()
    file = place / "state.json"
    file.write_text(json.dumps(STATE))
    states = RuncStates([str(tmp_path)])
    assert [each.pid for each in states.read()] == [4645]
    changed = tmp_path / "fresh"
    changed.write_text(json.dumps({**STATE, "init_process_pid": 7}))
    changed.replace(file)
    assert [each.pid for each in states.read()] == [7]
    file.unlink()
    assert states.read() == ()
