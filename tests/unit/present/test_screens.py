"""The tables and details of the screens, on the made-up host."""

from dataclasses import replace

import pytest

from tests.sample import APP, CLIENT_END, CONNECTION, HOSTILE, SERVER_END, evidence, hostile_evidence, socket, tcp_info
from tests.sample_operation import finished, held
from workbench.evidence import (
    Evidence,
    Gap,
    Holder,
    ImageDirectory,
    LockScope,
    Process,
    RestoreStats,
    Rule,
    Socket,
    SocketTimer,
    TcpState,
)
from workbench.evidence.lock_map import LockUse
from workbench.operation.progress import End, Watched
from workbench.present.checkpoints import checkpoint_detail, checkpoints_table
from workbench.present.connection_detail import agreement, connection_detail
from workbench.present.connections import (
    connections_table,
    owner,
    process_text,
    stalled_receive,
    stalled_send,
    timer_text,
)
from workbench.present.header import freshness, header_line
from workbench.present.line import Line, Tone, plain, plain_lines
from workbench.present.netfilter import netfilter_detail, netfilter_table
from workbench.present.operation import connection_lines, cost_line, hold_lines, lock_lines, log_lines, log_title
from workbench.present.processes import process_detail, processes_table
from workbench.present.situation import Situation

SITUATION = Situation(evidence())


def _socket(cookie: int) -> Socket:
    return next(each for each in SITUATION.sockets if each.cookie == cookie)


def _text(lines: list[Line]) -> str:
    return "\n".join(plain_lines(lines))


def test_locked_sockets_stand_first_and_fading_ones_last() -> None:
    rows = connections_table(SITUATION).rows
    assert [row.cells[0] for row in rows] == ["ESTAB!", "ESTAB", "CLOSW", "LISTEN", "TIMEW"]
    assert rows[0].tones[0] is Tone.BAD


def test_a_timer_that_backs_off_and_a_queue_that_stands_still_are_marked() -> None:
    row = connections_table(SITUATION).rows[0]
    titles = [column.key for column in connections_table(SITUATION).columns]
    tones = dict(zip(titles, row.tones, strict=True))
    assert tones["timer"] is Tone.BAD
    assert tones["send_q"] is Tone.WARNING
    assert timer_text(_socket(1)) == "rto 1.6s x3"
    assert timer_text(_socket(4)) == "tw 41s"


def test_queues_that_move_are_not_marked() -> None:
    moving = socket(1, SERVER_END, CLIENT_END, TcpState.ESTABLISHED, send_q=5, recv_q=5, info=tcp_info())
    assert not stalled_send(moving)
    assert not stalled_receive(moving)
    listening = socket(1, SERVER_END, CLIENT_END, TcpState.LISTEN, send_q=128, recv_q=1)
    assert not stalled_send(listening)
    unread = replace(moving, info=tcp_info(last_data_recv_ms=5000))
    assert stalled_receive(unread)


def test_a_criu_at_work_is_not_the_owner_of_the_socket_it_dumps() -> None:
    both = replace(_socket(1), holders=(Holder(9, 21, "criu"), Holder(4645, 4, "server")))
    assert owner(both) == Holder(4645, 4, "server")
    assert process_text(both) == "server 4645 +1"


def test_the_detail_of_a_locked_connection_tells_queue_timer_lock_and_peer() -> None:
    text = _text(connection_detail(_socket(1), SITUATION, 78))
    for part in (
        "590 in flight",
        "snd_una 2256392420",
        "retransmission in 1.6 s, 3 unanswered; gives up in 15 min",
        "LEAK: holds back 10.0.0.2:7022 -> 10.0.0.1:56692 of server 4645 fd 4",
        "images /var/lib/workbench/images/server-4645",
        "on this host: client 4687, ESTABLISHED; 590 bytes to it and 0 from it on their way",
        "nothing acknowledged for 12.0 s",
    ):
        assert part in text


def test_without_sequence_numbers_the_queues_and_the_reason_are_told() -> None:
    situation = Situation(evidence(sequences=Gap("sequences", "no BTF", "use a kernel with BTF")))
    text = _text(connection_detail(_socket(1), situation, 78))
    assert "590 bytes not acknowledged" in text
    assert "no sequence numbers: no BTF: use a kernel with BTF" in text


