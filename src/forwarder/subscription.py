"""A CloudWatch Logs subscription event: from what Lambda hands in to a LogBatch.

Format: AWS, "Real-time processing of log data with subscriptions" (Amazon CloudWatch Logs User Guide).
"""

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Annotated, Literal

import msgspec
from msgspec import Meta, Struct

from forwarder.deflate import INFLATE_ERRORS, inflater
from forwarder.errors import MalformedBatch, NotASubscription, PayloadTooLarge, UndecodablePayload
from forwarder.json_values import JsonObject, JsonValue, as_object, json_text, read_json
from forwarder.sources import LogSource, source_of

DATA_MESSAGE = "DATA_MESSAGE"
CONTROL_MESSAGE = "CONTROL_MESSAGE"

_YEAR_10000 = 253_402_300_800_000


class LogEvent(Struct, frozen=True, gc=False, rename={"event_id": "id"}):
    """One record: `timestamp` in ms since 1970 UTC; `event_id` is None where CloudWatch Logs gave none."""

    event_id: str | None
    timestamp: Annotated[int, Meta(ge=0, lt=_YEAR_10000)]
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


def read_batches(event: object, max_payload_bytes: int) -> list[LogBatch]:
    """The batches that have records in an event; none in a control message.

    Args:
        event: what Lambda hands in.
        max_payload_bytes: how large the JSON of one batch may be; beyond it nothing more is inflated.

    Raises:
        PayloadError: as of read_subscription.
    """
    batch = read_subscription(event, max_payload_bytes)
    return [batch] if batch.events else []


def read_subscription(event: object, max_payload_bytes: int) -> LogBatch:
    """Decode what CloudWatch Logs invoked the function with.

    Args:
        event: the Lambda event, `{"awslogs": {"data": base64(gzip or zlib(JSON))}}`.
        max_payload_bytes: how large the JSON may be; beyond it nothing more is inflated.

    Raises:
        PayloadError: one of its subclasses, for everything else than such an event.
    """
    payload = _inflate(_compressed(event), max_payload_bytes)
    try:
        return _usual_batch(_PAYLOAD.decode(payload))
    except (ValueError, RecursionError):
        return _unusual_batch(payload)


class _Payload(Struct, gc=False):
    owner: str
    logGroup: str  # noqa: N815 - CloudWatch Logs' name
    logStream: str  # noqa: N815 - CloudWatch Logs' name
    messageType: Literal["DATA_MESSAGE", "CONTROL_MESSAGE"]  # noqa: N815 - CloudWatch Logs' name
    logEvents: tuple[LogEvent, ...]  # noqa: N815 - CloudWatch Logs' name


_PAYLOAD = msgspec.json.Decoder(_Payload)


def _usual_batch(payload: _Payload) -> LogBatch:
    events = payload.logEvents if payload.messageType == DATA_MESSAGE else ()
    return LogBatch(payload.owner, payload.logGroup, payload.logStream, events)


def _unusual_batch(payload: bytes) -> LogBatch:
    """What has other types than CloudWatch Logs documents, as far as it can be read; else an error that says where."""
    try:
        message = read_json(payload)
    except ValueError as error:
        raise UndecodablePayload(f"awslogs.data inflates to {len(payload)} bytes that are not JSON: {error}") from None
    return _batch(message)


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


def _batch(message: JsonValue) -> LogBatch:
    if not isinstance(message, dict):
        raise MalformedBatch(f"the payload is a JSON {type(message).__name__}, not an object")
    kind = message.get("messageType")
    if kind not in (DATA_MESSAGE, CONTROL_MESSAGE):
        raise MalformedBatch(f"messageType is {kind!r:.40}; known are {DATA_MESSAGE} and {CONTROL_MESSAGE}")
    return LogBatch(
        owner=_text(message, "owner"),
        log_group=_text(message, "logGroup"),
        log_stream=_text(message, "logStream"),
        events=_events(message) if kind == DATA_MESSAGE else (),
    )


def _text(message: JsonObject, name: str) -> str:
    value = message.get(name)
    if not isinstance(value, str):
        raise MalformedBatch(f"{name} is a JSON {type(value).__name__}, not a string")
    return value


def _events(message: JsonObject) -> tuple[LogEvent, ...]:
    events = message.get("logEvents")
    if not isinstance(events, list):
        raise MalformedBatch(f"logEvents is a JSON {type(events).__name__}, not a list")
    known = [_timestamp(as_object(event).get("timestamp")) for event in events]
    # Of a record without a time, the time of one before it, or else behind it: the same each time it is delivered.
    latest = next((time for time in known if time is not None), 0)
    read = []
    for event, time in zip(events, known, strict=True):
        latest = latest if time is None else time
        read.append(_event(event, time, latest))
    return tuple(read)


def _event(event: JsonValue, time: int | None, nearest: int) -> LogEvent:
    fields = as_object(event)
    event_id, message = fields.get("id"), fields.get("message")
    known_id = event_id if isinstance(event_id, str) else None
    if not isinstance(message, str):
        problem = "not a log event: its message is no text"
        return UnreadableEvent(known_id, nearest, json_text(event), problem=problem, has_message=False)
    if time is None:
        problem = "not a log event: its timestamp is not in ms from 1970 to the year 9999"
        return UnreadableEvent(known_id, nearest, message, problem=problem, has_message=True)
    return LogEvent(known_id, time, message)


def _timestamp(value: JsonValue) -> int | None:
    """Ms since 1970, also of a number with a fraction or of one in a text."""
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < _DIGITS:
        value = int(value)
    if isinstance(value, float) and 0 <= value < _YEAR_10000:
        value = int(value)
    return value if type(value) is int and 0 <= value < _YEAR_10000 else None


_DIGITS = 20
