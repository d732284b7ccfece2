from workbench.evidence import Connection, Endpoint
from workbench.operation.plan import Plan, SocketFate
from workbench.operation.request import DumpRequest, Hold
from workbench.present.plan import plan_lines

CONNECTION = Connection(Endpoint("10.0.0.2", 7022), Endpoint("10.0.0.1", 56692))


def _plan(**changes: object) -> Plan:
    values: dict[str, object] = {
        "kind": "dump",
        "request": DumpRequest(4645, "/tmp/img", holds=frozenset({Hold.IMAGES_COMPLETE})),
        "title": "Dump server 4645: 1 connection kept, nftables lock",
        "processes": ("4645 server",),
        "sockets": (SocketFate(None, f"{CONNECTION} ESTABLISHED", "kept with both queues"),),
        "connections": (CONNECTION,),
        "command": ("criu", "dump", "-t", "4645", "-D", "/tmp/my images"),
        "undo": "restore the images",
        "space_bytes": 4_300_000,
        "space_free_bytes": 20 << 30,
        "lock_cost_ms": 4.0,
        "root_pid": 4645,
    }
    return Plan(**(values | changes))  # type: ignore[arg-type]


def test_the_plan_says_everything_that_will_happen() -> None:
    text = "\n".join(plan_lines(_plan()))
    for part in (
        "Dump server 4645: 1 connection kept",
        "10.0.0.2:7022 -> 10.0.0.1:56692 ESTABLISHED",
        "kept with both queues",
        "nftables, about 4.0 ms to set and lift",
        "4.1 MiB, 20.0 GiB free",
        "criu dump -t 4645 -D '/tmp/my images'",
        "restore the images",
        "before the processes end or run on",
    ):
        assert part in text


def test_obstacles_stand_first() -> None:
    lines = plan_lines(_plan(obstacles=("no CRIU works here: run make setup",), warnings=("the disk is nearly full",)))
    assert lines[2:4] == ["Cannot be done", "  x no CRIU works here: run make setup"]
    assert lines.index("Think of") < lines.index("1 Process")


def test_of_what_is_not_there_only_that_is_said() -> None:
    plan = _plan(obstacles=("There is no process 4645",), processes=(), sockets=(), command=(), undo="")
    assert plan_lines(plan)[1:] == ["", "Cannot be done", "  x There is no process 4645"]


def test_a_socket_that_stops_the_dump_is_marked() -> None:
    lines = plan_lines(_plan(sockets=(SocketFate(None, "udp 53", "CRIU refuses it", blocks=True),)))
    assert "x udp 53" in lines


def test_hostile_text_is_made_printable() -> None:
    lines = plan_lines(_plan(title="\x1b[31mred", processes=("1 \x1b]52;c;x\x07",)))
    assert not any(character < " " for each in lines for character in each)