def test_two_ends_that_do_not_fit_are_told() -> None:
    ours, theirs = SITUATION.sequences_of(_socket(1)), SITUATION.sequences_of(_socket(2))
    assert ours is not None
    assert theirs is not None
    assert agreement(ours, replace(theirs, rcv_nxt=ours.snd_nxt)) == ("agrees byte for byte", Tone.GOOD)
    wrong = agreement(ours, replace(theirs, rcv_nxt=ours.snd_nxt + 1))
    assert wrong[1] is Tone.BAD
    assert "differ by -1" in wrong[0]


def test_processes_with_connections_stand_first_with_their_tree() -> None:
    rows = processes_table(SITUATION).rows
    assert [row.cells[0] for row in rows] == ["4645", "4687", "1", "4646"]
    assert rows[0].cells[4:7] == ("1", "1", "1")
    assert isinstance(rows[0].subject, Process)
    text = _text(process_detail(rows[0].subject, SITUATION))
    assert "with 1 descendant: worker 4646" in text
    assert "LEAK lock" in text


def test_locks_stand_before_rules_that_look_at_their_mark_and_all_others() -> None:
    rows = netfilter_table(SITUATION).rows
    marks = [row.cells[0].strip() for row in rows]
    assert marks == ["LEAK", *["."] * 6, "mark", ""]
    assert rows[0].cells[-1] == "10.0.0.2:7022 <-> 10.0.0.1:56692"
    assert rows[0].cells[7] == "server 4645"
    use, rule = rows[0].subject, rows[-1].subject
    assert isinstance(use, LockUse)
    assert isinstance(rule, Rule)
    assert "/var/lib/workbench/images/server-4645: 2 processes, 1 TCP socket" in _text(netfilter_detail(use, SITUATION))
    assert "71 packets" in _text(netfilter_detail(rule, SITUATION))


def test_images_tell_their_queues_and_what_stands_in_the_way() -> None:
    row = checkpoints_table(SITUATION).rows[0]
    assert row.cells[:4] == ("runs on", "server 4645 +1", "1", "590 B")
    assert isinstance(row.subject, ImageDirectory)
    text = _text(checkpoint_detail(row.subject, SITUATION))
    assert "0 unread, 590 unacknowledged, 0 unsent" in text
    assert "pid 4645 is in use now (server)" in text
    assert row.cells[6] == "12 s"
    undated = evidence(images=(replace(row_image(), modified=0.0),))
    assert checkpoints_table(Situation(undated)).rows[0].cells[6] == "-"
    gone = Situation(evidence(processes={}))
    assert checkpoints_table(gone).rows[0].cells[0] == "waiting"


def test_images_of_a_restore_that_was_turned_back_wait_as_long_as_their_lock_stands() -> None:
    restored = replace(row_image(), restore_stats=RestoreStats(50_000, 2_000, 900))
    turned_back = evidence(images=(restored,), processes={}, sockets=())
    assert checkpoints_table(Situation(turned_back)).rows[0].cells[0] == "waiting"
    assert checkpoints_table(Situation(replace(turned_back, locks=()))).rows[0].cells[0] == "restored"


def row_image() -> ImageDirectory:
    """The image directory of the made-up host."""
    images = evidence().images
    assert not isinstance(images, Gap)
    return images[0]


@pytest.mark.parametrize("section", ["sockets", "processes", "rules", "images"])
def test_a_section_that_could_not_be_read_is_a_gap_in_its_table(section: str) -> None:
    gap = Gap(section, "not permitted", "run as root")
    situation = Situation(evidence(**{section: gap}))
    tables = {
        "sockets": connections_table,
        "processes": processes_table,
        "rules": netfilter_table,
        "images": checkpoints_table,
    }
    assert tables[section](situation).gap is gap


def _everything(found: Evidence) -> str:
    situation = Situation(found)
    lines: list[Line] = [header_line(HOSTILE, found, "live 1 s", 200, paused=False)]
    for make in (connections_table, processes_table, netfilter_table, checkpoints_table):
        table = make(situation)
        lines += [((cell, Tone.NORMAL),) for row in table.rows for cell in row.cells]
    for each in situation.sockets:
        lines += connection_detail(each, situation, 80)
    for process in situation.processes.values():
        lines += process_detail(process, situation)
    for row in netfilter_table(situation).rows:
        assert isinstance(row.subject, (Rule, LockUse))
        lines += netfilter_detail(row.subject, situation)
    for row in checkpoints_table(situation).rows:
        assert isinstance(row.subject, ImageDirectory)
        lines += checkpoint_detail(row.subject, situation)
    return _text(lines)


