"""Container engines in logs: which one speaks, and how a person who uses it hands CRIU an option."""

import re
from enum import StrEnum

from workbench.checking.finding import Fix


class Engine(StrEnum):
    """Who called CRIU."""

    PODMAN = "podman"
    DOCKER = "docker"
    KUBERNETES = "kubernetes"
    """With CRI-O or containerd under it."""
    CRIO = "cri-o"
    CONTAINERD = "containerd"
    LXD = "lxd"
    """Or Incus, or plain LXC: all call CRIU through liblxc."""
    RUNC = "runc"
    CRUN = "crun"
    CRIU = "criu"
    """A person, or a program of their own."""


# The outermost first: docker's output names containerd and runc too. Paths and cgroup names are those that the
# engines give: libpod-ID.scope, /docker/ID, crio-ID.scope, kubepods.slice, lxc.payload.NAME.
_NAMED = (
    (Engine.PODMAN, ("podman", "libpod", "buildah"), r"\bpodman\b|libpod|buildah"),
    (Engine.LXD, ("lxc", "lxd", "incus"), r"\b(?:lxc|lxd|incus)\b|lxc[-.](?:checkpoint|payload|monitor)"),
    (Engine.DOCKER, ("docker", "/moby/", "error response"), r"\bdockerd?\b|/moby/|error response from daemon"),
    (
        Engine.KUBERNETES,
        ("kube", "k8s.io", "pod sandbox", "v1.cri"),
        r"\bkube(?:let|ctl|rnetes|pods)|kubepods|k8s\.io|\bpod sandbox\b|\bv1\.cri\b",
    ),
    (Engine.CRIO, ("crio", "cri-o", "crictl"), r"\bcri-?o\b|\bcrictl\b|crio-"),
    # The storage of podman and of CRI-O; who is neither Kubernetes nor CRI-O is podman.
    (Engine.PODMAN, ("overlay-containers",), r"overlay-containers"),
    (Engine.CONTAINERD, ("containerd", "ctr "), r"containerd|\bctr (?:-n|c|containers?|checkpoint)\b"),
    (Engine.CRUN, ("crun",), r"\bcrun\b"),
    (Engine.RUNC, ("runc",), r"\brunc\b"),
)
"""Engine, words of which one must be there (a search for a word is many times faster), and how it is named; in small
letters."""


def engine_of(text: str) -> Engine:
    """Who called CRIU, by the names and paths in a log."""
    small = text.lower()
    return next(
        (
            engine
            for engine, words, pattern in _NAMED
            if any(word in small for word in words) and re.search(pattern, small)
        ),
        Engine.CRIU,
    )


Advice = tuple[tuple[Engine | None, Fix], ...]
"""What to do, in this order; what has an engine concerns its users only."""


def handing_over(option: str, value: str = "", *, podman: str = "", runc: bool = False) -> Advice:
    """How CRIU gets an option: on its command line, or through the engine's flag or configuration file.

    ``podman`` is podman's own flag for it, where it has one; ``runc`` says that runc has the flag of the same name.
    runc reads /etc/criu/runc.conf (since 1.0-rc7), crun /etc/criu/crun.conf, CRIU itself /etc/criu/default.conf;
    on a container the annotation org.criu.config names another file. Source: runc docs/checkpoint-restore.md.
    """
    line = f"{option} {value}".strip()
    flag = f"--{line}"
    runc_file = Fix(f"Write the line `{line}` into /etc/criu/runc.conf and try again (runc 1.0-rc7 or newer).")
    both = Fix(
        f"Write the line `{line}` into /etc/criu/crun.conf (runtime crun) or /etc/criu/runc.conf (runtime runc) on the "
        "node, or name a file with it in the annotation org.criu.config of the container."
    )
    own = Fix(f"Give criu the option {flag}.")
    direct = Fix(f"Give podman the option {podman}, at the checkpoint and at the restore.") if podman else both
    docker = Fix(f"docker has no flag for it: write the line `{line}` into /etc/criu/runc.conf (runc 1.0-rc7 on).")
    default = Fix(f"Write the line `{line}` into /etc/criu/default.conf, which CRIU reads whoever calls it.")
    return (
        (Engine.CRIU, own),
        (Engine.PODMAN, direct),
        (Engine.DOCKER, docker),
        (Engine.KUBERNETES, both),
        (Engine.CRIO, both),
        (Engine.CONTAINERD, runc_file),
        (Engine.CRUN, both),
        (Engine.RUNC, Fix(f"Give runc the option {flag}.") if runc else runc_file),
        (Engine.LXD, default),
    )


def advice(*texts: str, **by_engine: str) -> Advice:
    """For users of some engines first, then the same for everybody: ``advice("Free the port.", podman="...")``."""
    named = tuple((Engine[name.upper()], Fix(text)) for name, text in by_engine.items())
    return (*named, *((None, Fix(text)) for text in texts))


def joined(*parts: Advice) -> Advice:
    """Several pieces of advice, in this order."""
    return tuple(piece for part in parts for piece in part)


def for_users_of(engine: Engine, given: Advice) -> tuple[Fix, ...]:
    """What of the advice concerns them; users of CRI-O are users of Kubernetes."""
    owners = (None, engine, *((Engine.KUBERNETES,) if engine is Engine.CRIO else ()))
    return tuple(dict.fromkeys(fix for owner, fix in given if owner in owners))
