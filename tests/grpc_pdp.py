"""A PDP asked over gRPC, where an attribute may be a number that no JSON holds. Enough of HTTP/2 for one call."""

import math
import socket
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

Attribute = float | str | list["Attribute"]
_DATA, _HEADERS, _SETTINGS, _PING, _END_STREAM, _END_HEADERS, _ACK = 0, 1, 4, 6, 1, 4, 1
_METHOD = "/cerbos.svc.v1.CerbosService/CheckResources"
_ALLOW = b"\x10\x01"


def allowed(door: Path, action: str, kinds: Sequence[str], attributes: Mapping[str, Attribute]) -> list[bool]:
    """Whether `user` may do `action` to a resource of each kind with these attributes. `door`: the gRPC socket."""
    entries = b"".join(_field(4, _field(1, action.encode()) + _field(2, _resource(kind, attributes))) for kind in kinds)
    principal = _field(1, b"u") + _field(3, b"user")
    answer = _call(door, _field(3, principal) + entries)
    results = [value for number, value in _fields(answer) if number == 2]
    assert len(results) == len(kinds)
    return [_ALLOW in next(value for number, value in _fields(result) if number == 2) for result in results]


def _resource(kind: str, attributes: Mapping[str, Attribute]) -> bytes:
    held = b"".join(_field(4, _field(1, name.encode()) + _field(2, _value(one))) for name, one in attributes.items())
    return _field(1, kind.encode()) + _field(3, b"r") + held


def _value(value: Attribute) -> bytes:
    """A google.protobuf.Value."""
    match value:
        case str():
            return _field(3, value.encode())
        case list():
            return _field(6, b"".join(_field(1, _value(item)) for item in value))
    return b"\x11" + struct.pack("<d", value)


def _field(number: int, data: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def _fields(data: bytes) -> list[tuple[int, bytes]]:
    """The fields of a message that have a length; what else there is is left out."""
    found, at = [], 0
    while at < len(data):
        key, at = _read_varint(data, at)
        length, at = _read_varint(data, at)
        if key & 7 == 2:
            found.append((key >> 3, data[at : at + length]))
            at += length
    return found


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number, shift = 0, 0
    while True:
        number |= (data[at] & 127) << shift
        shift += 7
        at += 1
        if data[at - 1] < 128:
            return number, at


def _call(door: Path, message: bytes) -> bytes:
    headers = {":method": "POST", ":scheme": "http", ":path": _METHOD, ":authority": "localhost"}
    headers |= {"content-type": "application/grpc", "te": "trailers"}
    packed = b"".join(b"\0" + _text(name) + _text(value) for name, value in headers.items())
    with socket.socket(socket.AF_UNIX) as line:
        line.settimeout(30)
        line.connect(str(door))
        body = b"\0" + struct.pack(">I", len(message)) + message
        parts = [body[at : at + 16_000] for at in range(0, len(body), 16_000)]
        assert len(body) < 65_000  # the window of a stream that nobody widened
        line.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + _frame(_SETTINGS, 0, 0, b""))
        line.sendall(_frame(_HEADERS, _END_HEADERS, 1, packed))
        for number, part in enumerate(parts, 1):
            line.sendall(_frame(_DATA, _END_STREAM * (number == len(parts)), 1, part))
        with line.makefile("rb") as answers:
            return _answer(line, answers)[5:]


def _answer(line: socket.socket, answers: object) -> bytes:
    data = b""
    while True:
        head = answers.read(9)  # type: ignore[attr-defined]
        assert len(head) == 9, "the server hung up"
        payload = answers.read(int.from_bytes(head[:3], "big"))  # type: ignore[attr-defined]
        kind, flags = head[3], head[4]
        if kind == _DATA:
            data += payload
        elif kind in {_SETTINGS, _PING} and not flags & _ACK:
            line.sendall(_frame(kind, _ACK, 0, payload if kind == _PING else b""))
        elif kind == _HEADERS and flags & _END_STREAM:
            return data


def _frame(kind: int, flags: int, stream: int, payload: bytes) -> bytes:
    return len(payload).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + payload


def _text(text: str) -> bytes:
    assert len(text) < 127
    return bytes([len(text)]) + text.encode()


NUMBERS = (math.nan, math.inf, -math.inf, 5.0, 1.0)