def test_hostile_text_is_printable_everywhere() -> None:
    text = _everything(hostile_evidence())
    assert text.count("\\x1b]52") > 20
    assert all(letter.isprintable() for letter in text.replace("\n", ""))


def test_the_header_leaves_out_what_does_not_fit() -> None:
    wide = plain(header_line("host-a", evidence(), "live 1 s", 80, paused=False))
    assert wide == f"{' workbench host-a  6.18.0  criu 4.2.1 works':71}live 1 s"
    narrow = plain(header_line("host-a", evidence(), "live 1 s", 40, paused=False))
    assert len(narrow) <= 40
    assert narrow.endswith("live 1 s")


def test_freshness_in_words() -> None:
    assert freshness(live=True, paused=False, interval_s=1, behind_s=0) == "live 1 s"
    assert freshness(live=True, paused=True, interval_s=1, behind_s=12) == "paused, 12 s behind"
    assert freshness(live=True, paused=False, interval_s=1, behind_s=9, slow=True) == "no answer for 9 s"
    assert freshness(live=False, paused=False, interval_s=1, behind_s=0) == "recorded"


def test_a_held_operation_says_what_waiting_costs_and_what_turning_back_means() -> None:
    lines = plain_lines(hold_lines(held()))
    assert lines[0] == "HELD: images complete, connections locked; the processes have yet to end"
    assert lines[1].startswith("The peer gives up in 15 min")
    assert lines[1].endswith("; retransmission in 900 ms.")
    assert "tcp_retries2 15 stands for" in lines[-2]
    assert "assumed: tcp_retries2 15" in lines[-1]
    assert "turn back: the processes run on, the lock is lifted" in lines[2]


def test_a_peer_elsewhere_is_assumed_to_be_patient_and_said_so() -> None:
    far = replace(held(), watched=(Watched(CONNECTION, End(None), End(None)),))
    assert "not on this host" in plain(cost_line(far))
    assert plain(cost_line(replace(held(), watched=()))) == "Holding costs no connection anything."


def test_what_has_changed_since_before_stands_out() -> None:
    watched = held().watched[0]
    assert watched.now.sequences is not None
    moved = replace(
        watched, now=End(watched.now.socket, replace(watched.now.sequences, repair=None, rcv_nxt=3231716900))
    )
    lines = connection_lines(replace(held(), watched=(moved,)), 0, 60)
    changed = next(each for each in lines if plain(each).startswith("rcv_nxt"))
    assert changed[2][1] is Tone.MOVING


def test_locks_that_count_show_what_they_hold_back() -> None:
    counted = tuple(replace(lock, packets=12) for lock in held().locks)
    assert "  12 packets held back" in plain_lines(lock_lines(replace(held(), locks=counted)))
    assert "none stands now" in _text(lock_lines(replace(finished(), locks=())))


def test_a_holder_out_of_sight_is_not_called_nobody() -> None:
    unheld = replace(_socket(1), holders=())
    assert "holder not known" in plain(connection_detail(unheld, SITUATION, 200)[0])
    assert "no process" in plain(connection_detail(replace(unheld, inode=0), SITUATION, 200)[0])


def test_a_table_that_was_just_made_holds_back_no_connection() -> None:
    empty = tuple(replace(lock, scope=LockScope.CONNECTION, connections=()) for lock in held().locks)
    assert "  0 connections, both ways" in plain_lines(lock_lines(replace(held(), locks=empty)))
    whole = tuple(replace(lock, scope=LockScope.NAMESPACE, connections=()) for lock in held().locks)
    assert "  whole namespace, both ways" in plain_lines(lock_lines(replace(held(), locks=whole)))


def test_errors_are_marked_and_harmless_ones_are_not() -> None:
    marks = [plain(each)[8] for each in log_lines(held().log)]
    assert marks == [" ", "~", "?", "!", " "]
    assert log_title(held().log) == "Log: 1 error, 1 harmless message, 5 lines"


def test_a_listener_with_waiting_connections_warns_of_the_dump() -> None:
    waiting = socket(3, SERVER_END, SERVER_END, TcpState.LISTEN, recv_q=2, send_q=128, netns=APP)
    text = _text(connection_detail(waiting, SITUATION, 78))
    assert "2 of at most 128 wait to be accepted" in text
    assert "CRIU dumps no process" in text


def test_a_keepalive_is_no_backing_off() -> None:
    idle = socket(1, SERVER_END, CLIENT_END, TcpState.ESTABLISHED, timer=SocketTimer.KEEPALIVE, timer_ms=600_000)
    assert timer_text(idle) == "keep 10m"
