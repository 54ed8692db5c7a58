"""HTTP/1.1 requests and answers as bytes on a stream: read whole, and passed on as they came (RFC 9112)."""

import json
from asyncio import IncompleteReadError, StreamReader
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

_END_OF_HEAD = b"\r\n\r\n"


@dataclass(frozen=True)
class HttpMessage:
    """A request or an answer.

    Attributes:
        head: First line and headers, with the empty line behind them.
        body: As long as its Content-Length says.
    """

    head: bytes
    body: bytes

    @property
    def whole(self) -> bytes:
        """What goes over the wire."""
        return self.head + self.body

    @property
    def first_line(self) -> bytes:
        """`POST /_bulk HTTP/1.1` or `HTTP/1.1 200 OK`."""
        return self.head.partition(b"\r\n")[0]

    @property
    def status(self) -> int:
        """Of an answer."""
        return int(self.first_line.split()[1])


async def read_message(stream: StreamReader) -> HttpMessage | None:
    """The next message; None where the other side has closed the connection before it was whole."""
    try:
        head = await stream.readuntil(_END_OF_HEAD)
        return HttpMessage(head, await stream.readexactly(_content_length(head)))
    except (IncompleteReadError, ConnectionError):
        return None


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def request(first_line: bytes, headers: Mapping[str, str], body: bytes) -> HttpMessage:
    """A request with its Content-Length."""
    return _message(first_line, headers, body, len(body))


def answer(status: int, headers: Mapping[str, str], body: bytes, missing: int = 0) -> HttpMessage:
    """An answer, whose Content-Length promises `missing` bytes more than there are."""
    first_line = f"HTTP/1.1 {status} {HTTPStatus(status).phrase}".encode()
    return _message(first_line, headers, body, len(body) + missing)


def json_answer(status: int, content: object, headers: Mapping[str, str] | None = None) -> HttpMessage:
    """An answer in JSON."""
    return answer(status, {"Content-Type": "application/json", **(headers or {})}, json.dumps(content).encode())


def _message(first_line: bytes, headers: Mapping[str, str], body: bytes, length: int) -> HttpMessage:
    lines = [first_line, *(f"{name}: {value}".encode() for name, value in headers.items())]
    return HttpMessage(b"\r\n".join([*lines, f"Content-Length: {length}".encode()]) + _END_OF_HEAD, body)
