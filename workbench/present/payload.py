"""What bytes of a stream look like: a guess by their first bytes, said as one."""

import re
import struct
from collections.abc import Callable

_SEARCHED = 1 << 16
"""Bytes within which the beginning of a message is looked for."""
_METHODS = rb"(?:GET|HEAD|POST|PUT|DELETE|CONNECT|OPTIONS|TRACE|PATCH|PROPFIND|PRI)"
_REQUEST = re.compile(_METHODS + rb" (\S{1,300}) HTTP/(\d(?:\.\d)?)\r?\n")
_RESPONSE = re.compile(rb"HTTP/(1\.[01]) (\d{3})[ \r]")
_H2_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_H2_FRAMES = (
    "DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE",
    "CONTINUATION",
)  # fmt: skip
_TLS_TYPES = {20: "change cipher spec", 21: "alert", 22: "handshake", 23: "application data", 24: "heartbeat"}
_TLS_VERSIONS = {0x300: "SSL 3.0", 0x301: "TLS 1.0", 0x302: "TLS 1.1", 0x303: "TLS 1.2 or 1.3", 0x304: "TLS 1.3"}
_TLS_MESSAGES = {
    1: "ClientHello", 2: "ServerHello", 4: "NewSessionTicket", 11: "Certificate", 16: "ClientKeyExchange",
    20: "Finished",
}  # fmt: skip
_POSTGRES = {
    "Q": "query", "P": "parse", "B": "bind", "E": "execute or error", "D": "describe or data row",
    "S": "sync or status",
    "C": "close or command complete", "T": "row description", "Z": "ready for query", "R": "authentication",
    "K": "backend key", "X": "terminate", "p": "password", "1": "parse complete", "2": "bind complete", "N": "notice",
    "d": "copy data", "c": "copy done", "n": "no data", "t": "parameter description",
}  # fmt: skip
_POSTGRES_REQUESTS = {196608: "startup, protocol 3.0", 196610: "startup, protocol 3.2", 80877103: "request for TLS",
                      80877102: "cancel request", 80877104: "request for GSSAPI"}  # fmt: skip
_RESP = re.compile(rb"(?:\*-?\d{1,9}\r\n(?:[$*:+\-]|$)|[$]-?\d{1,9}\r\n|[+-][A-Z]{2,12}[ \r]|:-?\d{1,19}\r\n)")
_LINES: tuple[tuple[re.Pattern[bytes], str], ...] = (
    (re.compile(rb"SSH-(?:2\.0|1\.\d+)-"), "SSH: {line}"),
    (re.compile(rb"@RSYNCD: "), "rsync: {line}"),
    (re.compile(rb"RFB \d{3}\.\d{3}\n"), "VNC: {line}"),
    (re.compile(rb"(?:EHLO|HELO|LHLO|MAIL FROM:|RCPT TO:|STARTTLS)[ <\r]", re.IGNORECASE), "SMTP, a client: {line}"),
    (re.compile(rb"220[ -][^\r\n]*(?:SMTP|mail)", re.IGNORECASE), "SMTP, a greeting: {line}"),
    (re.compile(rb"220[ -]"), "FTP or SMTP, a greeting: {line}"),
    (re.compile(rb"(?:250|354|221|235|334|421|450|550|554)[ -]"), "SMTP, an answer: {line}"),
    (re.compile(rb"\* (?:OK|PREAUTH|BYE)\b"), "IMAP: {line}"),
    (re.compile(rb"\+OK[^\r\n]*POP3", re.IGNORECASE), "POP3: {line}"),
    (re.compile(rb"(?:INFO|CONNECT) \{"), "NATS: {line}"),
    (re.compile(rb"(?:PUB|SUB|MSG) \S+ "), "NATS: {line}"),
    (re.compile(rb"(?:get|gets|set|add|replace|delete|incr|decr|touch) \S{1,250}[^\r\n]*\r\n"), "memcached: {line}"),
    (re.compile(rb"(?:VALUE \S{1,250} \d+ \d+|STORED|NOT_FOUND|END)\r\n"), "memcached, an answer: {line}"),
    (re.compile(rb"(?:INVITE|REGISTER|OPTIONS) sips?:"), "SIP: {line}"),
    (re.compile(rb"RTSP/1\.0 \d{3}|(?:DESCRIBE|SETUP|PLAY) rtsp:"), "RTSP: {line}"),
)
_BINARY_PREFIXES = (
    (b"AMQP", "AMQP, a protocol header"),
    (b"\xff" * 16, "BGP"),
    (b"\x00\x00\x00\x00\xffSMB", "SMB"),
)


