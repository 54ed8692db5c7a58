"""A proxy in front of the endpoint that breaks some requests, each in the way its plan says, and passes the others.

`python -m local.fault_proxy` is a program of its own, on real sockets with TLS. What passes is passed on byte by byte,
Host header included, so that signatures stay good. For each request it prints one line on standard output.
"""

import argparse
import asyncio
import base64
import contextlib
import gzip
import itertools
import json
import socket
import ssl
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local.http_messages import HttpMessage, answer, json_answer, read_message, request

PASS = "pass"  # noqa: S105 - let a request pass, no password
READY = "ready"
TOLD_NOBODY = "answered by the endpoint, and nobody is told"
LARGEST_BODY = 1_000_000  # bytes, as JSON

_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER for no time: closing sends RST, not FIN
_DRIP_SECONDS = 0.3
_MISSING_BYTES = 100
_EVERY_NTH_IS_TOO_MUCH = 3

# As OpenSearch 2.19.4 words it.
_REJECTED = {
    "type": "rejected_execution_exception",
    "reason": "rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, "
    "all_bytes=0, coordinating_operation_bytes=807232, max_coordinating_and_primary_bytes=204800]",
}
_REJECTED_ITEM = {
    "type": "rejected_execution_exception",
    "reason": "rejected execution of org.opensearch.action.support.replication.TransportWriteAction$1@37690074 on "
    "OpenSearchThreadPoolExecutor[name = node-0/write, queue capacity = 1, "
    "org.opensearch.common.util.concurrent.OpenSearchThreadPoolExecutor@3a3bbd33[Running, pool size = 1, "
    "active threads = 1, queued tasks = 1, completed tasks = 0]]",
}
_EXPIRED = (
    "Signature expired: 20261121T090000Z is now earlier than 20261121T091000Z (20261121T091500Z - 5 min.)"  # as AWS
)
_SHARD_LIMIT = {
    "type": "validation_exception",
    "reason": "Validation Failed: 1: this action would add [2] total shards, but this cluster currently has [1]/[1] "
    "maximum shards open;",
}
_TOO_MUCH_DATA = {
    "type": "circuit_breaking_exception",
    "reason": "[parent] Data too large, data for [<http_request>] would be [1020/1kb], which is larger than the limit",
}
_PIPELINE_FAILED = {
    "type": "illegal_argument_exception",
    "reason": "field [corp] not present as part of path [corp]",
    "header": {"processor_type": "rename", "pipeline_origin": ["corp-audit"]},
}
_PAGE = b"<!DOCTYPE html><title>Welcome</title><p>Please sign in to this network."


@dataclass(frozen=True)
class Step:
    """A part of a plan: what to do to the next so many requests; None is all the rest."""

    action: str
    times: int | None = None

    def __str__(self) -> str:
        """As the command line takes it."""
        return self.action if self.times is None else f"{self.action}:{self.times}"


@dataclass(frozen=True)
class Endpoint:
    """The endpoint behind, and its master user's basic credentials."""

    host: str
    port: int
    tls: ssl.SSLContext
    master: str

    async def ask(self, message: HttpMessage) -> HttpMessage:
        """Pass a request on over a connection of its own.

        Raises:
            ConnectionError: There was no whole answer.
        """
        reader, writer = await asyncio.open_connection(self.host, self.port, ssl=self.tls, server_hostname=self.host)
        writer.write(message.whole)
        received = await read_message(reader)
        writer.close()
        if received is None:
            raise ConnectionError("the endpoint gave no whole answer")
        return received


@dataclass(frozen=True)
class Exchange:
    """A request that was received whole, and where its answer goes."""

    request: HttpMessage
    reader: StreamReader
    writer: StreamWriter
    endpoint: Endpoint

    async def forwarded(self) -> HttpMessage:
        """The endpoint's own answer."""
        return await self.endpoint.ask(self.request)

    def reset(self) -> None:
        """End the connection with RST."""
        self.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
        self.writer.transport.abort()

    async def until_given_up(self) -> None:
        """Wait until the client has closed the connection."""
        with contextlib.suppress(ConnectionError):
            while await self.reader.read(1024):
                pass


# Whether the connection can take another request.
Action = Callable[[Exchange], Awaitable[bool]]


async def _pass(exchange: Exchange) -> bool:
    exchange.writer.write((await exchange.forwarded()).whole)
    return True


def _answering(message: HttpMessage) -> Action:
    async def act(exchange: Exchange) -> bool:
        exchange.writer.write(message.whole)
        return True

    return act


