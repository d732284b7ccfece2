"""What stands for payload, in queues and in packets: as many bytes, each of them another.

Each byte is replaced by eight bits of a keyed hash of itself and of its place in the stream. So lengths stay, and two
queues that hold the same part of one stream still agree with each other, or differ in the same place.
"""

import hashlib
from dataclasses import replace
from functools import lru_cache

from workbench.evidence import Connection, ImageDirectory, ImageSocket
from workbench.evidence.packet import Capture

_BLOCK = 4096
"""Sequence numbers that one hash serves; divides their whole range."""


def without_payload(image: ImageDirectory, key: bytes) -> ImageDirectory:
    """The images with stand-ins for the contents of all queues."""
    return replace(image, sockets=tuple(_without(socket, key) for socket in image.sockets))


def packets_without_payload(capture: Capture, key: bytes) -> Capture:
    """The capture with stand-ins for the payload of all packets."""
    packets = tuple(
        replace(each, payload=stand_in(each.payload, each.seq, each.way.unmapped, key)) if each.payload else each
        for each in capture.packets
    )
    return replace(capture, packets=packets)


def _without(socket: ImageSocket, key: bytes) -> ImageSocket:
    queue, sequences = socket.queue, socket.sequences
    if queue is None:
        return socket
    wire = socket.connection.unmapped
    received = sequences.copied_seq if sequences else 0
    sent = sequences.snd_una if sequences else 0
    other = replace(
        queue,
        received=stand_in(queue.received, received, wire.reversed, key),
        sent=stand_in(queue.sent, sent, wire, key),
    )
    return replace(socket, queue=other)


def stand_in(content: bytes, sequence: int, stream: Connection, key: bytes) -> bytes:
    """``stream`` is the connection seen from who sends it, ``sequence`` the number of the first byte."""
    import numpy as np

    digest = hashlib.blake2b(str(stream).encode(errors="surrogateescape"), key=key, digest_size=32).digest()
    table = np.frombuffer(hashlib.shake_256(digest).digest(256), np.uint8)  # not one to one: it leads nowhere back
    result = []
    place = 0
    while place < len(content):
        block, offset = divmod((sequence + place) % (1 << 32), _BLOCK)
        piece = np.frombuffer(content[place : place + _BLOCK - offset], np.uint8)
        before, after = np.frombuffer(_noise(digest, block), np.uint8).reshape(2, _BLOCK)[
            :, offset : offset + len(piece)
        ]
        result.append((table[piece ^ before] ^ after).tobytes())
        place += len(piece)
    return b"".join(result)


@lru_cache(maxsize=256)
def _noise(digest: bytes, block: int) -> bytes:
    return hashlib.shake_256(digest + block.to_bytes(4)).digest(2 * _BLOCK)
