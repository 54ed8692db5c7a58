"""The bulk API: documents into requests, and what comes back.

Source: OpenSearch, "Bulk" (newline-delimited JSON; `create` answers 409 for an id that exists).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import orjson

from forwarder.documents import Document
from forwarder.index_names import Index
from forwarder.json_values import JsonValue


@dataclass(frozen=True, slots=True)
class BulkRequest:
    """Some documents and their newline-delimited JSON, uncompressed."""

    documents: tuple[Document, ...]
    body: bytes


@dataclass(frozen=True, slots=True)
class BulkAnswer:
    """What came back: `status` is HTTP's, or None without an answer; `body` JSON, or the text of a failure."""

    status: int | None
    body: JsonValue


class BulkClient(Protocol):
    """Whatever sends the body of a bulk request and says what came back."""

    def bulk(self, body: bytes, longest_wait: float) -> BulkAnswer:
        """Send newline-delimited JSON, wait for the answer and return it; a failure is an answer too.

        Args:
            body: the request, uncompressed.
            longest_wait: seconds after which no answer is waited for.
        """


def pack(documents: Iterable[Document], index: Index, target_bytes: int) -> Iterator[BulkRequest]:
    """Requests of at most `target_bytes`, or of one document that alone is larger."""
    packed: list[Document] = []
    lines: list[bytes] = []
    size = 0
    for document in documents:
        entry = _entry(document, index)
        if packed and size + len(entry) > target_bytes:
            yield BulkRequest(tuple(packed), b"".join(lines))
            packed, lines, size = [], [], 0
        packed.append(document)
        lines.append(entry)
        size += len(entry)
    if packed:
        yield BulkRequest(tuple(packed), b"".join(lines))


def _entry(document: Document, index: Index) -> bytes:
    head = orjson.dumps({"create": {"_index": index.of(document.timestamp), "_id": document.document_id}})
    return b"%b\n%b\n" % (head, orjson.dumps(document.source))