async def _early_hints(exchange: Exchange) -> bool:
    exchange.writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </x>; rel=preload\r\n\r\n")
    return await _pass(exchange)


async def _second_answer(exchange: Exchange) -> bool:
    """Nobody asked for it: that all documents exist, as if it were the next request's."""
    received = await exchange.forwarded()
    documents = len(gzip.decompress(exchange.request.body).splitlines()) // 2
    exists = {"create": {"status": 409, "error": {"type": "version_conflict_engine_exception"}}}
    exchange.writer.write(received.whole + json_answer(200, {"errors": True, "items": [exists] * documents}).whole)
    return True


def _refusing_each(status: int, error: dict[str, Any], *, errors: bool) -> Action:
    """Says the same of each item; none is passed on."""

    async def act(exchange: Exchange) -> bool:
        documents = len(gzip.decompress(exchange.request.body).splitlines()) // 2
        items = [{"create": {"status": status, "error": error}}] * documents
        exchange.writer.write(json_answer(200, {"errors": errors, "items": items}).whole)
        return True

    return act


async def _reset_before(exchange: Exchange) -> bool:
    exchange.reset()
    return False


async def _reset_after(exchange: Exchange) -> bool:
    await exchange.forwarded()
    exchange.reset()
    return False


async def _hang_before(exchange: Exchange) -> bool:
    await exchange.until_given_up()
    return False


async def _hang_after(exchange: Exchange) -> bool:
    await exchange.forwarded()
    _say(TOLD_NOBODY)
    await exchange.until_given_up()
    return False


async def _drip(exchange: Exchange) -> bool:
    """Head at once, then the body byte by byte: no time-out of a socket sees it."""
    received = await exchange.forwarded()
    exchange.writer.write(received.head)
    with contextlib.suppress(ConnectionError):
        for byte in received.body:
            exchange.writer.write(bytes([byte]))
            await exchange.writer.drain()
            await asyncio.sleep(_DRIP_SECONDS)
    return False


async def _truncate(exchange: Exchange) -> bool:
    received = await exchange.forwarded()
    headers = {"Content-Type": "application/json"}
    exchange.writer.write(answer(received.status, headers, received.body, missing=_MISSING_BYTES).whole)
    return False


async def _refuse_large(exchange: Exchange) -> bool:
    """As OpenSearch does: it counts what was decompressed, and says nothing in its answer."""
    if len(gzip.decompress(exchange.request.body)) <= LARGEST_BODY:
        return await _pass(exchange)
    exchange.writer.write(answer(413, {}, b"").whole)
    return True


async def _reject_items(exchange: Exchange) -> bool:
    """Pass on only a part of the documents, as the master user, since the request's signature is for all of them."""
    lines = gzip.decompress(exchange.request.body).splitlines()
    documents = [lines[start : start + 2] for start in range(0, len(lines), 2)]
    taken = [pair for position, pair in enumerate(documents) if not _is_too_much(position)]
    items = await _create(exchange, taken) if taken else []
    merged = merged_items(items, len(documents))
    exchange.writer.write(json_answer(200, {"took": 1, "errors": True, "items": merged}).whole)
    return True


async def _create(exchange: Exchange, documents: Sequence[Sequence[bytes]]) -> list[Any]:
    body = b"".join(line + b"\n" for pair in documents for line in pair)
    credentials = base64.b64encode(exchange.endpoint.master.encode()).decode()
    headers = {"Host": exchange.endpoint.host, "Authorization": f"Basic {credentials}"}
    bulk = request(exchange.request.first_line, headers | {"Content-Type": "application/x-ndjson"}, body)
    items: list[Any] = json.loads((await exchange.endpoint.ask(bulk)).body)["items"]
    return items


def _is_too_much(position: int) -> bool:
    return position % _EVERY_NTH_IS_TOO_MUCH == 0


def merged_items(taken: Sequence[Any], documents: int) -> list[Any]:
    """The items of all documents: those that the server took, in order, and 429 for every third, from the first on."""
    left = iter(taken)
    rejected = {"create": {"status": 429, "error": _REJECTED_ITEM}}
    return [rejected if _is_too_much(position) else next(left) for position in range(documents)]


