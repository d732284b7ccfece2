"""Who called CRIU, and how its users hand over an option."""

import pytest

from workbench.checking import Fix
from workbench.checking.engines import Engine, advice, engine_of, for_users_of, handing_over, joined


@pytest.mark.parametrize(
    ("text", "engine"),
    [
        ("# podman container checkpoint web", Engine.PODMAN),
        ("cg: `- [memory] -> [/machine.slice/libpod-46ae.scope]", Engine.PODMAN),
        ("Error response from daemon: runc did not terminate: path= /run/containerd/moby/x", Engine.DOCKER),
        ("kubelet Error: failed to restore container", Engine.KUBERNETES),
        ("crio[319557]: level=error", Engine.CRIO),
        ("crio[319557]: restore.log in /var/lib/containers/storage/overlay-containers/7f/userdata", Engine.CRIO),
        ("CRIU logfile /var/lib/containers/storage/overlay-containers/7f/userdata/dump.log", Engine.PODMAN),
        ("Can't open_tree /run/containerd/io.containerd.grpc.v1.cri/sandboxes/7f/resolv.conf", Engine.KUBERNETES),
        ("ctr: runc did not terminate /run/containerd/io.containerd.runtime.v2.task/default/redis", Engine.CONTAINERD),
        ("lxc 20181126 ERROR criu - criu.c:do_dump:1329 - dump failed", Engine.LXD),
        ("/var/log/lxd/c1/snapshot_dump.log", Engine.LXD),
        ("runc restore --image-path x", Engine.RUNC),
        ("crun checkpoint", Engine.CRUN),
        ("(00.1) Dumping FAILED.", Engine.CRIU),
    ],
)
def test_who_called(text: str, engine: Engine) -> None:
    assert engine_of(text) is engine


@pytest.mark.parametrize("engine", list(Engine))
def test_every_engine_can_hand_over_an_option(engine: Engine) -> None:
    fixes = for_users_of(engine, handing_over("network-lock", "nftables"))
    assert len(fixes) == 1
    assert "network-lock nftables" in fixes[0].text


def test_a_flag_of_the_engine_comes_before_its_file() -> None:
    given = handing_over("tcp-established", podman="--tcp-established", runc=True)
    assert "--tcp-established" in for_users_of(Engine.PODMAN, given)[0].text
    assert "--tcp-established" in for_users_of(Engine.RUNC, given)[0].text
    assert "/etc/criu/runc.conf" in for_users_of(Engine.DOCKER, given)[0].text


def test_what_concerns_others_is_left_out() -> None:
    given = joined(advice("Wait.", docker="Restart docker."), advice("Try again."))
    assert for_users_of(Engine.DOCKER, given) == (Fix("Restart docker."), Fix("Wait."), Fix("Try again."))
    assert for_users_of(Engine.PODMAN, given) == (Fix("Wait."), Fix("Try again."))


def test_cri_o_is_used_with_kubernetes() -> None:
    given = advice("Wait.", kubernetes="Use kubectl.", docker="Restart docker.")
    assert for_users_of(Engine.CRIO, given) == (Fix("Use kubectl."), Fix("Wait."))
