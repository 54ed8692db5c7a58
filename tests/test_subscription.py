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
NOW = 1_795_200_000_000
GOOD = json.dumps(envelope(["a record"], STREAMS["api"])).encode()
KINESIS = {
    "Records": [
        {"eventSource": "aws:kinesis", "kinesis": {"data": base64.b64encode(gzip.compress(GOOD, mtime=0)).decode()}}
    ]
}


@pytest.mark.parametrize("compressed", [gzip.compress(GOOD, mtime=0), zlib.compress(GOOD)], ids=["gzip", "zlib"])
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
    message = envelope([], STREAMS["api"], logEvents=[{"timestamp": TIMESTAMP, "message": "no id"}])
    assert read_subscription(lambda_event(message), LIMIT).events == (LogEvent(None, TIMESTAMP, "no id"),)


BAD: dict[str, tuple[Any, type[PayloadError], str]] = {
    "empty": ({}, NotASubscription, "subscription filter"),
    "none": (None, NotASubscription, "NoneType"),
    "kinesis": (KINESIS, NotASubscription, "'Records'"),
    "data is no text": ({"awslogs": {"data": 5}}, NotASubscription, "awslogs"),
    "not base64": ({"awslogs": {"data": "%%% not base64 %%%"}}, UndecodablePayload, "not base64"),
    "not ascii": ({"awslogs": {"data": "ä"}}, UndecodablePayload, "not base64"),
    "not gzip": (wrapped(b"plain text"), UndecodablePayload, "no gzip"),
    "nothing": (wrapped(b""), UndecodablePayload, "cut off"),
    "truncated gzip": (wrapped(gzip.compress(GOOD, mtime=0)[:-12]), UndecodablePayload, "cut off"),
    "corrupt gzip": (wrapped(gzip.compress(GOOD, mtime=0)[:-8] + b"\0" * 8), UndecodablePayload, "damaged"),
    "bytes behind": (wrapped(gzip.compress(GOOD, mtime=0) + b"more"), UndecodablePayload, "4 bytes behind"),
    "not JSON": (wrapped(gzip.compress(b"{not json", mtime=0)), UndecodablePayload, "not JSON"),
    "nested too deeply": (wrapped(gzip.compress(b"[" * 100_000, mtime=0)), UndecodablePayload, "not JSON"),
    "a list": (lambda_event([]), MalformedBatch, "list, not an object"),
    "no message type": (lambda_event({}), MalformedBatch, "messageType"),
    "no owner": (lambda_event(envelope([], "s", owner=None)), MalformedBatch, "owner"),
    "no logEvents": (lambda_event(envelope([], "s", logEvents=None)), MalformedBatch, "logEvents"),
    "bomb": (wrapped(gzip.compress(b"\0" * (LIMIT + 1), mtime=0)), PayloadTooLarge, "MAX_PAYLOAD_BYTES"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_named(case: str) -> None:
    event, error, words = BAD[case]
    with pytest.raises(error) as raised:
        read_subscription(event, LIMIT)
    assert words in str(raised.value)
    assert isinstance(raised.value, ForwarderError)


def test_a_payload_of_exactly_the_limit_is_read() -> None:
    assert read_subscription(wrapped(gzip.compress(GOOD, mtime=0)), len(GOOD)).events
    with pytest.raises(PayloadTooLarge):
        read_subscription(wrapped(gzip.compress(GOOD, mtime=0)), len(GOOD) - 1)


def test_errors_do_not_quote_records() -> None:
    content = "token-that-must-not-be-logged"
    cases = [b'{"message": "' + content.encode(), content.encode()]
    for payload in cases:
        with pytest.raises(UndecodablePayload) as raised:
            read_subscription(wrapped(gzip.compress(payload, mtime=0)), LIMIT)
        assert content not in str(raised.value)


def records(*events: object) -> tuple[LogEvent, ...]:
    event = lambda_event(envelope([], STREAMS["api"], logEvents=list(events)))
    return read_subscription(event, 10 * LIMIT, NOW).events


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
    assert [event.timestamp for event in records(untimed)] == [NOW]


AT = 1_795_165_951_000  # 2026-11-20T09:12:31Z
AUDIT_TIMES = '"requestReceivedTimestamp":"2026-11-20T09:12:30.5Z","stageTimestamp":"2026-11-20T09:12:31Z"'


@pytest.mark.parametrize(
    ("timestamp", "unit"),
    [
        (1795165951, "seconds"),
        ("1795165951", "seconds"),
        (1795165951.0, "seconds"),
        ("1795165951.000", "seconds"),
        (1795165951000000, "microseconds"),
        ("1795165951000000", "microseconds"),
        (1795165951000000000, "nanoseconds"),
        (1795165951e9, "nanoseconds"),
    ],
)
def test_a_time_in_another_unit_is_read_and_told(timestamp: object, unit: str) -> None:
    (event,) = records({**GOOD_ONE, "timestamp": timestamp})
    assert isinstance(event, UnreadableEvent)
    assert (event.timestamp, event.has_message) == (AT, True)
    assert event.problem == f"not a log event: its timestamp is in {unit}, not in ms"


@pytest.mark.parametrize("timestamp", ["2026-11-20T09:12:31Z", "2026-11-20 09:12:31", f" {AT} ", f"{AT}.7", AT + 0.7])
def test_a_time_in_a_text_is_read(timestamp: object) -> None:
    (event,) = records({**GOOD_ONE, "timestamp": timestamp})
    assert (type(event), event.timestamp) == (LogEvent, AT)


NO_TIMES = [
    None,
    0,
    1,
    -1,
    -1795165951,
    -AT,
    10**30,
    1e300,
    True,
    False,
    "",
    "soon",
    "-1795165951",
    [AT],
    {"ms": AT},
    10**19,
]


@pytest.mark.parametrize("timestamp", NO_TIMES)
@pytest.mark.parametrize(
    ("record", "time"),
    [
        (f'{{"kind":"Event",{AUDIT_TIMES}}}', AT),
        (f'\ufeff {{"kind":"Event",{AUDIT_TIMES}}}', AT),
        (f'{{"kind":"Event",{AUDIT_TIMES},"annotations":{{"cut o', AT),
        ('{"requestReceivedTimestamp":"2026-11-20T09:12:31Z"}', AT),
        ('{"stageTimestamp":"never","requestReceivedTimestamp":"2026-11-20T09:12:31Z"}', AT),
        ('{"level":"error","time":"2026-11-20T10:12:31+01:00","msg":"x"}', AT),
        ('time="2026-11-20T09:12:31Z" level=info msg="x"', AT),
        ("2026-11-20T09:12:31Z\tERROR\tx", AT),
        ('{"requestObject":{"stageTimestamp":"2026-11-20T09:12:31Z"}}', None),
        ('{"stageTimestamp":"1970-01-01T00:00:00Z"}', None),
        ('{"stageTimestamp":"9999-12-31T23:59:59Z"}', None),
        ('{"stageTimestamp":1795165951}', None),
        ("a record", None),
        ("", None),
    ],
)
def test_a_batch_without_any_time_has_its_records_own_or_when_it_came(
    timestamp: object, record: str, time: int | None
) -> None:
    (event,) = records({"id": "a", "timestamp": timestamp, "message": record})
    assert isinstance(event, UnreadableEvent)
    assert (event.timestamp, event.message) == (time or NOW, record)
    assert "its timestamp is not in ms" in event.problem
    assert ("the record's own" in event.problem) is (time is not None)


@pytest.mark.parametrize(
    "record", ['{"a":' * 100_000, '{"stageTimestamp":"' + "2" * 10**6, " " * 10**6, "\ufeff" * 10**6]
)
def test_a_record_that_would_hide_its_time_is_read(record: str) -> None:
    (event,) = records({"id": "a", "message": record})
    assert event.timestamp == NOW
