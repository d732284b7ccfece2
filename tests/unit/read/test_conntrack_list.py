"""What conntrack -L printed."""

from pathlib import Path

import pytest

from workbench.read.conntrack_list import read_conntrack
from workbench.read.marks import is_conntrack_line

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings" / "podman"


@pytest.mark.parametrize("name", ["conntrack.txt", "conntrack-extended.txt", "conntrack.xml"])
def test_each_form_tells_the_same(name: str) -> None:
    lines = (RECORDINGS / name).read_text().splitlines()
    entries = read_conntrack(lines)
    assert [(str(each.connection), each.state, each.assured, each.mark) for each in entries] == [
        ("10.88.0.1:36940 -> 10.88.0.55:7001", "ESTABLISHED", True, 0),
        ("10.88.0.1:41056 -> 10.88.0.5:7000", "TIME_WAIT", True, 0),
        ("10.88.0.1:52156 -> 10.88.0.55:7000", "ESTABLISHED", True, 0),
    ]
    assert entries[1].timeout_s == 57
    assert is_conntrack_line(lines[1])


def test_an_entry_that_nobody_answered_with_a_mark() -> None:
    line = (
        "tcp      6 119 SYN_SENT src=2001:db8::1 dst=2001:db8::2 sport=1 dport=2 [UNREPLIED] "
        "src=2001:db8::2 dst=2001:db8::1 sport=2 dport=1 mark=49428 zone=3 use=1"
    )
    (entry,) = read_conntrack([line])
    assert (entry.state, entry.assured, entry.mark, entry.connection.local.port) == ("SYN_SENT", False, 49428, 1)


@pytest.mark.parametrize(
    "line",
    [
        "udp 17 29 src=1.1.1.1 dst=2.2.2.2 sport=1 dport=2 [UNREPLIED] src=2.2.2.2 dst=1.1.1.1 sport=2 dport=1",
        "tcp 6 1 ESTABLISHED src=x dst=2.2.2.2 sport=1 dport=2",
        "tcp 6 1 ESTABLISHED src=1.1.1.1 dst=2.2.2.2 sport=70000 dport=2",
        '<flow><layer4 protonum="6"/></flow>',
        "conntrack v1.4.7 (conntrack-tools): 3 flow entries have been shown.",
    ],
)
def test_what_is_no_tcp_entry_is_passed_over(line: str) -> None:
    assert read_conntrack([line]) == ()
