"""What streams look like by their first bytes."""

import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.present.payload import looks_like


def frame(kind: int, stream: int, body: bytes) -> bytes:
    return len(body).to_bytes(3, "big") + bytes([kind, 0]) + stream.to_bytes(4, "big") + body


def message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def client_hello(name: bytes) -> bytes:
    server = struct.pack("!HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    body = b"\x03\x03" + bytes(32) + b"\0" + b"\0\2\x13\x01" + b"\1\0" + struct.pack("!H", len(server)) + server
    hello = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack("!H", len(hello)) + hello


QUESTION = b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x07example\x03org\x00\x00\x01\x00\x01"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"GET /index.html HTTP/1.1\r\nHost: a\r\n\r\n", "HTTP/1.1 request: GET /index.html HTTP/1.1"),
        (b"HTTP/1.1 404 Not Found\r\n\r\n", "HTTP/1.1 response: HTTP/1.1 404 Not Found"),
        (b"body of before\r\nPOST /a HTTP/1.1\r\n", "something unknown up to byte 16, then HTTP/1.1 request: POST /a"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, bytes(6)), "HTTP/2, the connection preface: HTTP/2 frames"),
        (frame(8, 3, bytes(4)) + frame(0, 3, b"\0\0\0\0\x02hi"), "HTTP/2 frames (WINDOW_UPDATE, DATA); the data look"),
        (client_hello(b"example.org"), "TLS record: handshake, ClientHello for example.org; TLS 1.0"),
        (b"\x17\x03\x03\x01\x00abc", "TLS record: application data; TLS 1.2 or 1.3, 256 bytes, not all of it here"),
        (b"*2\r\n$3\r\nGET\r\n$3\r\nkey\r\n", "RESP (redis): GET key"),
        (b"+PONG\r\n", "RESP (redis): +PONG"),
        (b":1000\r\n", "RESP (redis): :1000"),
        (struct.pack("!II", 20, 196608) + b"user\0me\0\0\0", "PostgreSQL: startup, protocol 3.0"),
        (struct.pack("!II", 8, 80877103), "PostgreSQL: request for TLS"),
        (message(b"Q", b"select 1\0"), "PostgreSQL messages: query"),
        (message(b"T", bytes(6)) + message(b"D", bytes(3)) + message(b"Z", b"I"), "PostgreSQL messages: row desc"),
        (b"\x4a\0\0\0\x0a8.0.36\0" + bytes(60), "MySQL: greeting of a server 8.0.36"),
        (b"\x09\0\0\0\x03select 1", "MySQL query: select 1"),
        (b"SSH-2.0-OpenSSH_9.2p1\r\n", "SSH: SSH-2.0-OpenSSH_9.2p1"),
        (struct.pack("!H", len(QUESTION)) + QUESTION, "DNS over TCP: question about example.org"),
        (b"EHLO me\r\n", "SMTP, a client: EHLO me"),
        (b"220 mx.example.org ESMTP\r\n", "SMTP, a greeting"),
        (b'{"a": 1}\n{"a": 2}\n', 'JSON, a document a line: {"a": 1}'),
        (b'[{"a": 1}]', "JSON: [{"),
        (b"AMQP\0\0\x09\x01", "AMQP"),
        (b"\x10\x10\0\4MQTT\4", "MQTT: connect"),
        (struct.pack("<iiii", 40, 1, 0, 2013) + bytes(24), "MongoDB message of 40 bytes"),
        (b"get key\r\n", "memcached: get key"),
        (b"INFO {}\r\n", "NATS"),
        ("Grüße\n".encode(), "text: Grüße"),
        (bytes(1000), "nothing but bytes 0x00"),
        (b"\x81\x01\x92" + bytes(40), "unknown"),
        (b"", ""),
    ],
)
def test_it_is_recognised(content: bytes, said: str) -> None:
    assert looks_like(content).startswith(said)
    assert said != "" or looks_like(content) == ""


def test_encrypted_data_look_even() -> None:
    import hashlib

    content = b"".join(hashlib.sha256(bytes([number])).digest() for number in range(128))
    assert looks_like(content) == "unknown; as even as encrypted or compressed data"


@pytest.mark.parametrize("content", [client_hello(b"x" * 40)[:cut] for cut in range(6, 60, 7)])
def test_a_message_that_is_cut_off(content: bytes) -> None:
    assert looks_like(content).startswith("TLS record")


@given(st.binary(max_size=300))
def test_whatever_the_bytes_it_says_something(content: bytes) -> None:
    assert bool(looks_like(content)) == bool(content)


@given(st.dictionaries(st.text(max_size=5), st.integers(), min_size=1))
def test_json(value: dict[str, int]) -> None:
    assert looks_like(json.dumps(value).encode()).startswith("JSON")
