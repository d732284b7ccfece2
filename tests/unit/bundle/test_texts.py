"""Paths, rules, sentences and log lines: what is known stays, what is not is replaced by its own rule."""

import re

import pytest

from workbench.bundle.addresses import Addresses
from workbench.bundle.log_lines import LogLines
from workbench.bundle.pseudonyms import Pseudonyms
from workbench.bundle.texts import Texts
from workbench.read.criu_log import parse_line

KEY = bytes(range(32))
NAMES = Pseudonyms(KEY)
TEXTS = Texts(Addresses(KEY), NAMES)
LOGS = LogLines(TEXTS)


def shape(text: str) -> str:
    """With every name as N and every replaced address as A."""
    return re.sub(r"\b10\.\d+\.\d+\.\d+", "A", re.sub(r"name-[0-9a-f]{8}", "N", text))


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/home/paul/secret/app.log", "/home/N/N/N.log"),
        ("/proc/4645/fd/7", "/proc/4645/fd/7"),
        ("/tmp/4711", "/tmp/N"),
        ("/run/netns/app", "/run/netns/N"),
        ("/usr/lib/x86_64-linux-gnu/libc.so.6", "/usr/lib/x86_64-linux-gnu/libc.so.6"),
        ("/memfd:cache (deleted)", "/N (deleted)"),
        ("socket:[1234]", "socket:[1234]"),
        ("anon_inode:[io_uring]", "anon_inode:[io_uring]"),
        ("anon_inode:[paul]", "anon_inode:N"),
        ("@/tmp/app.sock", "@/tmp/N.sock"),
        ("images/dump.log", "images/dump.log"),
        ("tcp-stream-2c9f1.img", "tcp-stream-2c9f1.img"),
        ("ipcns-var-10.img", "ipcns-var-10.img"),
        ("customers.img", "N.img"),
        ("/user.slice/user-1000.slice/session-3.scope", "/user.slice/user-1000.slice/session-3.scope"),
        ("", ""),
        ("/", "/"),
    ],
)
def test_paths(path: str, expected: str) -> None:
    assert shape(TEXTS.path(path)) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("criu/sk-inet.c", "criu/sk-inet.c"),
        ("criu/pie/restorer.c", "criu/pie/restorer.c"),
        ("soccr/soccr.c", "soccr/soccr.c"),
        ("criu/customers.c", "criu/N"),
        ("criu/customers/files.c", "criu/N/N"),
    ],
)
def test_files_of_criu_s_source_stay(source: str, expected: str) -> None:
    assert shape(TEXTS.source(source)) == expected


def test_an_identifier_stays_one_and_its_short_form_fits() -> None:
    whole = "0123456789abcdef" * 4
    found = TEXTS.path(f"/system.slice/docker-{whole}.scope")
    match = re.fullmatch(r"/system\.slice/docker-([0-9a-f]{64})\.scope", found)
    assert match
    assert match[1] == NAMES.name(whole) != whole
    assert match[1].startswith(NAMES.name(whole[:12]))


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ("ip saddr 10.0.0.9 tcp dport { 22, 80-90 } drop", "ip saddr A tcp dport { 22, 80-90 } drop"),
        ('iifname "eth0" counter packets 3 bytes 180 accept', 'iifname "eth0" counter packets 3 bytes 180 accept'),
        ('iifname "customer7" accept comment "for paul"', 'iifname "N" accept comment "N"'),
        ("-s 10.0.0.1/32 -p tcp -m mark ! --mark 0xc114 -j DROP", "-s A/32 -p tcp -m mark ! --mark 0xc114 -j DROP"),
        ("-i wan0 -j MYCHAIN", "-i N -j N"),
        ("jump DOCKER-USER", "jump DOCKER-USER"),
        ("ip saddr . tcp sport @conns4 drop", "ip saddr . tcp sport @conns4 drop"),
        ("ip saddr @customers drop", "ip saddr @N drop"),
        ("ip saddr 10.0.0.1-10.0.0.9 reject with tcp reset", "ip saddr A-A reject with tcp reset"),
    ],
)
def test_rules(rule: str, expected: str) -> None:
    assert shape(TEXTS.rule(rule)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("open files of process 12, 13 may not be read", "open files of process 12, 13 may not be read"),
        ("/home/paul/x cannot be read: Permission denied", "/home/N/N cannot be read: Permission denied"),
        ("10.0.0.1:80 -> 10.0.0.2:4000 is damaged", "A:80 -> A:4000 is damaged"),
        ("the container paul is gone", "the container N is gone"),
    ],
)
def test_sentences(text: str, expected: str) -> None:
    assert shape(TEXTS.sentence(text)) == expected


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        ("6.18.44-cloud-amd64", "6.18.44-cloud-amd64"),
        ("6.1.0-acme7", "6.1.0-N"),
        ("4.2.1", "4.2.1"),
    ],
)
def test_versions(release: str, expected: str) -> None:
    assert shape(TEXTS.release(release)) == expected


def test_a_word_means_the_same_wherever_it_stands() -> None:
    name = NAMES.name("app")
    assert TEXTS.path("/run/netns/app") == f"/run/netns/{name}"
    assert TEXTS.sentence("the container app") == f"the container {name}"
    assert TEXTS.command("app") == TEXTS.interface("app") == TEXTS.user("app") == name


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("(00.013836)   6120: tcp: Restoring TCP connection id c ino 20be11",) * 2,
        (
            "(00.1) 23: Error (criu/sk-inet.c:7): inet: Can't bind inet socket (id 3): Cannot assign requested address",
        ) * 2,
        (
            "(00.01) Error (criu/files-reg.c:9): Can't open file home/paul/db on restore: No such file or directory",
            "(00.01) Error (criu/files-reg.c:9): Can't open file home/N/N on restore: No such file or directory",
        ),
        ("customer 4711 bought peanuts", ""),
        ("Error response from daemon: no container paul", "Error response from daemon: no container …"),
        ("b'17 Error (criu/net.c:3): net: Unlock network failed for paul'", None),
    ],
)  # fmt: skip
def test_log_lines(line: str, expected: str | None) -> None:
    found = LOGS.text(line)
    assert "paul" not in found
    assert "peanuts" not in found
    if expected is not None:
        assert shape(found) == expected


def test_a_rebuilt_line_is_read_as_what_the_line_was() -> None:
    line = "(00.01)   17: Error (criu/files-reg.c:9): Can't open file paul on restore: No such file or directory"
    before, after = parse_line(1, line), parse_line(1, LOGS.text(line))
    for name in ("seconds", "pid", "level", "source", "stage", "harmless"):
        assert getattr(before, name) == getattr(after, name)
    assert after.message == LOGS.message(before.message)


def test_a_hostile_line_takes_no_time() -> None:
    line = "Error (criu/x.c:1): " + "Can't open fd from to of : " * 4000
    assert len(LOGS.text(line)) < len(line) * 2
