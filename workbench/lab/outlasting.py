"""Two connections locked for as long as an impatient peer bears it: one of them is kept, the other is not."""

import threading
import time

from workbench.errors import WorkbenchError
from workbench.evidence import ImageDirectory
from workbench.lab import engine
from workbench.lab.lab import Lab
from workbench.operation.keeping import Ending, Keeping, Kept
from workbench.read.criu_images import read_image_directory
from workbench.repair.keeper import Held, held_of

PATIENCE_S = 60.0
FLOWS = 4096
"""Bytes in each direction after which data flows again."""


def outlast(lab: Lab, *, hold_ms: int = 0) -> dict[str, object]:
    """Dump the server, keep the peer of its first connection only, and restore once the other peer has given up.

    ``hold_ms``: not before so long after the dump.
    """
    first, *others = lab.connections
    engine.call("dump", lab.images, lab.host.path, {
        "pid": lab.server_pid, "network_lock": "NFTABLES", "tcp_established": True,
    })  # fmt: skip
    begun = time.monotonic()
    engine.await_end(lab.server_pid)
    held = [each for each in _held(read_image_directory(lab.images)) if each.connection == first]
    keeping = Keeping(held, lab.host.namespace)
    result: list[Kept] = []
    thread = threading.Thread(target=lambda: result.extend(keeping.run()), name="keeper")
    thread.start()
    try:
        gave_up_s = _await_given_up(lab, len(others), begun)
        while time.monotonic() < begun + hold_ms / 1000:
            time.sleep(0.05)  # the time itself is what is wanted
        held_s = time.monotonic() - begun
        lab.forget_gap()
        engine.call("restore", lab.images, lab.host.path, {"tcp_established": True})
        restored = time.monotonic()
        now = lab.await_verified(FLOWS, PATIENCE_S)[0]
        flows_s = time.monotonic() - restored
    finally:
        keeping.stop()
        thread.join()
        keeping.close()
    if now.ended or now.problem:
        raise WorkbenchError(f"the kept connection did not go on: {now.ended or now.problem}")
    if result[0].ending is not Ending.RELEASED:
        raise WorkbenchError(f"the keeper did not see the connection released: {result[0].ending}")
    return {
        "held_s": round(held_s, 1),
        "unkept_peer_gave_up_after_s": round(gave_up_s, 1),
        "answers": result[0].answered,
        "kicks": result[0].kicks,
        "flows_again_ms": round(flows_s * 1000),
    }


def _held(images: ImageDirectory) -> list[Held]:
    return [held for each in images.sockets if isinstance(held := held_of(each), Held)]


def _await_given_up(lab: Lab, count: int, begun: float) -> float:
    """Wait until the connections that nobody keeps have ended at the peer; seconds since the dump."""
    while sum(bool(each.ended) for each in lab.talked()[1:]) < count:
        if time.monotonic() > begun + PATIENCE_S:
            raise WorkbenchError("the peer that nobody kept has not given up")
        time.sleep(0.02)
    return time.monotonic() - begun
