"""The client of the function: what its endpoint is signed for, and what a server says of when to come again."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from requests.auth import HTTPBasicAuth

from forwarder.delivery.bulk import BulkAnswer
from forwarder.delivery.client import OpenSearchClient, retry_after
from forwarder.delivery.error_causes import request_cause
from forwarder.delivery.verdicts import Cause
from local.child_process import free_port

NOW = datetime(2026, 11, 21, 9, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        ("7", 7),
        ("9" * 400, 86_400),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 86_400),
        ("Fri, 31 Dec 9999 23:59:59 -2359", 86_400),
        ("1e308", None),
        (" 0 ", 0),
        ("Sat, 21 Nov 2026 09:00:30 GMT", 30),
        ("Sat, 21 Nov 2026 08:00:00 GMT", 0),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("", None),
        ("٣", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(header: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": header}, NOW) == seconds


@pytest.mark.parametrize(
    ("host", "reason"),
    [("127.0.0.1", "Connection refused"), ("no-such-host.invalid", "Failed to resolve 'no-such-host.invalid'")],
)
def test_where_there_is_no_connection_the_reason_is_named(host: str, reason: str) -> None:
    client = OpenSearchClient(f"https://{host}:{free_port()}", HTTPBasicAuth("a", "b"))
    answer = client.bulk(b"{}", 5)
    assert answer.status is None
    assert reason in str(answer.body)


@contextmanager
def answering(head: str, body: bytes) -> Iterator[str]:
    """A server that answers one request with these bytes."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(100_000)
            lines = f"HTTP/1.1 {head}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            connection.sendall(lines.encode() + body)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread.join()


def answer_of(head: str, body: bytes) -> BulkAnswer:
    with answering(head, body) as url:
        return OpenSearchClient(url, HTTPBasicAuth("a", "b")).bulk(b"{}\n", 5)


@pytest.mark.parametrize(
    "location", ["http://[", "https://[::1", "http://a:b:c", "//", "http://\x80", "", "https://user:pw@host:99999/x?y"]
)
def test_a_redirection_leads_nowhere(location: str) -> None:
    answer = answer_of(f"302 Found\r\nLocation: {location}", b"")
    assert (answer.status, request_cause(answer.status, answer.body)) == (302, Cause.NOT_OPENSEARCH)
    assert "pw" not in answer.location


def test_json_behind_a_byte_order_mark_is_read() -> None:
    answer = answer_of("200 OK", b'\xef\xbb\xbf{"errors":false,"items":[{"create":{"status":201}}]}')
    assert answer.body == {"errors": False, "items": [{"create": {"status": 201}}]}


@pytest.mark.parametrize("kind", ["ThrottlingException", "ThrottlingException:http://internal.amazon.com/coral/"])
@pytest.mark.parametrize("body", [b"{}", b'{"message":null}', b'{"message":"no"}'])
def test_the_type_of_an_error_may_be_in_a_header(kind: str, body: bytes) -> None:
    answer = answer_of(f"400 Bad Request\r\nx-amzn-ErrorType: {kind}", body)
    assert request_cause(answer.status, answer.body) is Cause.THROTTLED


@pytest.mark.parametrize(
    ("content", "body"),
    [
        (b" Too Many Requests\n", "Too Many Requests"),
        (b"<title>\xff</title>", "<title>\ufffd</title>"),
        (b"", None),
        (b"[1", "[1"),
        (b"x" * 5000, "x" * 2000),
    ],
)
def test_what_is_no_json_is_told_as_text(content: bytes, body: str | None) -> None:
    assert answer_of("429 Too Many Requests", content).body == body


def test_a_server_that_takes_connections_and_never_answers_is_told_from_one_that_takes_none() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        answer = OpenSearchClient(url, HTTPBasicAuth("a", "b")).bulk(b"{}\n", 0.5)
    assert request_cause(answer.status, answer.body) is Cause.NO_ANSWER
