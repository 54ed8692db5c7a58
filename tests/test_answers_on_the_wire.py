"""Whatever a proxy puts on a kept-alive connection: no answer is taken for that of another request."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from requests.auth import HTTPBasicAuth

from forwarder.deflate import inflater
from forwarder.delivery.backoff import deadline_in
from forwarder.delivery.bulk import Limits, pack
from forwarder.delivery.client import OpenSearchClient
from forwarder.delivery.outcomes import Delivery
from forwarder.delivery.sender import Sender
from forwarder.delivery.verdicts import Verdict
from forwarder.documents import Document, document_of
from forwarder.index_names import Index

EARLY_HINTS = b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n"
PROCESSING = b"HTTP/1.1 102 Processing\r\n\r\n"
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def created(document_id: str, *headers: str, status: int = 201) -> bytes:
    body = json.dumps({"errors": False, "items": [{"create": {"_id": document_id, "status": status}}]}).encode()
    lines = ["HTTP/1.1 200 OK", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


class Store:
    """What stores documents and answers with something before and behind each answer."""

    def __init__(self, before: bytes, behind: bytes, *, echoes: bool) -> None:
        self.stored: list[str] = []
        self.connections = 0
        self._before = before
        self._behind = behind
        self._echoes = echoes

    def serve(self, connection: socket.socket) -> None:
        self.connections += 1
        with connection, connection.makefile("rb") as stream:
            while (head := self._head(stream)) is not None:
                body = inflater().decompress(stream.read(int(head["content-length"])), 1_000_000)
                document_id = json.loads(body.splitlines()[0])["create"]["_id"]
                status = 409 if document_id in self.stored else 201
                self.stored += [document_id] if status == 201 else []
                echo = [f"X-Opaque-Id: {head['x-opaque-id']}"] if self._echoes else []
                connection.sendall(self._before + created(document_id, *echo, status=status) + self._behind)

    @staticmethod
    def _head(stream: object) -> dict[str, str] | None:
        lines = []
        while (line := stream.readline()) not in (b"\r\n", b""):  # type: ignore[attr-defined]
            lines.append(line.decode())
        pairs = (line.partition(":") for line in lines[1:])
        return {name.lower(): value.strip() for name, _, value in pairs} if lines else None


@contextmanager
def listening(store: Store) -> Iterator[str]:
    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=store.serve, args=(connection,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)


def documents() -> Iterator[Document]:
    return (document_of(name, {"@timestamp": "2026-11-20T23:59:59.999Z", "@id": name}) for name in "ABCD")


def deliver(url: str) -> Delivery:
    one_by_one = Limits(request_bytes=100, in_flight=1, answer_seconds=5)
    client = OpenSearchClient(url, HTTPBasicAuth("a", "b"))
    return Sender(client, Index("logs"), one_by_one, deadline_in(20_000)).deliver(documents())


@pytest.mark.parametrize("echoes", [True, False])
@pytest.mark.parametrize(
    ("before", "behind"),
    [
        (b"", b""),
        (EARLY_HINTS, b""),
        (PROCESSING * 3 + CONTINUE + EARLY_HINTS, b""),
        (b"", b"rubbish"),
        (b"", EARLY_HINTS),
        (b"", created("A")),
        (b"", created("B", status=409)),
        (b"", b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\n\r\n"),
    ],
)
def test_each_document_is_stored_once_and_so_counted(before: bytes, behind: bytes, echoes: object) -> None:
    store = Store(before, behind, echoes=bool(echoes))
    with listening(store) as url:
        delivery = deliver(url)
    assert sorted(store.stored) == ["A", "B", "C", "D"]
    assert delivery.count(Verdict.STORED) + delivery.count(Verdict.DUPLICATE) == 4
    assert delivery.slim == 0
    if not behind:
        assert (store.connections, delivery.sent_again, delivery.count(Verdict.STORED)) == (1, 0, 4)


def test_interim_answers_without_end_are_no_answer() -> None:
    with listening(Store(EARLY_HINTS * 100, b"", echoes=True)) as url:
        (request,) = pack(list(documents())[:1], Index("logs"), 10_000)
        answer = OpenSearchClient(url, HTTPBasicAuth("a", "b")).bulk(request.body, 5)
    assert (answer.status, "no final answer" in str(answer.body)) == (None, True)


def test_an_answer_to_another_request_is_none() -> None:
    body = b'{"create":{"_id":"A"}}\n{}\n'
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer_wrongly() -> None:
            for text in (created("B"), created("A", "X-Opaque-Id: another")):
                connection, _ = listener.accept()
                with connection:
                    connection.recv(100_000)
                    connection.sendall(text)

        threading.Thread(target=answer_wrongly, daemon=True).start()
        client = OpenSearchClient(f"http://127.0.0.1:{listener.getsockname()[1]}", HTTPBasicAuth("a", "b"))
        answers = [client.bulk(body, 5) for _ in range(2)]
    assert {(answer.status, answer.body) for answer in answers} == {
        (None, "no connection: the answer is that of another request")
    }


@pytest.mark.parametrize(
    "url",
    ["http://" + "a" * 70 + ".example", "http://a..b", "http://b\u00fc\udc80.x"],
)
def test_nothing_of_the_library_is_raised(url: str) -> None:
    answer = OpenSearchClient(url, HTTPBasicAuth("a", "b"), "/no/such/file").bulk(b"{}\n", 1)
    assert answer.status is None
    assert str(answer.body).startswith("no connection: ")


def test_a_file_of_certificates_that_is_gone_is_an_answer() -> None:
    answer = OpenSearchClient("https://127.0.0.1:1", HTTPBasicAuth("a", "b"), "/no/such/file").bulk(b"{}\n", 1)
    assert answer.status is None
    assert str(answer.body).startswith("no connection: OSError: Could not find a suitable TLS CA certificate bundle")


def test_answers_that_opensearch_py_cannot_take_are_answers_all_the_same() -> None:
    headers = (b'Warning: 299 OpenSearch-2.19.4 "old"\r\n', b"")
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            for header in headers:
                connection, _ = listener.accept()
                with connection:
                    connection.recv(100_000)
                    head = b"HTTP/1.1 502 Bad Gateway\r\n" + header + b"Content-Length: 2\r\n\r\n"
                    connection.sendall(head + b"\xff\xfe")

        threading.Thread(target=answer, daemon=True).start()
        client = OpenSearchClient(f"http://127.0.0.1:{listener.getsockname()[1]}", HTTPBasicAuth("a", "b"))
        assert [(answer.status, answer.body) for answer in (client.bulk(b"{}\n", 5) for _ in headers)] == [
            (502, "\ufffd\ufffd")
        ] * 2


def test_the_certificates_of_the_setting_win_over_those_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "set.pem").write_text("no certificate")
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "of_the_environment.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        answer = OpenSearchClient(url, HTTPBasicAuth("a", "b"), str(tmp_path / "set.pem")).bulk(b"{}\n", 1)
    assert "of_the_environment" not in str(answer.body)


def test_nothing_is_logged_by_the_library(caplog: pytest.LogCaptureFixture) -> None:
    OpenSearchClient("https://127.0.0.1:1", HTTPBasicAuth("a", "b")).bulk(b"{}\n", 1)
    assert caplog.records == []
