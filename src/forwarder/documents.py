"""One record, one document: what is stored, under which id."""

import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import TypeAlias

import msgspec
import orjson
from msgspec import Struct
from msgspec.structs import replace

from forwarder.actor import authenticator_actor
from forwarder.field_shapes import Keyword, Keywords, flat_object, object_of, text_only
from forwarder.formats.audit.event import AuditEvent
from forwarder.formats.audit.reader import AuditReader
from forwarder.formats.audit.summary import AuditBlocks
from forwarder.formats.klog import (
    NAMED,
    KlogEntry,
    LineHeader,
    entry_of,
    header_of,
    parse_klog,
    read_json_line,
    severity_of_members,
)
from forwarder.formats.logfmt import parse_logfmt
from forwarder.go_strings import QUOTED, unquote
from forwarder.json_values import JsonObject, JsonValue, as_integer, as_keyword, as_keywords, as_object, printable
from forwarder.log_headers import iso, line_severity, read_time, start_of
from forwarder.redaction import Redacted, Redactor
from forwarder.sentences import ALLOWED, DENIED, authenticator_sentence, klog_sentence, one_line
from forwarder.sources import (
    AUDIT,
    AUTHENTICATOR,
    UNKNOWN,
)
from forwarder.subscription import LogBatch, LogEvent, UnreadableEvent

# OpenSearch refuses the whole bulk request for an `_id` of more bytes (bulk API, "id is too long").
LONGEST_ID = 512

_ENCODER = msgspec.json.Encoder()
_COMMA = ord(",")
# How logfmt begins: each library that writes it puts time or level first.
_LOGFMT = re.compile(r"(?:time|timestamp|ts|t|level|lvl|severity|msg|message)=")
# What the authenticator says at its start of the mappings it was given: of nobody's doing.
_MAPPING = re.compile(r"mapping iam ", re.IGNORECASE)
_OUTCOME = re.compile(r"\s*+access (?:granted|(?P<denied>denied))(?![\w-])", re.IGNORECASE)
# What only lines about requests have.
_IDENTITY = frozenset({"arn", "canonicalarn", "accesskeyid", "uid", "username", "userid", "groups"})
_NAME = re.compile(rf"{QUOTED.pattern}|\S++")


class Document(Struct, frozen=True, gc=False):
    """What is stored for one record.

    Attributes:
        document_id: its `_id`.
        log_type: of the record.
        timestamp: the event's time, ISO 8601 in UTC.
        json: its source, a JSON object.
        whole: the source that a slim document had before.
        is_unreadable: whether the record could not be read, and is kept as it came.
    """

    document_id: str
    log_type: str
    timestamp: str
    json: bytes
    whole: bytes | None = None
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
    return replace(document, json=json, whole=document.json)


def whole(document: Document) -> Document:
    """The document with its fields, also of one that is slim."""
    return document if document.whole is None else replace(document, json=document.whole, whole=None)


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
        self._block = _writer(source.log_type, batch.owner)
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
                return self._document(position, event, record, self._block)
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

        def write(text: str, timestamp: int) -> _Written:
            if has_fields:
                about, fields = self._block(text, timestamp)
                return {**about, "parse_error": problem}, fields
            return {"severity": "WARNING", "message": one_line(text), "parse_error": problem}, None

        return replace(self._document(position, event, record, write), is_unreadable=True)

    def _document(self, position: int, event: LogEvent, record: Redacted, block: "_Writer") -> Document:
        document_id = _document_id(self._batch, position, event)
        timestamp = _iso_milliseconds(event.timestamp)
        about, fields = block(record.text, event.timestamp)
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


# What a document says of a record beside what all documents say; and the event itself, whose members it has as well.
_Written: TypeAlias = tuple[Mapping[str, object], AuditEvent | None]
_Writer: TypeAlias = Callable[[str, int], _Written]


@lru_cache(maxsize=4)
def _writer(log_type: str, owner: str) -> _Writer:
    """The one for all batches of a log type, of an AWS account."""
    if log_type == AUDIT:
        return _audit_writer(owner)
    return partial(_authenticator, owner) if log_type == AUTHENTICATOR else _component_line


def _audit_writer(owner: str) -> _Writer:
    """It remembers what events repeat, also from batch to batch."""
    read, block_of = AuditReader().read, AuditBlocks(owner).of

    def write(record: str, timestamp: int) -> _Written:
        audit = read(record)
        # Only the API server's own words have neither, as when it crashes.
        if audit.event.auditID is None and audit.event.kind is None and (entry := _entry(record, timestamp)):
            return _klog_block(entry), None
        if audit.error is not None:
            severity = line_severity(record) or "WARNING"
            return {"severity": severity, "message": one_line(record), "parse_error": audit.error}, None
        return block_of(audit), audit.event

    return write


def _present(**members: JsonValue) -> JsonObject:
    """The members that say something."""
    return {name: value for name, value in members.items() if value}


