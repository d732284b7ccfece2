"""Two evidences side by side."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.checks.made import IMAGE, IMAGE_SOCKET, LINE, LISTENER, PAIR, SEQUENCES, SOCKET, only, rules
from workbench.cli.sources import read_sources
from workbench.evidence import (
    Connection,
    Endpoint,
    Evidence,
    Holder,
    ImageSocket,
    Queue,
    Sequences,
    SocketTimer,
    TcpState,
)
from workbench.evidence.comparison import Comparison, Relation, compare

RECORDINGS = Path(__file__).parents[3] / "fixtures" / "recordings"


def recorded(*names: str) -> Evidence:
    return read_sources([str(RECORDINGS / name) for name in names]).evidence


def images(*sockets: ImageSocket, path: str = "/images") -> Evidence:
    return only(images=(replace(IMAGE, path=path, sockets=sockets),))


def moved(by: int, **more: int) -> Sequences:
    """All numbers further on, modulo 2^32, some of them still further."""
    numbers = {
        name: (getattr(SEQUENCES, name) + by + more.get(name, 0)) % 2**32
        for name in ("snd_una", "snd_nxt", "write_seq", "rcv_nxt", "copied_seq")
    }
    return replace(SEQUENCES, **numbers)


def meanings(found: Comparison) -> dict[str, str]:
    (pair,) = found.pairs
    return {change.what: change.meaning for change in pair.changes}


def test_two_dumps_of_one_process_show_what_went_on() -> None:
    found = compare(recorded("pairs/dumped-twice/images"), recorded("pairs/dumped-twice/images-later"))
    assert [pair.relation for pair in found.pairs] == [Relation.SAME] * 2
    (pair,) = (each for each in found.pairs if each.changes)
    told = {change.what: change.meaning for change in pair.changes}
    assert told["snd_una"] == "104,128 bytes more acknowledged by the peer"
    assert told["write_seq"] == "104,704 bytes more written by the program"
    assert found.misfits == 0


def test_the_other_way_round_the_second_is_the_older_one() -> None:
    found = compare(recorded("pairs/dumped-twice/images-later"), recorded("pairs/dumped-twice/images"))
    (misfit,) = (misfit for pair in found.pairs for misfit in pair.misfits)
    assert "older" in misfit


@pytest.mark.parametrize(("name", "misfits"), [("both-ends", 0), ("ends-out-of-step", 1)])
def test_both_ends_of_a_connection(name: str, misfits: int) -> None:
    found = compare(recorded(f"pairs/{name}/images"), recorded(f"pairs/{name}/images-caller"))
    (pair,) = found.pairs
    assert pair.relation is Relation.OTHER
    assert found.misfits == misfits
    assert [end.state for end in found.only_first] == [TcpState.LISTEN]
    if misfits:
        assert "100,936 beyond snd_nxt" in pair.misfits[0]
        assert "the first is older" not in pair.misfits[0]
        assert "older than its peer" in pair.misfits[0]


@given(
    base=st.integers(0, 2**32 - 1), acknowledged=st.integers(0, 1 << 20), received=st.integers(0, 1 << 20)
)  # fmt: skip
def test_progress_is_counted_modulo_two_to_the_thirty_second(base: int, acknowledged: int, received: int) -> None:
    before = images(replace(IMAGE_SOCKET, sequences=moved(base)))
    more = dict.fromkeys(("snd_una", "snd_nxt", "write_seq"), acknowledged) | {
        "rcv_nxt": received,
        "copied_seq": received,
    }
    after = images(replace(IMAGE_SOCKET, sequences=moved(base, **more)))
    told = meanings(compare(before, after))
    assert ("snd_una" in told) is (acknowledged > 0)
    if acknowledged:
        assert told["snd_una"].startswith(f"{acknowledged:,} byte")
        assert told["snd_una"].endswith(", past 2^32") is (moved(base, **more).snd_una < moved(base).snd_una)
    assert compare(before, after).misfits == 0
    assert compare(after, before).misfits == (1 if acknowledged or received else 0)


@given(base=st.integers(0, 2**32 - 1), lag=st.integers(-100, 100))
def test_ends_fit_while_what_one_expects_the_other_still_has(base: int, lag: int) -> None:
    server = replace(IMAGE_SOCKET, sequences=moved(base, snd_una=0, snd_nxt=50, write_seq=60))
    client = replace(
        IMAGE_SOCKET,
        connection=LINE.reversed,
        sequences=Sequences(
            snd_una=moved(base).rcv_nxt, snd_nxt=moved(base).rcv_nxt, write_seq=moved(base).rcv_nxt,
            rcv_nxt=(moved(base).snd_una + lag) % 2**32, copied_seq=(moved(base).snd_una + lag) % 2**32,
        ),
    )  # fmt: skip
    found = compare(images(server), images(client, path="/other"))
    assert found.misfits == (0 if 0 <= lag <= 50 else 1)


def test_numbers_that_go_both_ways_are_no_two_moments() -> None:
    before = images(replace(IMAGE_SOCKET, sequences=moved(0)))
    after = images(replace(IMAGE_SOCKET, sequences=moved(0, snd_una=-5, rcv_nxt=5)))
    (pair,) = compare(before, after).pairs
    assert "not two moments of one socket" in pair.misfits[0]


def test_states_queues_options_timers_and_owners() -> None:
    waits = replace(
        SOCKET, state=TcpState.CLOSE_WAIT, send_q=8, timer=SocketTimer.RTO, retransmits=3, congestion="bbr",
        holders=(Holder(51, 4, "server"),),
    )  # fmt: skip
    before = replace(SOCKET, congestion="cubic")
    (pair,) = compare(only(sockets=(before, LISTENER)), only(sockets=(waits,))).pairs
    told = {change.what: (change.before, change.after) for change in pair.changes}
    assert told == {
        "state": ("ESTABLISHED", "CLOSE_WAIT"),
        "process": ("server 50 fd 4", "server 51 fd 4"),
        "timer": ("none", "rto"),
        "retransmissions": ("0", "3"),
        "send queue": ("0", "8"),
        "congestion control": ("cubic", "bbr"),
    }


def test_what_is_in_a_queue_is_told_by_its_digest_only() -> None:
    one = replace(IMAGE_SOCKET, queue=Queue(b"secret", b"", 0))
    other = replace(IMAGE_SOCKET, queue=Queue(b"hidden", b"", 0))
    (pair,) = compare(images(one), images(other)).pairs
    assert [change.what for change in pair.changes] == ["receive queue, sha256"]
    assert "secret" not in repr(pair.changes)


def test_images_are_compared_with_sockets_by_command_and_descriptor() -> None:
    there = replace(SOCKET, holders=(Holder(999, 4, "server"),))
    found = compare(images(IMAGE_SOCKET), only(sockets=(there, LISTENER)))
    (pair,) = found.pairs
    assert pair.changes == ()
    assert [end.state for end in found.only_second] == [TcpState.LISTEN]


def test_a_descriptor_that_is_another_connection_now() -> None:
    anew = Connection(LINE.local, Endpoint("10.0.0.1", 5001))
    found = compare(only(sockets=(SOCKET,)), only(sockets=(replace(SOCKET, peer=anew.peer),)))
    (pair,) = found.pairs
    assert pair.relation is Relation.DESCRIPTOR
    assert pair.changes[0].after == str(anew)
    assert found.only_first == found.only_second == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [({"options": 6}, ["timestamps"]), ({"rcv_wscale": 3}, ["scales it by 3"]), ({"options": 7}, [])],
)
def test_ends_that_agreed_on_something_else(change: dict[str, Any], said: list[str]) -> None:
    server = replace(IMAGE_SOCKET, sequences=None, snd_wscale=7, rcv_wscale=7)
    client = replace(server, connection=LINE.reversed, **change)
    misfits = [misfit for pair in compare(images(server), images(client)).pairs for misfit in pair.misfits]
    assert len(misfits) == len(said)
    assert all(words in misfit for words, misfit in zip(said, misfits, strict=True))


def test_rules_that_came_went_and_counted() -> None:
    before = only(**rules("*filter\n[3:180] -A INPUT -p tcp -j DROP\n[1:60] -A INPUT -j ACCEPT\nCOMMIT\n"))
    after = only(**rules("*filter\n[5:300] -A INPUT -p tcp -j DROP\n[0:0] -A INPUT -p udp -j DROP\nCOMMIT\n"))
    found = compare(before, after)
    assert found.rules_compared
    assert [(change.what.partition(" of ")[0], change.meaning) for change in found.rules] == [
        ("rule", ""), ("rule", ""), ("packets", "2 more"),
    ]  # fmt: skip
    gone, new, _ = found.rules
    assert (gone.before.endswith("INPUT: -j ACCEPT"), gone.after) == (True, "")
    assert (new.before, new.after.endswith("INPUT: -p udp -j DROP")) == ("", True)
    assert compare(before, before).rules == ()
    assert not compare(before, only(sockets=())).rules_compared


def test_a_lock_that_came() -> None:
    before, after = only(**rules("*filter\n-A INPUT -j ACCEPT\nCOMMIT\n")), only(**rules(PAIR))
    assert ("lock of CRIU", "") in [(change.what, change.before) for change in compare(before, after).rules]
    assert ("lock of CRIU", "") in [(change.what, change.after) for change in compare(after, before).rules]


def test_a_container_and_the_host_of_its_peer() -> None:
    found = compare(recorded("podman/echo.tar.zst"), recorded("podman/peer-dumped.ss"))
    assert [pair.relation for pair in found.pairs] == [Relation.OTHER] * 2
    assert found.misfits == 0
