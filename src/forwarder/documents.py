"""One record, one document: what is stored, under which id."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache

from forwarder.actor import audit_actor, authenticator_actor
from forwarder.control_plane import API, AUDIT, AUTHENTICATOR, CONTROLLER_MANAGER, SCHEDULER, classify, cluster_of
from forwarder.field_shapes import flat_object
from forwarder.json_values import JsonObject, JsonValue, as_object, printable
from forwarder.parsers.audit import parse_audit
from forwarder.parsers.klog import KlogEntry, parse_klog
from forwarder.parsers.logfmt import parse_logfmt
from forwarder.rbac import rbac_of
from forwarder.redaction import Redacted, redact_each
from forwarder.sentences import audit_sentence, authenticator_sentence, klog_sentence, one_line
from forwarder.subscription import LogBatch, LogEvent
from forwarder.workload import workload_of

# OpenSearch refuses the whole bulk request for an `_id` of more bytes (bulk API, "id is too long").
LONGEST_ID = 512

ALLOWED = "allowed"
DENIED = "denied"
FAILED = "failed"

_KLOG_NAMED = ("pod", "node", "err")
_SEVERITY_OF_LEVEL = {"warning": "WARNING", "error": "ERROR", "fatal": "FATAL", "panic": "FATAL"}
_SEVERITY_OF_OUTCOME = {DENIED: "WARNING", FAILED: "ERROR"}
_CRASH = ("panic: ", "fatal error: ")
_FIRST_ERROR = 400


@dataclass(frozen=True, slots=True)
class Document:
    """What is stored for one record: its `_id`, its log type and the JSON object that is its source.

    `whole` is the source that a slim document had before.
    """

    document_id: str
    log_type: str
    source: JsonObject
    whole: JsonObject | None = None

    @property
    def timestamp(self) -> str:
        """The event's time, ISO 8601 in UTC."""
        return str(self.source["@timestamp"])

    @property
    def is_slim(self) -> bool:
        """Whether the document has lost its fields, to be stored at all."""
        return self.whole is not None


# What a slim document keeps: what every document has, and what it takes to find it.
_CORE = (
    *("@id", "@timestamp", "@message", "@owner", "@log_group", "@log_stream", "log_type", "component", "cluster"),
    *("record_bytes", "severity", "message", "outcome", "redacted", "truncated"),
)


# What the parse_error of a slim document begins with.
SLIM = "stored without its fields"


def slim(document: Document, reason: str) -> Document:
    """The document without what the mapping might refuse: core fields, the whole record, and why it is slim."""
    core = {name: document.source[name] for name in _CORE if name in document.source}
    source: JsonObject = {**core, "parse_error": f"{SLIM}: {reason}"}
    return replace(document, source=source, whole=document.source)


class DocumentWriter:
    """Writes the documents of one batch: what its records have in common is worked out once."""

    def __init__(self, batch: LogBatch) -> None:
        stream = classify(batch.log_stream)
        self._batch = batch
        self._log_type = stream.log_type
        self._block = _BLOCKS.get(stream.log_type, _plain_block)
        self._common: JsonObject = {
            "@owner": batch.owner,
            "@log_group": batch.log_group,
            "@log_stream": batch.log_stream,
            "log_type": stream.log_type,
            "component": stream.component,
        }
        if cluster := cluster_of(batch.log_group):
            self._common["cluster"] = cluster

    def documents(self, first: int, events: Sequence[LogEvent]) -> Iterator[Document]:
        """The documents of some records that follow each other in the batch, `first` being the first one's position."""
        records = redact_each([event.message for event in events])
        for position, (event, record) in enumerate(zip(events, records, strict=True), first):
            yield self._document(position, event, record)

    def _document(self, position: int, event: LogEvent, record: Redacted) -> Document:
        document_id = _document_id(self._batch, position, event)
        source: JsonObject = {
            "@id": document_id,
            "@timestamp": _iso_milliseconds(event.timestamp),
            "@message": record.text,
            **self._common,
            "record_bytes": len(event.message.encode()),
            **self._block(record.text, event.timestamp),
        }
        if record.found:
            source["redacted"] = True
        return Document(document_id, self._log_type, source)


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