def _component_line(record: str, timestamp: int) -> _Written:
    """A line of any component: in whichever format it looks written, else as it stands."""
    entry = _entry(record, timestamp)
    return _plain(record, timestamp) if entry is None else (_klog_block(entry), None)


def _entry(record: str, timestamp: int) -> KlogEntry | None:
    entry = parse_klog(record, timestamp)
    if entry is None and _LOGFMT.match(record, start_of(record)):
        entry = entry_of(parse_logfmt(record) or {}, timestamp)
    return entry


def _klog_block(entry: KlogEntry) -> JsonObject:
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
        **{name: entry.fields.get(name) for name in NAMED},
    }
    return as_object(_KLOG({name: value for name, value in block.items() if value is not None}))


_KLOG = object_of(
    {
        "time": text_only,
        "thread": Keyword(32),
        "file": Keyword(256),
        "line": as_integer,
        "prefix": Keyword(256),
        "message": Keyword(),
        "fields": lambda fields: fields,
        "pod": Keyword(),
        "node": Keyword(),
        "err": Keyword(),
    }
)


def _authenticator(owner: str, record: str, timestamp: int) -> _Written:
    """A line of aws-iam-authenticator, logfmt or JSON; or one of klog, which client-go inside of it writes."""
    members: Mapping[str, JsonValue] | None = read_json_line(record)
    if members is None or not _is_the_authenticators(members):
        entry = parse_klog(record, timestamp)
        if entry is not None:
            return _klog_block(entry), None
    members = parse_logfmt(record) if members is None else members
    header = header_of(members or {})
    if members is None or header.message is None or not _is_a_line(members, header):
        return {**_plain(record, timestamp)[0], "parse_error": "not a logfmt line with a msg"}, None
    groups = _groups(members.get("groups"))
    pairs = _pairs(members, header)
    _fit_time(pairs, timestamp)
    message = pairs["msg"]
    is_mapping = _MAPPING.match(message) is not None
    if is_mapping:
        _name_identity(pairs)
    return {
        "severity": severity_of_members(members, header),
        "message": authenticator_sentence(pairs),
        "authenticator": {**flat_object(pairs), **_present(groups=Keywords()(groups))},
        **_present(
            actor=None if is_mapping else authenticator_actor(pairs, groups, owner),
            outcome=_authenticator_outcome(message),
        ),
    }, None


def _is_a_line(members: Mapping[str, JsonValue], header: LineHeader) -> bool:
    """Whether members are a log line: what else is JSON may have a `message` too, such as an event of Kubernetes."""
    is_dated = header.time is not None or header.level is not None
    return header.message == "msg" or is_dated or not _IDENTITY.isdisjoint(members)


def _is_the_authenticators(members: Mapping[str, JsonValue]) -> bool:
    """Whether JSON is a line of the authenticator's own, and not of klog, whose lines have a `ts` and no level."""
    header = header_of(members)
    if header.time != "ts" or header.level is not None:
        return True
    message = str(members.get(header.message or ""))
    is_known = _authenticator_outcome(message) is not None or _MAPPING.match(message) is not None
    return is_known or not _IDENTITY.isdisjoint(members)


def _pairs(members: Mapping[str, JsonValue], header: LineHeader) -> dict[str, str]:
    """The members but for groups, as texts; those of the header under the names that logrus gives them."""
    pairs = {
        name: text for name, value in members.items() if name != "groups" and (text := as_keyword(value)) is not None
    }
    for name, usual in ((header.time, "time"), (header.level, "level"), (header.message, "msg")):
        if name != usual and name is not None and name in pairs:
            pairs[usual] = pairs.pop(name)
    return pairs


def _groups(value: JsonValue) -> list[JsonValue]:
    """A list of JSON, or of Go (`[a b]`): its names are parted by blanks, unless they are quoted."""
    if not isinstance(value, str):
        return as_keywords(value)
    names = _NAME.findall(value[1:-1] if value.startswith("[") and value.endswith("]") else value)
    return [unquote(name) if QUOTED.fullmatch(name) else name for name in names]


def _fit_time(pairs: dict[str, str], timestamp: int) -> None:
    """Take away a time that cannot be right, and write one of another form as documents have it."""
    text = pairs.pop("time", None)
    time = read_time(text, timestamp)
    if text is not None and time is not None:
        pairs["time"] = text if text[10:11] == "T" else iso(time)


def _name_identity(pairs: dict[str, str]) -> None:
    """Give what a line at the start says of a mapping the names that lines about requests have."""
    for name, others in (("arn", ("role", "user")), ("accountid", ("accountID",))):
        found = next(filter(None, map(pairs.get, others)), None)
        if found is not None:
            pairs.setdefault(name, found)


def _authenticator_outcome(message: str) -> str | None:
    found = _OUTCOME.match(message)
    return None if found is None else ALLOWED if found["denied"] is None else DENIED


def _plain(record: str, _timestamp: int) -> _Written:
    return {"severity": line_severity(record) or "INFO", "message": one_line(record)}, None