def looks_like(content: bytes) -> str:
    """One phrase; empty for no bytes. May hold text from the stream, so it is hostile."""
    if not content:
        return ""
    for guess in _GUESSES:
        if found := guess(content):
            return found
    start = _REQUEST.search(content, 0, _SEARCHED) or _RESPONSE.search(content, 0, _SEARCHED)
    if start:
        return f"something unknown up to byte {start.start()}, then {_http(content[start.start() :])}"
    return _rest(content)


def _http(content: bytes) -> str:
    if content.startswith(_H2_PREFACE):
        return "HTTP/2, the connection preface" + (
            ": " + frames if (frames := _h2(content[len(_H2_PREFACE) :])) else ""
        )
    if match := _REQUEST.match(content):
        return f"HTTP/{match[2].decode()} request: {_line(content)}"
    if match := _RESPONSE.match(content):
        return f"HTTP/{match[1].decode()} response: {_line(content)}"
    return ""


def _h2(content: bytes) -> str:
    """Frames of HTTP/2, which must follow each other as their lengths say."""
    names: list[str] = []
    place = 0
    grpc = False
    while place + 9 <= len(content) and len(names) < 50:
        length = int.from_bytes(content[place : place + 3], "big")
        kind, stream = content[place + 3], int.from_bytes(content[place + 5 : place + 9], "big")
        if kind >= len(_H2_FRAMES) or stream >> 31 or length > 1 << 20 or not _fits(kind, length, stream):
            return ""
        names.append(_H2_FRAMES[kind])
        body = content[place + 9 : place + 9 + length]
        if kind == 0 and length >= 5 and body[:1] in {b"\0", b"\1"}:
            grpc |= int.from_bytes(body[1:5], "big") <= length - 5
        place += 9 + length
    certain = len(names) > 1 or (names and names[0] in {"SETTINGS", "PING", "WINDOW_UPDATE", "GOAWAY"})
    if not certain:
        return ""
    shown = ", ".join(dict.fromkeys(names))
    return f"HTTP/2 frames ({shown})" + ("; the data look like gRPC messages" if grpc else "")


def _fits(kind: int, length: int, stream: int) -> bool:
    """Rules of RFC 9113 section 6 for the fixed parts."""
    match _H2_FRAMES[kind]:
        case "SETTINGS":
            return stream == 0 and length % 6 == 0
        case "PING":
            return stream == 0 and length == 8
        case "WINDOW_UPDATE" | "RST_STREAM":
            return length == 4
        case "PRIORITY":
            return length == 5 and stream != 0
        case "GOAWAY":
            return stream == 0 and length >= 8
        case _:
            return stream != 0


def _tls(content: bytes) -> str:
    if len(content) < 5 or content[0] not in _TLS_TYPES or content[1] != 3 or content[2] > 4:
        return ""
    version, length = struct.unpack_from("!HH", content, 1)
    if not 0 < length <= (1 << 14) + 2048:
        return ""
    name = _TLS_TYPES[content[0]]
    if content[0] == 22 and len(content) > 5 and content[5] in _TLS_MESSAGES:
        name = f"{name}, {_TLS_MESSAGES[content[5]]}"
        if content[5] == 1 and (server := _server_name(content[5 : 5 + length])):
            name += f" for {server}"
    whole = "" if len(content) >= 5 + length else ", not all of it here"
    return f"TLS record: {name}; {_TLS_VERSIONS.get(version, hex(version))}, {length} bytes{whole}"


def _server_name(hello: bytes) -> str:
    """Extension 0 of a ClientHello (RFC 6066); empty if it has none."""
    try:
        place = 4 + 2 + 32
        place += 1 + hello[place]
        place += 2 + int.from_bytes(hello[place : place + 2], "big")
        place += 1 + hello[place] + 2
        while place + 4 <= len(hello):
            kind, length = struct.unpack_from("!HH", hello, place)
            if kind == 0:
                return hello[place + 9 : place + 4 + length].decode("ascii", "replace")
            place += 4 + length
    except IndexError:
        return ""
    return ""


def _resp(content: bytes) -> str:
    if not _RESP.match(content):
        return ""
    words = re.findall(rb"\$\d+\r\n([^\r\n]{1,40})\r\n", content[:200])
    shown = b" ".join(words[:3]).decode(errors="replace") if content[:1] == b"*" and words else _line(content)
    return f"RESP (redis): {shown}"


def _by_line(content: bytes) -> str:
    for pattern, form in _LINES:
        if pattern.match(content):
            return form.format(line=_line(content))
    return ""


