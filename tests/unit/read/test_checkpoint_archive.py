"""Archives that podman made (fixtures/recordings/podman/record.sh), and the same packed as other engines pack them."""

import gzip
import io
import json
import os
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import zstandard

from workbench.errors import WorkbenchError
from workbench.evidence import TcpState
from workbench.read.checkpoint_archive import read_checkpoint_archive
from workbench.read.checkpoint_directory import read_checkpoint_directory

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings"
ECHO = RECORDINGS / "podman" / "echo.tar.zst"


def unpacked(path: Path = ECHO) -> dict[str, bytes]:
    """Members of a recorded archive by name."""
    raw = path.read_bytes()
    plain = gzip.decompress(raw) if raw[:1] == b"\x1f" else zstandard.ZstdDecompressor().decompressobj().decompress(raw)
    with tarfile.open(fileobj=io.BytesIO(plain)) as archive:
        return {
            each.name: file.read() for each in archive if (file := archive.extractfile(each) if each.isfile() else None)
        }


def packed(members: Mapping[str, bytes], form: int = tarfile.PAX_FORMAT) -> bytes:
    """A plain tar of them."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w", format=form) as archive:
        for name, content in members.items():
            about = tarfile.TarInfo(name)
            about.size = len(content)
            archive.addfile(about, io.BytesIO(content))
    return made.getvalue()


def written(tmp_path: Path, content: bytes, name: str = "archive") -> Path:
    path = tmp_path / name
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", ["echo.tar.zst", "anew.tar.gz"])
def test_what_podman_made_is_read_with_its_sockets(name: str) -> None:
    read = read_checkpoint_archive(RECORDINGS / "podman" / name)
    (container,), (images,) = read.containers, read.images
    assert (container.engine, container.name, container.image) == ("podman", "echo", "localhost/echo:1")
    assert (container.runtime, container.hostname, container.problems) == ("runc", "echo", ())
    (address,) = container.addresses
    assert (address.interface, address.address, address.prefix) == ("eth0", "10.88.0.55", 16)
    assert address.gateway == "10.88.0.1"
    assert container.network_namespace
    assert "/etc/hosts" in container.mounts
    assert container.images == images.path == str(RECORDINGS / "podman" / name / "checkpoint")
    assert images.complete
    assert images.problems == ()
    assert images.dumps_netns
    assert images.dump_stats
    states = sorted(socket.state for socket in images.sockets)
    assert states == [TcpState.ESTABLISHED] * 2 + [TcpState.LISTEN] * 2
    unread = next(socket for socket in images.sockets if socket.connection.local.port == 7001 and socket.queue)
    assert unread.queue
    assert unread.queue.received == b"never read " * 100


def test_images_are_the_same_as_from_a_directory(tmp_path: Path) -> None:
    from workbench.read.criu_images import read_image_directory

    for name, content in unpacked().items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    (found,) = read_checkpoint_archive(ECHO).images
    there = read_image_directory(tmp_path / "checkpoint")
    assert found.sockets == there.sockets
    assert found.tasks == there.tasks
    assert found.files == there.files


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_every_form_of_tar_and_compression(tmp_path: Path, form: int) -> None:
    long = {f"{'d' * 60}/{'e' * 60}/{name}": content for name, content in unpacked().items()}
    plain = packed(long, form)
    several = gzip.compress(plain[:1000]) + gzip.compress(plain[1000:]) + bytes(512)
    frames = zstandard.compress(plain[:1000]) + zstandard.compress(plain[1000:])
    for content in (plain, several, frames):
        read = read_checkpoint_archive(written(tmp_path, content))
        assert [container.name for container in read.containers] == ["echo"]
        assert len(read.images[0].sockets) == 4


def test_cri_o_says_pod_and_address_in_annotations(tmp_path: Path) -> None:
    members = unpacked()
    spec = json.loads(members["spec.dump"])
    spec["annotations"] = {
        "io.container.manager": "cri-o",
        "io.kubernetes.pod.name": "web",
        "io.kubernetes.pod.namespace": "shop",
        "io.kubernetes.cri-o.IP.0": "10.244.0.7",
    }
    del members["network.status"]
    members |= {
        "spec.dump": json.dumps(spec).encode(),
        "bind.mounts": b"[]",
        "deleted.files": b'["a", "b"]',
        "dump.log": b"(00.000001) Error (criu/tty.c:1): x\n",
    }
    read = read_checkpoint_archive(written(tmp_path, packed(members)))
    (container,) = read.containers
    assert (container.engine, container.pod, container.deleted_files) == ("cri-o", "shop/web", 2)
    assert [each.address for each in container.addresses] == ["10.244.0.7"]
    assert [name.rpartition("/")[2] for name in read.logs] == ["dump.log"]


def test_containerd_is_told_by_its_annotations(tmp_path: Path) -> None:
    members = unpacked()
    members["spec.dump"] = json.dumps(
        {
            "annotations": {
                "io.kubernetes.cri.container-name": "web",
                "io.kubernetes.cri.image-name": "nginx",
                "io.kubernetes.cri.sandbox-name": "pod",
                "io.kubernetes.cri.sandbox-namespace": "shop",
            }
        }
    ).encode()
    members["config.dump"] = b'{"id": "abc", "runtime": "io.containerd.runc.v2"}'
    members["status.dump"] = b"{}"
    (container,) = read_checkpoint_archive(written(tmp_path, packed(members))).containers
    assert (container.engine, container.name, container.image, container.pod) == (
        "containerd", "web", "nginx", "shop/pod",
    )  # fmt: skip


def test_older_podman_has_the_results_of_cni(tmp_path: Path) -> None:
    status = [{"ips": [{"version": "4", "address": "10.88.0.9/16", "gateway": "10.88.0.1"}]}]
    members = unpacked() | {"network.status": json.dumps(status).encode()}
    (container,) = read_checkpoint_archive(written(tmp_path, packed(members))).containers
    assert [(each.address, each.prefix) for each in container.addresses] == [("10.88.0.9", 16)]


def test_an_image_directory_that_somebody_packed_needs_no_engine(tmp_path: Path) -> None:
    files = {f"img/{path.name}": path.read_bytes() for path in (RECORDINGS / "established" / "images").iterdir()}
    read = read_checkpoint_archive(written(tmp_path, packed(files)))
    assert read.containers == ()
    assert read.images[0].complete
    assert sorted(name.rpartition("/")[2] for name in read.logs) == ["dump.log", "restore.log"]


def test_two_containers_of_one_pod_are_told_apart(tmp_path: Path) -> None:
    members = {f"{name}/{member}": content for name in ("a", "b") for member, content in unpacked().items()}
    read = read_checkpoint_archive(written(tmp_path, packed(members)))
    assert [container.images for container in read.containers] == [
        f"{tmp_path}/archive/{name}/checkpoint" for name in ("a", "b")
    ]


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"3", b'{"id": 3, "name": []}', b"[" * 100_000, b'{"a": 1e999}'])
@pytest.mark.parametrize("name", ["config.dump", "spec.dump", "network.status", "deleted.files"])
def test_metadata_that_makes_no_sense_is_a_problem_or_absent(tmp_path: Path, name: str, content: bytes) -> None:
    (container,) = read_checkpoint_archive(written(tmp_path, packed(unpacked() | {name: content}))).containers
    assert container.images


def test_an_archive_without_a_checkpoint_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WorkbenchError, match="holds no checkpoint"):
        read_checkpoint_archive(written(tmp_path, packed({"letter.txt": b"hello"})))


def test_the_same_lying_unpacked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from workbench.cli.main import run
    from workbench.cli.sources import read_sources

    for name, content in (unpacked() | {"dump.log": b"(00.000001) Error (criu/tty.c:1): x\n"}).items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    found = read_sources([str(tmp_path)])
    assert found.unreadable == ()
    (container,) = found.evidence.checkpoints  # type: ignore[misc]
    (images,) = found.evidence.images  # type: ignore[misc]
    (packed_container,) = read_checkpoint_archive(ECHO).containers
    assert container == replace(packed_container, path=str(tmp_path), images=f"{tmp_path}/checkpoint")
    assert len(images.sockets) == 4
    assert [digest.name for digest in found.evidence.logs] == ["dump.log"]  # type: ignore[union-attr]
    assert run(["image", str(tmp_path)]) == 0
    assert capsys.readouterr().out.startswith("podman container echo")


def test_what_lies_unpacked_may_be_hostile(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").mkdir()
    os.mkfifo(tmp_path / "config.dump")
    (tmp_path / "spec.dump").write_bytes(b"[" * (3 << 20))
    found = read_checkpoint_directory(tmp_path)
    assert found.images == ()
    assert {problem.partition(" ")[0] for problem in found.containers[0].problems} == {
        "config.dump",
        "spec.dump",
        "there",
    }
