"""Which objects of the bucket are replayed, and what is read from them."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from eks_logs.errors import UnreadableObject
from eks_logs.replay.contents import (
    Contents,
    Kind,
    Period,
    beginning_of,
    choose,
    contents_of,
    end_of,
    kept_object,
)
from forwarder.index_names import Index
from tests.payloads import STREAMS, envelope, lambda_event

LETTERS_KEY = "dead-letters/2026/11/21/091231-request-1.ndjson.gz"
EVENT_KEY = "aws/lambda/async/forwarder/2026/11/20/2026-11-20T23.59.58-b5a0"
MODIFIED = datetime(2026, 12, 1, tzinfo=UTC)
INDEX = Index("logs", "daily")
LIMIT = 1_000_000
LETTER = {"index": "logs-2026.11.20", "id": "a", "reason": "refused", "document": {"@timestamp": "2026-11-20", "x": 1}}
PAYLOAD = lambda_event(envelope(["a", "b"], STREAMS["api"]))


@pytest.mark.parametrize(
    ("key", "kind", "kept_at"),
    [
        (LETTERS_KEY, Kind.DEAD_LETTERS, datetime(2026, 11, 21, 9, 12, 31, tzinfo=UTC)),
        (EVENT_KEY, Kind.FAILED_EVENT, datetime(2026, 11, 20, 23, 59, 58, tzinfo=UTC)),
        ("dead-letters/2026/13/41/091231-request-1.ndjson.gz", Kind.DEAD_LETTERS, MODIFIED),
        ("dead-letters/2026/11/21/091231-request-1.json", Kind.FOREIGN, MODIFIED),
        ("aws/lambda/sqs/forwarder/2026/11/20/2026-11-20T23.59.58-b5a0", Kind.FOREIGN, MODIFIED),
        ("notes.txt", Kind.FOREIGN, MODIFIED),
    ],
)
def test_a_key_tells_the_kind_and_the_time(key: str, kind: Kind, kept_at: datetime) -> None:
    kept = kept_object(key, MODIFIED)
    assert (kept.kind, kept.kept_at) == (kind, kept_at)


@pytest.mark.parametrize(
    ("since", "until", "chosen"),
    [
        (None, None, [EVENT_KEY, LETTERS_KEY, "notes.txt"]),
        ("2026-11-21", None, [LETTERS_KEY, "notes.txt"]),
        (None, "2026-11-20", [EVENT_KEY]),
        ("2026-11-20", "2026-11-21", [EVENT_KEY, LETTERS_KEY]),
        ("2026-11-21T09:12:31Z", "2026-11-21T09:12:32", [LETTERS_KEY]),
        ("2026-11-21T00:59:58+01:00", "2026-11-21T09:12:31Z", [EVENT_KEY]),
    ],
)
def test_a_period_chooses_by_when_objects_were_kept(since: str | None, until: str | None, chosen: list[str]) -> None:
    keys = [f"replayed/{LETTERS_KEY}", "notes.txt", LETTERS_KEY, "dead-letters/", EVENT_KEY]
    period = Period(beginning_of(since) if since else None, end_of(until) if until else None)
    assert [kept.key for kept in choose(((key, MODIFIED) for key in keys), period)] == chosen


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        beginning_of("yesterday")


def letters(*lines: Any) -> bytes:
    return gzip.compress("\n".join(map(json.dumps, lines)).encode())


def read(key: str, body: bytes) -> Contents:
    return contents_of(kept_object(key, MODIFIED), body, INDEX, LIMIT)


def record(**changes: Any) -> bytes:
    context = {"requestId": "request-1", "condition": "RetriesExhausted", "approximateInvokeCount": 3}
    response = {"errorType": "NotStored", "errorMessage": "whatever"}
    return json.dumps(
        {"version": "1.0", "requestContext": context, "requestPayload": PAYLOAD, "responsePayload": response} | changes
    ).encode()


def test_letters_go_to_the_indices_they_name() -> None:
    contents = read(LETTERS_KEY, letters(LETTER, LETTER | {"index": "other", "id": "b"}, LETTER | {"id": "c"}))
    found = [(one.index, [document.document_id for document in one.documents]) for one in contents.shipments]
    assert found == [(Index("logs-2026.11.20"), ["a", "c"]), (Index("other"), ["b"])]
    assert (contents.records, contents.reason) == (3, "3 refused")


def test_an_event_goes_where_the_function_would_send_it() -> None:
    contents = read(EVENT_KEY, record())
    ((index, documents),) = [(one.index, list(one.documents)) for one in contents.shipments]
    assert index == INDEX
    assert [document.source["@message"] for document in documents] == ["a", "b"]
    assert (contents.records, contents.reason) == (2, "RetriesExhausted: NotStored")


def test_an_event_that_never_ran_has_a_reason_too() -> None:
    aged = record(requestContext={"condition": "EventAgeExceeded"}, responsePayload=None)
    assert read(EVENT_KEY, aged).reason == "EventAgeExceeded"


def test_a_control_message_has_nothing_to_send() -> None:
    control = lambda_event(envelope([], STREAMS["api"], messageType="CONTROL_MESSAGE"))
    assert read(EVENT_KEY, record(requestPayload=control)).shipments == ()


@pytest.mark.parametrize(
    ("key", "body", "words"),
    [
        ("notes.txt", b"", "not the function's"),
        (LETTERS_KEY, b"{}", "is not whole gzip"),
        (LETTERS_KEY, letters(LETTER)[:-9], "is not whole gzip"),
        (LETTERS_KEY, letters(), "holds no dead letter"),
        (LETTERS_KEY, gzip.compress(b"x" * (LIMIT + 1)), "--max-object-bytes"),
        (LETTERS_KEY, gzip.compress(json.dumps(LETTER).encode() + b"\n{"), "line 2 is not JSON"),
        (LETTERS_KEY, letters(LETTER, []), "line 2 names no index"),
        (LETTERS_KEY, letters(LETTER | {"index": ".opendistro_security"}), "line 1 names no index"),
        (LETTERS_KEY, letters(LETTER | {"id": "x" * 513}), "line 1 has no id"),
        (LETTERS_KEY, letters(LETTER | {"document": {"@id": "a"}}), "line 1 has no document with a @timestamp"),
        (EVENT_KEY, b"<html>", "is not JSON"),
        (EVENT_KEY, b"[]", "no event of CloudWatch Logs at requestPayload"),
        (EVENT_KEY, record(requestPayload={"awslogs": {"data": "%"}}), "is not base64"),
        (
            EVENT_KEY,
            record(requestPayload=lambda_event(envelope(["x" * LIMIT], STREAMS["api"]))),
            "--max-object-bytes",
        ),
    ],
)
def test_what_cannot_be_read_is_named(key: str, body: bytes, words: str) -> None:
    with pytest.raises(UnreadableObject, match=words):
        read(key, body)