def _postgres(content: bytes) -> str:
    if len(content) >= 8:
        length, code = struct.unpack_from("!II", content)
        if code in _POSTGRES_REQUESTS and 8 <= length <= 10_000:
            return f"PostgreSQL: {_POSTGRES_REQUESTS[code]}"
    kinds: list[str] = []
    place = 0
    while place + 5 <= len(content) and len(kinds) < 50:
        kind = chr(content[place])
        length = int.from_bytes(content[place + 1 : place + 5], "big")
        if kind not in _POSTGRES or not 4 <= length <= 1 << 24:
            return ""
        kinds.append(_POSTGRES[kind])
        place += 1 + length
    if not kinds or (len(kinds) == 1 and place != len(content)):
        return ""
    return f"PostgreSQL messages: {', '.join(dict.fromkeys(kinds))}"


def _mysql(content: bytes) -> str:
    if len(content) < 6 or content[3] > 1:
        return ""
    length = int.from_bytes(content[:3], "little")
    if content[3] == 0 and content[4] == 10 and (end := content.find(b"\0", 5, 60)) > 5:
        version = content[5:end]
        if re.fullmatch(rb"[0-9][\w.+~-]+", version):
            return f"MySQL: greeting of a server {version.decode()}"
    if content[3] == 0 and content[4] == 3 and length == len(content) - 4 and content[5:9].isascii():
        return f"MySQL query: {_line(content[5:])}"
    return ""


def _dns(content: bytes) -> str:
    if len(content) < 14:
        return ""
    length, _, flags, questions, answers, authority, additional = struct.unpack_from("!7H", content)
    if not 12 <= length <= 65535 or questions != 1 or flags & 0x0070 or max(answers, authority, additional) > 500:
        return ""
    name = []
    place = 14
    while place < len(content) and (size := content[place]):
        label = content[place + 1 : place + 1 + size]
        if size > 63 or not re.fullmatch(rb"[\w-]{1,63}", label):
            return ""
        name.append(label.decode())
        place += 1 + size
    kind = "answer" if flags & 0x8000 else "question"
    return f"DNS over TCP: {kind} about {'.'.join(name) or '.'}, {length} bytes"


def _mongo(content: bytes) -> str:
    if len(content) < 16:
        return ""
    length, _, _, code = struct.unpack_from("<iiii", content)
    return f"MongoDB message of {length} bytes" if code in {2012, 2013} and 16 <= length < 48 << 20 else ""


def _mqtt(content: bytes) -> str:
    return "MQTT: connect" if content[:1] == b"\x10" and content[2:9].find(b"\0\4MQTT") in range(3) else ""


def _binary(content: bytes) -> str:
    return next((name for prefix, name in _BINARY_PREFIXES if content.startswith(prefix)), "")


def _json(content: bytes) -> str:
    if content.lstrip()[:1] not in {b"{", b"["} or not _is_text(content):
        return ""
    lines = content.splitlines()
    if len(lines) > 1 and all(line[:1] in {b"{", b"["} for line in lines[:5] if line):
        return f"JSON, a document a line: {_line(content)}"
    return f"JSON: {_line(content)}" if re.match(rb'\s*[\[{]\s*["\[{\]}\d-]', content) else ""


def _rest(content: bytes) -> str:
    if _is_text(content):
        return f"text: {_line(content)}"
    if len(set(content[:4096])) == 1:
        return f"nothing but bytes 0x{content[0]:02x}"
    if len(content) >= 1024 and len(set(content[:1024])) > 230 and _is_even(content[:4096]):
        return "unknown; as even as encrypted or compressed data"
    return "unknown"


def _is_even(content: bytes) -> bool:
    """Every byte about as often as any other: chi-squared below what one sample in a thousand has."""
    expected = len(content) / 256
    return sum((content.count(value) - expected) ** 2 for value in range(256)) / expected < 330


def _is_text(content: bytes) -> bool:
    start = content[:4096]
    controls = sum(byte < 32 and byte not in b"\t\r\n\x1b" for byte in start)
    try:
        start.decode()
    except UnicodeDecodeError as error:
        if error.start < len(start) - 4:  # else cut within a character
            return False
    return not controls


def _line(content: bytes) -> str:
    """The first line that says something."""
    first = next((line for line in content[:400].splitlines() if line.strip()), b"")
    return first[:80].decode("utf-8", "replace")


_GUESSES: tuple[Callable[[bytes], str], ...] = (
    _http, _tls, _resp, _by_line, _binary, _mqtt, _postgres, _mysql, _mongo, _dns, _h2, _json,
)  # fmt: skip
