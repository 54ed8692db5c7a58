import base64
import gzip
import json
import zlib
from typing import Any

import pytest

from forwarder.errors import (
    ForwarderError,
    MalformedBatch,
    NotASubscription,
    PayloadError,
    PayloadTooLarge,
    UndecodablePayload,
)
from forwarder.subscription import LogEvent, UnreadableEvent, read_subscription
from tests.payloads import STREAMS, TIMESTAMP, envelope, lambda_event, wrapped

LIMIT = 1_000_000
GOOD = json.dumps(envelope(["a record"], STREAMS["api"])).encode()
KINESIS = {
    "Records": [{"eventSource": "aws:kinesis", "kinesis": {"data": base64.b64encode(gzip.compress(GOOD)).decode()}}]
}


@pytest.mark.parametrize("compressed", [gzip.compress(GOOD), zlib.compress(GOOD)], ids=["gzip", "zlib"])
def test_reads_what_cloudwatch_logs_sends(compressed: bytes) -> None:
    batch = read_subscription(wrapped(compressed), LIMIT)
    assert (batch.owner, batch.log_group, batch.log_stream) == (
        "111122223333",
        "/aws/eks/shop-test/cluster",
        STREAMS["api"],
    )
    assert batch.events == (LogEvent(f"{STREAMS['api']}-0", TIMESTAMP, "a record"),)


def test_a_control_message_has_nothing_to_do() -> None:
    message = envelope(["CWL CONTROL MESSAGE: Checking health of destination"], "", messageType="CONTROL_MESSAGE")
    assert read_subscription(lambda_event(message), LIMIT).events == ()


def test_an_event_without_id_is_read() -> None:
    message = envelope([], STREAMS["api"], logEvents=[{"timestamp": 1, "message": "no id"}])
    assert read_subscription(lambda_event(message), LIMIT).events == (LogEvent(None, 1, "no id"),)


BAD: dict[str, tuple[Any, type[PayloadError], str]] = {
    "empty": ({}, NotASubscription, "subscription filter"),
    "none": (None, NotASubscription, "NoneType"),
    "kinesis": (KINESIS, NotASubscription, "'Records'"),
    "data is no text": ({"awslogs": {"data": 5}}, NotASubscription, "awslogs"),
    "not base64": ({"awslogs": {"data": "%%% not base64 %%%"}}, UndecodablePayload, "not base64"),
    "not ascii": ({"awslogs": {"data": "ä"}}, UndecodablePayload, "not base64"),
    "not gzip": (wrapped(b"plain text"), UndecodablePayload, "no gzip"),
    "nothing": (wrapped(b""), UndecodablePayload, "cut off"),
    "truncated gzip": (wrapped(gzip.compress(GOOD)[:-12]), UndecodablePayload, "cut off"),
    "corrupt gzip": (wrapped(gzip.compress(GOOD)[:-8] + b"\0" * 8), UndecodablePayload, "damaged"),
    "bytes behind": (wrapped(gzip.compress(GOOD) + b"more"), UndecodablePayload, "4 bytes behind"),
    "not JSON": (wrapped(gzip.compress(b"{not json")), UndecodablePayload, "not JSON"),
    "nested too deeply": (wrapped(gzip.compress(b"[" * 100_000)), UndecodablePayload, "not JSON"),
    "a list": (lambda_event([]), MalformedBatch, "list, not an object"),
    "no message type": (lambda_event({}), MalformedBatch, "messageType"),
    "no owner": (lambda_event(envelope([], "s", owner=None)), MalformedBatch, "owner"),
    "no logEvents": (lambda_event(envelope([], "s", logEvents=None)), MalformedBatch, "logEvents"),
    "bomb": (wrapped(gzip.compress(b"\0" * (LIMIT + 1))), PayloadTooLarge, "MAX_PAYLOAD_BYTES"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case: str) -> None:
    event, error, words = BAD[case]
    with pytest.raises(error) as raised:
        read_subscription(event, LIMIT)
    assert words in str(raised.value)
    assert isinstance(raised.value, ForwarderError)


def test_a_payload_of_exactly_the_limit_is_read() -> None:
    assert read_subscription(wrapped(gzip.compress(GOOD)), len(GOOD)).events
    with pytest.raises(PayloadTooLarge):
        read_subscription(wrapped(gzip.compress(GOOD)), len(GOOD) - 1)


def test_errors_do_not_quote_records() -> None:
    content = "token-that-must-not-be-logged"
    cases = [b'{"message": "' + content.encode(), content.encode()]
    for payload in cases:
        with pytest.raises(UndecodablePayload) as raised:
            read_subscription(wrapped(gzip.compress(payload)), LIMIT)
        assert content not in str(raised.value)


def records(*events: object) -> tuple[LogEvent, ...]:
    return read_subscription(lambda_event(envelope([], STREAMS["api"], logEvents=list(events))), LIMIT).events


GOOD_ONE = {"id": "good", "timestamp": TIMESTAMP, "message": "a record"}


@pytest.mark.parametrize(
    ("event", "event_id", "message", "has_message"),
    [
        ("x", None, '"x"', False),
        (None, None, "null", False),
        (["x", 1], None, '["x",1]', False),
        ({}, None, "{}", False),
        ({"id": "a", "message": "m"}, "a", "m", True),
        ({"id": 7, "timestamp": True, "message": "m"}, None, "m", True),
        ({"id": "a", "timestamp": -1, "message": "m"}, "a", "m", True),
        ({"id": "a", "timestamp": 253_402_300_800_000, "message": "m"}, "a", "m", True),
        ({"id": "a", "timestamp": 1e300, "message": "m"}, "a", "m", True),
        ({"id": "a", "timestamp": "9" * 5000, "message": "m"}, "a", "m", True),
        ({"id": "a", "timestamp": TIMESTAMP, "message": {"k": 1}}, "a", None, False),
        ({"id": "a", "timestamp": TIMESTAMP, "message": None}, "a", None, False),
    ],
)
def test_an_unreadable_record_is_kept_and_holds_up_no_other(
    event: object, event_id: str | None, message: str | None, has_message: object
) -> None:
    first, second, third = records(GOOD_ONE, event, GOOD_ONE)
    assert first == third == LogEvent("good", TIMESTAMP, "a record")
    assert isinstance(second, UnreadableEvent)
    assert (second.event_id, second.timestamp, second.has_message) == (event_id, TIMESTAMP, has_message)
    assert second.message == (message or json.dumps(event, separators=(",", ":")))
    assert second.problem.startswith("not a log event")


@pytest.mark.parametrize("timestamp", [str(TIMESTAMP), float(TIMESTAMP), TIMESTAMP + 0.5])
def test_a_time_of_another_type_is_read(timestamp: object) -> None:
    assert records({**GOOD_ONE, "timestamp": timestamp}) == (LogEvent("good", TIMESTAMP, "a record"),)


def test_a_record_without_time_gets_that_of_its_neighbour_each_time() -> None:
    untimed = {"id": "u", "message": "m"}
    later = {**GOOD_ONE, "timestamp": TIMESTAMP + 5}
    assert [event.timestamp for event in records(untimed, GOOD_ONE, untimed, later)] == [
        TIMESTAMP,
        TIMESTAMP,
        TIMESTAMP,
        TIMESTAMP + 5,
    ]
    assert [event.timestamp for event in records(untimed)] == [0]