def _audit_block(record: str, _timestamp: int) -> JsonObject:
    event = parse_audit(record)
    if event.error is not None:
        return {"severity": "WARNING", "message": one_line(record), "parse_error": event.error}
    outcome = _audit_outcome(event.fields)
    return {
        "severity": _audit_severity(event.fields, outcome),
        "message": audit_sentence(event.fields),
        **_present(
            actor=audit_actor(event.fields),
            outcome=outcome,
            workload=workload_of(event.fields),
            rbac=rbac_of(event.fields),
            truncated=event.is_truncated,
        ),
        **event.fields,
    }


def _present(**members: JsonValue) -> JsonObject:
    """The members that say something."""
    return {name: value for name, value in members.items() if value}


def _audit_outcome(fields: JsonObject) -> str | None:
    """How a request ended: denied, failed or allowed; None while it is not known (RequestReceived)."""
    if as_object(fields.get("annotations")).get("authorization.k8s.io/decision") == "forbid":
        return DENIED
    code = _response_code(fields)
    if code in (401, 403):
        return DENIED
    if fields.get("stage") == "Panic" or (code is not None and code >= _FIRST_ERROR):
        return FAILED
    return None if code is None else ALLOWED


def _audit_severity(fields: JsonObject, outcome: str | None) -> str:
    """A client's mistake (404, 409) is everyday and a WARNING; what the server failed at is an ERROR."""
    code = _response_code(fields)
    if outcome == FAILED and code is not None and code < 500:  # noqa: PLR2004 - HTTP: 4xx is the client's
        return "WARNING"
    return _SEVERITY_OF_OUTCOME.get(outcome or ALLOWED, "INFO")


def _response_code(fields: JsonObject) -> int | None:
    code = as_object(fields.get("responseStatus")).get("code")
    return code if isinstance(code, int) else None


def _klog_block(record: str, timestamp: int) -> JsonObject:
    entry = parse_klog(record, timestamp)
    if entry is None:
        return _plain_block(record, timestamp)
    return {
        "severity": entry.severity,
        "message": klog_sentence(entry.message, entry.fields),
        "klog": _klog_fields(entry),
    }


def _klog_fields(entry: KlogEntry) -> JsonObject:
    block: JsonObject = {
        "time": entry.time,
        "thread": entry.thread,
        "file": entry.file,
        "line": entry.line,
        "prefix": entry.prefix,
        "message": entry.message,
        "fields": flat_object(entry.fields) or None,
        **{name: entry.fields.get(name) for name in _KLOG_NAMED},
    }
    return {name: value for name, value in block.items() if value is not None}


def _authenticator_block(record: str, timestamp: int) -> JsonObject:
    pairs = parse_logfmt(record)
    if pairs is None or "msg" not in pairs:
        return {**_plain_block(record, timestamp), "parse_error": "not a logfmt line with a msg"}
    groups: list[JsonValue] = [*pairs.get("groups", "").strip("[]").split()]
    return {
        "severity": _SEVERITY_OF_LEVEL.get(pairs.get("level", ""), "INFO"),
        "message": authenticator_sentence(pairs),
        "authenticator": {**flat_object(pairs), **_present(groups=groups)},
        **_present(actor=authenticator_actor(pairs, groups), outcome=_authenticator_outcome(pairs["msg"])),
    }


def _authenticator_outcome(message: str) -> str | None:
    return {"access granted": ALLOWED, "access denied": DENIED}.get(message)


def _plain_block(record: str, _timestamp: int) -> JsonObject:
    return {"severity": "FATAL" if record.startswith(_CRASH) else "INFO", "message": one_line(record)}


_BLOCKS: dict[str, Callable[[str, int], JsonObject]] = {
    API: _klog_block,
    AUDIT: _audit_block,
    AUTHENTICATOR: _authenticator_block,
    CONTROLLER_MANAGER: _klog_block,
    SCHEDULER: _klog_block,
}
