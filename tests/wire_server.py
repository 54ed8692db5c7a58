"""A real HTTP server that answers as told, with shapes that real servers answer with."""

import json
import threading
from collections.abc import Iterator
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


@dataclass
class WireServer:
    """Where it is, what it answers by method and path, and what it was asked, with the JSON that came.

    Of several answers each is given once, in their order, and the last one from then on.
    """

    url: str = ""
    answers: dict[tuple[str, str], tuple[int, Any] | list[tuple[int, Any]]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def answer(self, method: str, path: str) -> tuple[int, Any]:
        """As told, or as OpenSearch answers where no plugin has taken the path."""
        unknown = {"error": f"no handler found for uri [{path}] and method [{method}]"}
        found = self.answers.get((method, path), (400, unknown))
        return (found.pop(0) if len(found) > 1 else found[0]) if isinstance(found, list) else found

    @property
    def changed(self) -> list[tuple[str, str]]:
        return [(method, path) for method, path, _ in self.asked if method != "GET"]


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
            wire.asked.append((self.command, self.path, json.loads(body) if body else None))
            status, answer = wire.answer(self.command, self.path)
            content = b"" if answer is None else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

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
