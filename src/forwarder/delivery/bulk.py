"""The bulk API: documents into requests, and what comes back.

Source: OpenSearch, "Bulk" (newline-delimited JSON; `create` answers 409 for an id that exists).
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import orjson

from forwarder.documents import Document
from forwarder.index_names import Index
from forwarder.json_values import JsonValue


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is sent at a time.

    Attributes:
        request_bytes: of a bulk request, uncompressed.
        in_flight: requests under way side by side, as long as the server keeps up.
        answer_seconds: how long an answer is waited for.
    """

    request_bytes: int
    in_flight: int
    answer_seconds: float


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """Some documents and their newline-delimited JSON.

    Attributes:
        documents: In the order of their lines.
        body: The lines, uncompressed.
        is_repetition: Whether it holds what was sent before.
        names_ids: Whether documents are created under their own ids, which the answer then repeats.
    """

    documents: tuple[Document, ...]
    body: bytes
    is_repetition: bool = False
    names_ids: bool = True


@dataclass(frozen=True, slots=True)
class BulkAnswer:
    """What came back.

    Attributes:
        status: HTTP's; None without an answer.
        body: its JSON; of an answer that is none its text; without an answer the reason.
        retry_after: seconds that the server asks to wait before the next request, if it does.
        location: where a redirection leads: scheme and host.
    """

    status: int | None
    body: JsonValue
    retry_after: float | None = None
    location: str = ""


class BulkClient(Protocol):
    """Whatever sends the body of a bulk request and says what came back."""

    def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
        """Send newline-delimited JSON, wait for the answer and return it; a failure is an answer too.

        Args:
            body: the request, uncompressed.
            longest_wait: seconds to wait for a connection, and then for each part of the answer.
        """


def pack(documents: Iterable[Document], index: Index, target_bytes: int) -> Iterator[BulkRequest]:
    """Requests of at most `target_bytes`, or of one document that alone is larger."""
    packed: list[Document] = []
    lines: list[bytes] = []
    size = 0
    for document in documents:
        action = _action(document, index)
        # Both lines end in a line feed.
        added = len(action) + len(document.json) + 2
        if packed and size + added > target_bytes:
            yield _request(packed, lines, index)
            packed, lines, size = [], [], 0
        packed.append(document)
        lines += action, document.json
        size += added
    if packed:
        yield _request(packed, lines, index)


def _request(packed: Sequence[Document], lines: Sequence[bytes], index: Index) -> BulkRequest:
    return BulkRequest(tuple(packed), b"\n".join((*lines, b"")), names_ids=index.event_ids)


def _action(document: Document, index: Index) -> bytes:
    target = {"_index": index.of(document.timestamp)}
    if index.event_ids:
        target["_id"] = document.document_id
    return orjson.dumps({"create": target})
