"""Packets held back by a lock without counters are those that a counter beside it counts."""

import subprocess
import sys
from typing import Any

import pytest

from workbench.collect.held import HeldPackets
from workbench.evidence import Connection, Endpoint

pytestmark = pytest.mark.root

PORT = 7022
LOCK = """
table inet CRIU-660e2a43-99b0-4c54-a4 {
    chain output { type filter hook output priority filter; policy accept; tcp dport 7022 counter drop; }
}
"""
# A connection on the namespace's own loopback; what the client writes is dropped, and sent again.
TALK = """
import select, socket, sys
listener = socket.create_server(("127.0.0.1", 7022))
client = socket.create_connection(("127.0.0.1", 7022))
print(client.getsockname()[1], flush=True)
for line in sys.stdin:
    client.send(b"x")
    print("written", flush=True)
"""


def test_the_count_is_that_of_the_rule(netns: Any) -> None:
    netns.run("ip", "link", "set", "dev", "lo", "up")
    with subprocess.Popen(
        ["nsenter", f"--net={netns.path}", sys.executable, "-S", "-c", TALK],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as talk:  # fmt: skip
        assert talk.stdin is not None
        assert talk.stdout is not None
        client = Connection(Endpoint("127.0.0.1", int(talk.stdout.readline())), Endpoint("127.0.0.1", PORT))
        other = Connection(Endpoint("127.0.0.1", 1), Endpoint("127.0.0.1", PORT))
        packets = HeldPackets([client.reversed, other], netns.namespace.inode)
        assert packets.start() is None
        assert packets.held([client]) == 0
        netns.run("nft", "-f", "-", text=LOCK)
        talk.stdin.write("go\n")
        talk.stdin.flush()
        talk.stdout.readline()
        while (packets.held([client]) or 0) < 3:  # the retransmissions come by themselves
            assert talk.poll() is None
        counted, listing = packets.held([client]), netns.run("nft", "list", "ruleset")
        assert f"counter packets {counted} bytes" in listing
        assert packets.held([other]) == 0
        packets.close()
        assert packets.held([client]) is None
        talk.stdin.close()
