"""A CloudWatch Logs subscription event: from what Lambda hands in to a LogBatch.

Format: AWS, "Real-time processing of log data with subscriptions" (Amazon CloudWatch Logs User Guide).
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from forwarder.deflate import INFLATE_ERRORS, inflater
from forwarder.errors import MalformedBatch, NotASubscription, PayloadTooLarge, UndecodablePayload
from forwarder.json_values import JsonObject, JsonValue, as_object, json_text, read_json, read_leading_members
from forwarder.sources import LogSource, source_of

DATA_MESSAGE = "DATA_MESSAGE"
CONTROL_MESSAGE = "CONTROL_MESSAGE"

# What is earlier was not written by CloudWatch Logs, which takes nothing older than 14 days (PutLogEvents).
_YEAR_1973 = 100_000_000_000
_YEAR_10000 = 253_402_300_800_000


class LogEvent(Struct, frozen=True, gc=False, rename={"event_id": "id"}):
    """One record: `timestamp` in ms since 1970 UTC; `event_id` is None where CloudWatch Logs gave none."""

    event_id: str | None
    timestamp: Annotated[int, Meta(ge=_YEAR_1973, lt=_YEAR_10000)]
    message: str


class UnreadableEvent(LogEvent, frozen=True, gc=False, kw_only=True):
    """A record that is not as CloudWatch Logs documents it.

    Attributes:
        problem: what is wrong with it.
        has_message: whether `message` is the record's own; else it is the whole record, as JSON.
    """

    problem: str
    has_message: bool


@dataclass(frozen=True)
class LogBatch:
    """The records of one payload, all of one log stream; a control message has none."""

    owner: str
    log_group: str
    log_stream: str
    events: tuple[LogEvent, ...]

    @cached_property
    def source(self) -> LogSource:
        """What the names of group and stream tell."""
        return source_of(self.log_group, self.log_stream)


def read_batches(event: object, max_payload_bytes: int, now: datetime) -> list[LogBatch]:
    """The batches that have records in an event; none in a control message.

    Args:
        event: what Lambda hands in.
        max_payload_bytes: how large the JSON of one batch may be; beyond it nothing more is inflated.
        now: when it came, for records that do not say when they are of.

    Raises:
        PayloadError: as of read_subscription.
    """
    batch = read_subscription(event, max_payload_bytes, int(now.timestamp() * 1000))
    return [batch] if batch.events else []


def read_subscription(event: object, max_payload_bytes: int, now: int = 0) -> LogBatch:
    """Decode what CloudWatch Logs invoked the function with.

    Args:
        event: the Lambda event, `{"awslogs": {"data": base64(gzip or zlib(JSON))}}`.
        max_payload_bytes: how large the JSON may be; beyond it nothing more is inflated.
        now: ms since 1970: when the event came, for a batch in which nothing says a time.

    Raises:
        PayloadError: one of its subclasses, for everything else than such an event.
    """
    payload = _inflate(_compressed(event), max_payload_bytes)
    try:
        return _usual_batch(_PAYLOAD.decode(payload))
    except (ValueError, RecursionError):
        return _unusual_batch(payload, now)


class _Payload(Struct, gc=False, rename="camel"):
    owner: str
    log_group: str
    log_stream: str
    message_type: Literal["DATA_MESSAGE", "CONTROL_MESSAGE"]
    log_events: tuple[LogEvent, ...]


_PAYLOAD = msgspec.json.Decoder(_Payload)


def _usual_batch(payload: _Payload) -> LogBatch:
    events = payload.log_events if payload.message_type == DATA_MESSAGE else ()
    return LogBatch(payload.owner, payload.log_group, payload.log_stream, events)


def _unusual_batch(payload: bytes, now: int) -> LogBatch:
    """What has other types than CloudWatch Logs documents, as far as it can be read; else an error that says where."""
    try:
        message = read_json(payload)
    except ValueError as error:
        raise UndecodablePayload(f"awslogs.data inflates to {len(payload)} bytes that are not JSON: {error}") from None
    return _batch(message, now)


def _compressed(event: object) -> bytes:
    data = event.get("awslogs") if isinstance(event, Mapping) else None
    data = data.get("data") if isinstance(data, Mapping) else None
    if not isinstance(data, str):
        raise NotASubscription(_not_a_subscription(event))
    try:
        return base64.b64decode(data, validate=True)
    except (binascii.Error, ValueError):
        raise UndecodablePayload(
            f"awslogs.data ({len(data)} characters) is not base64; send what CloudWatch Logs sends, unchanged"
        ) from None


def _not_a_subscription(event: object) -> str:
    advice = "subscribe this function to the log group directly with a CloudWatch Logs subscription filter"
    if isinstance(event, Mapping) and "Records" in event:
        return f"the event comes from a stream or queue (it has 'Records'), not from CloudWatch Logs; {advice}"
    keys = sorted(map(str, event))[:5] if isinstance(event, Mapping) else type(event).__name__
    return f"the event has no text at awslogs.data (found: {keys or 'nothing'}); {advice}"


def _inflate(compressed: bytes, limit: int) -> bytes:
    stream = inflater()
    try:
        inflated = stream.decompress(compressed, limit + 1)
    except INFLATE_ERRORS as error:
        raise UndecodablePayload(f"awslogs.data is base64, but no gzip or zlib, or a damaged one: {error}") from None
    if len(inflated) > limit:
        raise PayloadTooLarge(
            f"awslogs.data ({len(compressed)} bytes) inflates beyond {limit} bytes; "
            "raise MAX_PAYLOAD_BYTES, and the function's memory with it, if such batches are expected"
        )
    if not stream.eof:
        raise UndecodablePayload(f"awslogs.data is cut off: its gzip breaks off after {len(inflated)} inflated bytes")
    if stream.unused_data:
        raise UndecodablePayload(f"awslogs.data has {len(stream.unused_data)} bytes behind the end of its gzip")
    return inflated


def _batch(message: JsonValue, now: int) -> LogBatch:
    if not isinstance(message, dict):
        raise MalformedBatch(f"the payload is a JSON {type(message).__name__}, not an object")
    kind = message.get("messageType")
    if kind not in (DATA_MESSAGE, CONTROL_MESSAGE):
        raise MalformedBatch(f"messageType is {kind!r:.40}; known are {DATA_MESSAGE} and {CONTROL_MESSAGE}")
    return LogBatch(
        owner=_text(message, "owner"),
        log_group=_text(message, "logGroup"),
        log_stream=_text(message, "logStream"),
        events=_events(message, now) if kind == DATA_MESSAGE else (),
    )


def _text(message: JsonObject, name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise MalformedBatch(f"{name} is a JSON {type(value).__name__}, not a string")
    return value


def _events(message: JsonObject, now: int) -> tuple[LogEvent, ...]:
    events = message.get("logEvents")
    if not isinstance(events, list):
        raise MalformedBatch(f"logEvents is a JSON {type(events).__name__}, not a list")
    known = [_time(as_object(event), now) for event in events]
    # Of a record without a time, the time of one before it, or else behind it: the same each time it is delivered.
    latest = next((time for time, _ in known if time is not None), now)
    read = []
    for event, (time, problem) in zip(events, known, strict=True):
        latest = latest if time is None else time
        read.append(_event(event, latest, problem))
    return tuple(read)


def _event(event: JsonValue, time: int, problem: str | None) -> LogEvent:
    fields = as_object(event)
    event_id, message = fields.get("id"), fields.get("message")
    known_id = event_id if isinstance(event_id, str) else None
    if not isinstance(message, str):
        problem = "not a log event: its message is no text"
        return UnreadableEvent(known_id, time, json_text(event), problem=problem, has_message=False)
    if problem is not None:
        return UnreadableEvent(known_id, time, message, problem=problem, has_message=True)
    return LogEvent(known_id, time, message)


def _time(event: JsonObject, now: int) -> tuple[int | None, str | None]:
    """When an event was, in ms since 1970, and what is wrong with its timestamp; None where it does not say when."""
    number = _number(event.get("timestamp"))
    for unit, first, end, per_millisecond in _UNITS:
        if number is not None and first <= number < end:
            time = int(number * 1000) if unit == _SECONDS else int(number // per_millisecond)
            return time, None if unit == _MILLISECONDS else f"not a log event: its timestamp is in {unit}, not in ms"
    own = _own_time(event.get("message"), now)
    problem = "not a log event: its timestamp is not in ms from 1973 to the year 9999"
    return own, problem if own is None else f"{problem}; the record's own stands in its place"


_SECONDS, _MILLISECONDS = "seconds", "milliseconds"
# Which numbers are taken for which unit, none for two: what would be before 2001 is in no other unit than ms.
_UNITS = (
    (_MILLISECONDS, _YEAR_1973, _YEAR_10000, 1),
    (_SECONDS, 10**9, _YEAR_1973, 1),
    ("microseconds", 10**15, 10**17, 1_000),
    ("nanoseconds", 10**18, 10**19, 1_000_000),
)
_NUMBER = re.compile(r"[0-9]{1,19}(?:\.[0-9]{1,9})?")


def _number(value: JsonValue) -> int | float | None:
    """A timestamp, also as a text of a number or, in ISO 8601, of a time."""
    if isinstance(value, str):
        if _NUMBER.fullmatch(value.strip()):
            return float(value) if "." in value else int(value)
        return milliseconds_of(value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


# Of a record that is JSON; the API server's own, and what log libraries call it.
_OWN_TIMES = ("stageTimestamp", "requestReceivedTimestamp", "timestamp", "time", "ts", "@timestamp")
_TIME_IN_FRONT = re.compile(
    r'\s*+(?:(?:time|ts)=)?"?(?P<time>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)'
)
_DAY = 86_400_000


def _own_time(record: JsonValue, now: int) -> int | None:
    """The time that a record itself says, unless it is one to come."""
    if not isinstance(record, str):
        return None
    found = _TIME_IN_FRONT.match(record)
    texts: list[JsonValue] = [found["time"]] if found else []
    try:
        members = as_object(read_json(record.strip("\ufeff \r\n"))) if not found else {}
    except ValueError:
        members = read_leading_members(record)
    texts += [members[name] for name in _OWN_TIMES if name in members]
    times = (milliseconds_of(text) for text in texts if isinstance(text, str))
    return next((time for time in times if time is not None and (not now or time < now + _DAY)), None)


def milliseconds_of(text: str) -> int | None:
    """A time in ISO 8601, without an offset in UTC, as ms since 1970; None where it is none, or not one of a record."""
    try:
        time = datetime.fromisoformat(text.strip())
        milliseconds = int(time.replace(tzinfo=time.tzinfo or UTC).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None
    return milliseconds if _YEAR_1973 <= milliseconds < _YEAR_10000 else None
