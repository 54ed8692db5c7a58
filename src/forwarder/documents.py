"""One record, one document: what is stored, under which id."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

import msgspec
import orjson
from msgspec import Struct
from msgspec.structs import replace

from forwarder.formats import writer_of
from forwarder.formats.format import Write, Written
from forwarder.json_values import JsonObject, as_keyword, as_object, printable
from forwarder.redaction import Redacted, Redactor
from forwarder.sources import UNKNOWN
from forwarder.subscription import LogBatch, LogEvent, UnreadableEvent
from forwarder.visible_text import one_line

# OpenSearch refuses the whole bulk request for an `_id` of more bytes (bulk API, "id is too long").
LONGEST_ID = 512

_ENCODER = msgspec.json.Encoder()
_COMMA = ord(",")


class Document(Struct, frozen=True, gc=False):
    """What is stored for one record.

    Attributes:
        document_id: its `_id`.
        log_type: of the record.
        timestamp: the event's time, ISO 8601 in UTC.
        json: its source, a JSON object.
        whole: the source that a slim document had before.
        refusal: why a slim document lost its fields.
        is_unreadable: whether the record could not be read, and is kept as it came.
    """

    document_id: str
    log_type: str
    timestamp: str
    json: bytes
    whole: bytes | None = None
    refusal: str = ""
    is_unreadable: bool = False

    @property
    def source(self) -> JsonObject:
        """Its source, decoded."""
        return as_object(orjson.loads(self.json))

    @property
    def is_slim(self) -> bool:
        """Whether the document has lost its fields, to be stored at all."""
        return self.whole is not None


def document_of(document_id: str, source: JsonObject) -> Document:
    """A document with this source, which has a `@timestamp` and a `log_type`."""
    log_type = as_keyword(source.get("log_type")) or UNKNOWN
    return Document(document_id, log_type, str(source["@timestamp"]), orjson.dumps(source))


# What a slim document keeps: what every document has, and what it takes to find it.
_CORE = (
    *("@id", "@timestamp", "@message", "@owner", "@log_group", "@log_stream", "log_type", "component"),
    *("cluster", "region"),
    *("record_bytes", "severity", "message", "outcome", "redacted", "truncated"),
)


# What the parse_error of a slim document begins with.
SLIM = "stored without its fields"


def slim(document: Document, reason: str) -> Document:
    """The document without what the mapping might refuse: core fields, the whole record, and why it is slim."""
    source = document.source
    core = {name: source[name] for name in _CORE if name in source}
    json = orjson.dumps({**core, "parse_error": f"{SLIM}: {reason}"})
    return replace(document, json=json, whole=document.json, refusal=reason)


def whole(document: Document) -> Document:
    """The document with its fields, also of one that is slim."""
    return document if document.whole is None else replace(document, json=document.whole, whole=None, refusal="")


class DocumentWriter:
    """Writes the documents of one batch: what its records have in common is worked out once.

    Args:
        batch: the records.
        redactor: takes their secrets away.
        region: the AWS region of their log group; empty where it is not known.
    """

    def __init__(self, batch: LogBatch, redactor: Redactor, region: str = "") -> None:
        source = batch.source
        self._batch = batch
        self._redactor = redactor
        self._log_type = source.log_type
        self._write = writer_of(source.log_type, batch.owner)
        common = {
            "@owner": batch.owner,
            "@log_group": batch.log_group,
            "@log_stream": batch.log_stream,
            "log_type": source.log_type,
            "component": source.component,
        }
        if source.cluster:
            common["cluster"] = source.cluster
        if region:
            common["region"] = region
        self._common = b"," + _ENCODER.encode(common)[1:-1]

    def documents(self, first: int, events: Sequence[LogEvent]) -> Iterator[Document]:
        """The documents of some records that follow each other in the batch, `first` being the first one's position."""
        records = _redacted(self._redactor, [event.message for event in events])
        for position, (event, record) in enumerate(zip(events, records, strict=True), first):
            yield self._read(position, event, record)

    def _read(self, position: int, event: LogEvent, record: Redacted) -> Document:
        try:
            if type(event) is LogEvent:
                return self._document(position, event, record, self._write)
            problem, has_fields = (
                (event.problem, event.has_message) if isinstance(event, UnreadableEvent) else ("not read", False)
            )
            return self._unreadable(position, event, record, problem, has_fields=has_fields)
        except Exception as error:  # noqa: BLE001 - one record must not hold back the others
            return self._unreadable(position, event, record, f"not read: {type(error).__name__}")

    def _unreadable(
        self, position: int, event: LogEvent, record: Redacted, problem: str, *, has_fields: bool = False
    ) -> Document:
        """The record as it came, but for its secrets, and what is wrong with it; with what it says, if it is known."""

        def write(text: str, timestamp: int) -> Written:
            if has_fields:
                about, fields = self._write(text, timestamp)
                return {**about, "parse_error": problem}, fields
            return {"severity": "WARNING", "message": one_line(text), "parse_error": problem}, None

        return replace(self._document(position, event, record, write), is_unreadable=True)

    def _document(self, position: int, event: LogEvent, record: Redacted, write: Write) -> Document:
        document_id = _document_id(self._batch, position, event)
        timestamp = _iso_milliseconds(event.timestamp)
        about, fields = write(record.text, event.timestamp)
        head: dict[str, object] = {
            "@id": document_id,
            "@timestamp": timestamp,
            "@message": record.text,
            "record_bytes": len(event.message if event.message.isascii() else event.message.encode()),
            **about,
        }
        if record.found:
            head["redacted"] = True
        return Document(document_id, self._log_type, timestamp, _json(head, self._common, fields))


# In place of a record whose secrets could not be looked for; CloudWatch Logs still has it, under its `@id`.
NOT_REDACTED = "[not shown: its secrets could not be looked for]"


def _redacted(redactor: Redactor, texts: Sequence[str]) -> list[Redacted]:
    """Each of the texts without its secrets; one that cannot be looked through is not shown, and holds up no other."""
    try:
        return list(redactor.redact_each(texts))
    except Exception:  # noqa: BLE001 - whichever text it is, it is found by itself
        if len(texts) == 1:
            return [Redacted(NOT_REDACTED, found=True)]
        return [record for text in texts for record in _redacted(redactor, [text])]


def _json(head: Mapping[str, object], common: bytes, fields: object) -> bytes:
    """One object of the members of three: of a mapping, of `, "name": …` as JSON, of what can be encoded, or None."""
    json = bytearray()
    _ENCODER.encode_into(head, json)
    json[-1:] = common
    if fields is not None:
        begin = len(json)
        _ENCODER.encode_into(fields, json, begin)
        json[begin] = _COMMA
    else:
        json += b"}"
    return bytes(json)


def _document_id(batch: LogBatch, position: int, event: LogEvent) -> str:
    """The event's own id, by which a record that is delivered twice is stored once; else a hash of what it is."""
    if event.event_id and len(event.event_id.encode()) <= LONGEST_ID:
        return event.event_id
    parts = (batch.log_group, batch.log_stream, str(event.timestamp), event.event_id or str(position), event.message)
    return hashlib.sha256("\0".join(map(printable, parts)).encode()).hexdigest()


def _iso_milliseconds(timestamp: int) -> str:
    seconds, milliseconds = divmod(timestamp, 1000)
    return f"{_iso_seconds(seconds)}.{milliseconds:03}Z"


@lru_cache(maxsize=100)
def _iso_seconds(seconds: int) -> str:
    """Remembered: most records of a batch are of the same few seconds."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}"
