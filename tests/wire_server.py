"""A real HTTP server that answers as told, with shapes that real servers answer with."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# OpenSearch 3.5.0 without plugins.
BARE = {
    "name": "node-1",
    "cluster_name": "opensearch",
    "version": {
        "distribution": "opensearch",
        "number": "3.5.0",
        "build_type": "tar",
        "lucene_version": "10.3.2",
        "minimum_wire_compatibility_version": "2.19.0",
        "minimum_index_compatibility_version": "2.0.0",
    },
    "tagline": "The OpenSearch Project: https://opensearch.org/",
}
# Amazon Elasticsearch Service 7.10.
ELASTICSEARCH = {
    "name": "node-1",
    "version": {"number": "7.10.2", "build_flavor": "oss", "build_type": "tar", "lucene_version": "8.7.0"},
    "tagline": "You Know, for Search",
}


@dataclass(frozen=True)
class Page:
    """An answer that is no JSON, or has headers of its own."""

    content: bytes
    content_type: str = "text/html"
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class WireServer:
    """Where it is, what it answers by method and path, and what it was asked, with the JSON that came.

    Of several answers each is given once, in their order, and the last one from then on.
    """

    url: str = ""
    answers: dict[tuple[str, str], tuple[int, Any] | list[tuple[int, Any]] | Callable[[], tuple[int, Any]]] = field(
        default_factory=dict
    )
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        """As told, of a path with its query or without, or as OpenSearch answers where no plugin has taken the path."""
        unknown = {"error": f"no handler found for uri [{path}] and method [{method}]"}
        known = self.answers.get((method, path)) or self.answers.get((method, path.partition("?")[0]))
        if isinstance(known, list):
            return known.pop(0) if len(known) > 1 else known[0]
        return known() if callable(known) else known or (400, unknown)

    @property
    def changed(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path, _ in self.asked if method != "GET"]


def _sent(body: bytes) -> Any:
    """The JSON that came; None for nothing and for a form."""
    try:
        return json.loads(body)
    except ValueError:
        return None


def _as_json(answer: object) -> Page:
    return Page(b"" if answer is None else json.dumps(answer).encode(), "application/json")


@contextmanager
def wire_server() -> Iterator[WireServer]:
    """One that listens on loopback for the length of the block."""
    wire = WireServer()

    class Handler(BaseHTTPRequestHandler):
        def handle_one_request(self) -> None:
            self.raw_requestline = self.rfile.readline()
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            body = self.rfile.read(int(self.headers.get("content-length") or 0))
            wire.asked.append((self.command, self.path, _sent(body)))
            status, answer = wire.answer(self.command, self.path)
            page = answer if isinstance(answer, Page) else _as_json(answer)
            self.send_response(status)
            for name, value in page.headers.items():
                self.send_header(name, value)
            self.send_header("content-type", page.content_type)
            self.send_header("content-length", str(len(page.content)))
            self.end_headers()
            self.wfile.write(page.content)

        def log_request(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    wire.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield wire
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