_TOO_MANY = {"error": {"root_cause": [_REJECTED], **_REJECTED}, "status": 429}
ACTIONS: dict[str, Action] = {
    PASS: _pass,
    "429": _answering(json_answer(429, _TOO_MANY)),
    "429-retry-after": _answering(json_answer(429, _TOO_MANY, {"Retry-After": "2"})),
    "429-items": _reject_items,
    "429-huge-retry-after": _answering(json_answer(429, _TOO_MANY, {"Retry-After": "9" * 400})),
    "early-hints": _early_hints,
    "second-answer": _second_answer,
    "lie": _refusing_each(429, _REJECTED_ITEM, errors=False),
    "pipeline": _refusing_each(400, _PIPELINE_FAILED, errors=True),
    "403-throttled": _answering(json_answer(403, {"message": "Rate exceeded"})),
    "400-not-active": _answering(json_answer(400, {"message": "Collection is not active"})),
    "400-shard-limit": _answering(json_answer(400, {"error": _SHARD_LIMIT, "status": 400})),
    "429-no-memory": _answering(json_answer(429, {"error": _TOO_MUCH_DATA, "status": 429})),
    "403-key": _answering(json_answer(403, {"message": "KMSKeyInaccessible: the key of the domain is disabled"})),
    "405": _answering(answer(405, {"Content-Type": "text/html"}, b"<title>405 Not Allowed</title>")),
    "503": _answering(json_answer(503, {"message": "Service Unavailable"})),
    "403-expired": _answering(json_answer(403, {"message": _EXPIRED})),
    "413": _refuse_large,
    "page": _answering(answer(200, {"Content-Type": "text/html"}, _PAGE)),
    "reset-before": _reset_before,
    "reset-after": _reset_after,
    "hang-before": _hang_before,
    "hang-after": _hang_after,
    "drip": _drip,
    "truncate": _truncate,
}


def planned(steps: Sequence[Step]) -> Iterator[str]:
    """What to do to each request in turn; to all behind the plan's end: let them pass."""
    for step in steps:
        yield from itertools.repeat(step.action) if step.times is None else itertools.repeat(step.action, step.times)
    yield from itertools.repeat(PASS)


class FaultProxy:
    """Serves connections; requests are counted in the order in which they were whole, over all connections."""

    def __init__(self, steps: Sequence[Step], endpoint: Endpoint) -> None:
        self._plan = planned(steps)
        self._endpoint = endpoint

    async def serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        """Serve one connection until it ends."""
        goes_on = True
        while goes_on and (received := await read_message(reader)) is not None:
            action = next(self._plan)
            _say(f"{action} {received.first_line.decode()}")
            goes_on = await ACTIONS[action](Exchange(received, reader, writer, self._endpoint))
        writer.close()


def _say(line: str) -> None:
    print(line, flush=True)


def step_of(text: str) -> Step:
    """A step as the command line has it: `503:2` for two requests, `503` for all the rest.

    Raises:
        ValueError: There is no such action, or the number is none.
    """
    action, _, times = text.partition(":")
    if action not in ACTIONS:
        raise ValueError(f"{action!r} is none of {', '.join(ACTIONS)}")
    return Step(action, int(times) if times else None)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.fault_proxy", description="A proxy that breaks requests.")
    parser.add_argument("--port", type=int, required=True, help="to listen on, at 127.0.0.1")
    parser.add_argument("--certificate", type=Path, required=True, help="PEM file for TLS")
    parser.add_argument("--private-key", type=Path, required=True, help="PEM file for TLS")
    parser.add_argument("--endpoint", required=True, help="URL of the endpoint behind, without a path")
    parser.add_argument("--ca-file", type=Path, required=True, help="certificate to verify the endpoint with")
    parser.add_argument("--master", required=True, help="user:password that the endpoint takes")
    parser.add_argument("--refuse-seconds", type=float, default=0, help="refuse connections at first, for so long")
    parser.add_argument("steps", nargs="*", type=step_of, help="what to do, and to how many requests, such as 503:2")
    return parser.parse_args()


async def _run(arguments: argparse.Namespace) -> None:
    behind = urlsplit(arguments.endpoint)
    trusted = ssl.create_default_context(cafile=arguments.ca_file)
    endpoint = Endpoint(str(behind.hostname), int(behind.port or 443), trusted, arguments.master)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(arguments.certificate, arguments.private_key)
    _say(READY)
    await asyncio.sleep(arguments.refuse_seconds)
    proxy = FaultProxy(arguments.steps, endpoint)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", arguments.port, ssl=tls)
    await server.serve_forever()


def main() -> None:
    """Serve until SIGTERM."""
    asyncio.run(_run(_arguments()))


if __name__ == "__main__":
    main()
