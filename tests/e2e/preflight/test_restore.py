"""What the preflight says of a restore, with and without something in its way, is what CRIU then does."""

import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.e2e.preflight.conftest import Start
from tests.e2e.preflight.harness import Subject, plain, report_of
from tests.e2e.preflight.making import DEVICE
from tests.e2e.preflight.tcp_kinds import ADDRESS
from workbench.checking import Severity
from workbench.collect.namespaces import inside

pytestmark = [pytest.mark.root, pytest.mark.criu]

OPTIONS = {"tcp_established": True, "file_locks": True}


@dataclass
class Scene:
    """A subject that was dumped, and what was put in its way."""

    subject: Subject
    port: int
    file: Path
    held: list[socket.socket] = field(default_factory=list)

    def plant(self, make: Callable[[], list[socket.socket]]) -> None:
        self.held += inside(self.subject.netns_path, make)


def _listener(scene: Scene) -> None:
    scene.plant(lambda: [socket.create_server(("127.0.0.1", scene.port))])


def _outgoing(scene: Scene) -> None:
    def make() -> list[socket.socket]:
        listener = socket.create_server(("127.0.0.1", 0))
        return [socket.create_connection(listener.getsockname(), source_address=("127.0.0.1", scene.port)), listener]

    scene.plant(make)


def _time_wait(scene: Scene) -> None:
    def make() -> list[socket.socket]:
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", scene.port))  # without SO_REUSEADDR
            listener.listen()
            client = socket.create_connection(listener.getsockname())
            listener.accept()[0].close()
            client.recv(1)
            client.close()
        return []

    scene.plant(make)


def _no_address(scene: Scene) -> None:
    scene.subject.inside("ip", "address", "delete", f"{ADDRESS}/24", "dev", DEVICE)


def _no_route(scene: Scene) -> None:
    _no_address(scene)
    scene.subject.inside("ip", "address", "add", f"{ADDRESS}/32", "dev", DEVICE)


def _renamed(scene: Scene) -> None:
    scene.subject.inside("ip", "link", "set", DEVICE, "down")
    scene.subject.inside("ip", "link", "set", DEVICE, "name", "other")
    scene.subject.inside("ip", "link", "set", "other", "up")


def _small_mtu(scene: Scene) -> None:
    scene.subject.inside("ip", "link", "set", DEVICE, "mtu", "400")


def _grown_file(scene: Scene) -> None:
    scene.file.write_text("somebody else's line")


def _restored(scene: Scene) -> None:
    assert scene.subject.restore(OPTIONS) == []


def _nothing(_: Scene) -> None:
    return


@dataclass(frozen=True)
class Case:
    kind: str
    change: Callable[[Scene], None]
    codes: frozenset[str]
    message: str
    """What CRIU says; empty if it restores."""

    def __str__(self) -> str:
        return f"{self.kind}-{self.change.__name__.strip('_')}"


def _case(kind: str, change: Callable[[Scene], None], codes: str, message: str = "") -> Case:
    return Case(kind, change, frozenset(codes.split()), message)


CASES = [
    _case("established", _nothing, ""),
    _case("listen", _nothing, ""),
    _case("to-elsewhere", _nothing, ""),
    _case("bound-device", _nothing, ""),
    _case("flock", _nothing, ""),
    _case("listen", _listener, "IMG007", "Can't bind inet socket: Address already in use"),
    _case("bound", _listener, "IMG007", "Can't bind inet socket: Address already in use"),
    _case("listen", _outgoing, "IMG011", "Can't bind inet socket: Address already in use"),
    _case("listen", _time_wait, "IMG011", "Can't bind inet socket: Address already in use"),
    _case("established", _time_wait, ""),
    _case("established", _outgoing, ""),
    _case("to-elsewhere", _no_address, "IMG004 IMG012", "Can't bind inet socket back: Cannot assign requested address"),
    _case("to-elsewhere", _no_route, "IMG012", "Can't connect inet socket back: Network is unreachable"),
    _case("bound-device", _renamed, "IMG014", "Can't set 1:25 (len 4): No such device"),
    _case("to-elsewhere", _small_mtu, "IMG015"),
    _case("flock", _grown_file, "IMG017", "has bad size"),
    _case("established", _restored, "IMG006 IMG009 IMG013 PRC009", "Can't fork for: File exists"),
    _case("listen", _restored, "IMG007 PRC009", "Can't fork for: File exists"),
    _case("link-local", _nothing, "IMG016", "Can't bind inet socket back: Invalid argument"),
]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_restore(start: Start, tmp_path: Path, case: Case) -> None:
    subject = start(case.kind)
    port = next((each.local.port for each in subject.sockets() if each.pid == subject.pid), 0)
    assert subject.dump(OPTIONS) == []
    scene = Scene(subject, port, tmp_path / "file")
    case.change(scene)
    report = report_of(subject.restore_evidence())
    assert report.broken == ()
    about = [each for each in report.findings if each.code.startswith("IMG") or each.name == "pid-collision"]
    weighty = {each.code for each in about if each.problem.severity is not Severity.NOTE}
    assert weighty == case.codes, about
    errors = subject.restore(OPTIONS)
    if case.message:
        assert any(plain(case.message) in plain(line) for line in errors), errors
    else:
        assert errors == []
    for each in scene.held:
        each.close()
