"""Which objects of the bucket are replayed, and what is read from them."""

import gzip
import json
from datetime import UTC, datetime
from typing import Any

import pytest

from eks_logs.errors import UnreadableObject
from eks_logs.replay.contents import ContentReader, Contents
from eks_logs.replay.objects import ObjectKind, Period, beginning_of, end_of, object_of, select, shown
from forwarder.index_names import Index
from forwarder.redaction import Redactor
from tests.payloads import STREAMS, envelope, lambda_event

LETTERS_KEY = "dead-letters/2026/11/21/091231-request-1.ndjson.gz"
EVENT_KEY = "aws/lambda/async/forwarder/2026/11/20/2026-11-20T23.59.58-b5a0"
MODIFIED = datetime(2026, 12, 1, tzinfo=UTC)
INDEX = Index("logs", "daily")
LIMIT = 1_000_000
LETTER = {"index": "logs-2026.11.20", "id": "a", "reason": "refused", "document": {"@timestamp": "2026-11-20", "x": 1}}
PAYLOAD = lambda_event(envelope(["a", "b"], STREAMS["api"]))


@pytest.mark.parametrize(
    ("key", "kind", "written_at"),
    [
        (LETTERS_KEY, ObjectKind.DEAD_LETTERS, datetime(2026, 11, 21, 9, 12, 31, tzinfo=UTC)),
        (EVENT_KEY, ObjectKind.FAILED_EVENT, datetime(2026, 11, 20, 23, 59, 58, tzinfo=UTC)),
        ("dead-letters/2026/13/41/091231-request-1.ndjson.gz", ObjectKind.DEAD_LETTERS, MODIFIED),
        ("dead-letters/2026/11/21/091231-request-1.json", ObjectKind.UNKNOWN, MODIFIED),
        ("aws/lambda/sqs/forwarder/2026/11/20/2026-11-20T23.59.58-b5a0", ObjectKind.UNKNOWN, MODIFIED),
        ("notes.txt", ObjectKind.UNKNOWN, MODIFIED),
    ],
)
def test_a_key_tells_the_kind_and_the_time(key: str, kind: ObjectKind, written_at: datetime) -> None:
    found = object_of(key, MODIFIED)
    assert (found.kind, found.written_at) == (kind, written_at)
    assert found.function == ("forwarder" if kind is ObjectKind.FAILED_EVENT else "")


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
def test_a_period_chooses_by_when_objects_were_written(since: str | None, until: str | None, chosen: list[str]) -> None:
    keys = [f"replayed/{LETTERS_KEY}", f"replaying/{EVENT_KEY}", "notes.txt", LETTERS_KEY, "dead-letters/", EVENT_KEY]
    period = Period(beginning_of(since) if since else None, end_of(until) if until else None)
    assert [found.key for found in select(((key, MODIFIED) for key in keys), period)] == chosen


def test_a_time_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="yesterday"):
        beginning_of("yesterday")


def letters(*lines: Any) -> bytes:
    return gzip.compress("\n".join(map(json.dumps, lines)).encode(), mtime=0)


def read(key: str, body: bytes, **more: Any) -> Contents:
    return ContentReader(INDEX, LIMIT, **more).read(object_of(key, MODIFIED), body)


def record(**changes: Any) -> bytes:
    context = {"requestId": "request-1", "condition": "RetriesExhausted", "approximateInvokeCount": 3}
    response = {"errorType": "NotStored", "errorMessage": "whatever"}
    return json.dumps(
        {"version": "1.0", "requestContext": context, "requestPayload": PAYLOAD, "responsePayload": response} | changes
    ).encode()


def test_letters_go_to_the_indices_they_name() -> None:
    contents = read(LETTERS_KEY, letters(LETTER, LETTER | {"index": "logs", "id": "b"}, LETTER | {"id": "c"}))
    found = [(one.index, [document.document_id for document in one.documents]) for one in contents.batches]
    assert found == [(Index("logs-2026.11.20"), ["a", "c"]), (Index("logs"), ["b"])]
    assert (contents.records, contents.reason, contents.not_ours) == (3, "3 refused", {})


@pytest.mark.parametrize("index", ["logs", "logs-2026.11.20", "logs-2026.w47", "logs-2026.11"])
def test_the_indices_of_every_rotation_are_the_stacks(index: str) -> None:
    (batch,) = read(LETTERS_KEY, letters(LETTER | {"index": index})).batches
    assert batch.index == Index(index)


@pytest.mark.parametrize(
    "index",
    [
        *(
            "other",
            ".opendistro_security",
            ".kibana",
            "logs-other",
            "logs-2026.11.20-other",
            "logs-2026",
            "logs2026.11.20",
        ),
        # Of another day than the document: an index as old as one likes, or of the year 9999.
        *("logs-2026.11.21", "logs-2026.12", "logs-2025.w47", "logs-9999.12.31"),
        *("LOGS", "logs*", "logs,other", "<logs-{now/d}>", "cluster:logs", "logs/_doc", "", "logs\n", "-logs"),
    ],
)
def test_a_letter_that_names_another_index_is_not_sent(index: str) -> None:
    contents = read(LETTERS_KEY, letters(LETTER | {"index": index}, LETTER | {"id": "b"}))
    ((batch, ids),) = [(one, [document.document_id for document in one.documents]) for one in contents.batches]
    assert (batch.index.name, ids, contents.records) == ("logs-2026.11.20", ["b"], 1)
    assert contents.not_ours == {index: 1}


def test_the_region_is_that_of_the_function_that_failed() -> None:
    context = {"condition": "RetriesExhausted", "functionArn": "arn:aws:lambda:us-east-1:111122223333:function:f:7"}
    for body, region in ((record(requestContext=context), "us-east-1"), (record(), "eu-west-1")):
        (batch,) = read(EVENT_KEY, body, region="eu-west-1").batches
        assert {document.source["region"] for document in batch.documents} == {region}


def test_the_operators_own_secrets_are_taken_out_of_events() -> None:
    payload = lambda_event(envelope(['I1120 09:12:31.000000       1 a.go:1] "Done" ssn="078-05-1120"'], STREAMS["api"]))
    (batch,) = read(EVENT_KEY, record(requestPayload=payload), redactor=Redactor(names=("ssn",))).batches
    assert "078-05-1120" not in batch.documents[0].json.decode()


def test_an_event_of_another_stack_s_function_is_left() -> None:
    assert read(EVENT_KEY, record(), function="forwarder").records == 2
    with pytest.raises(UnreadableObject, match="is an event of the function forwarder, not of the stack's, other"):
        read(EVENT_KEY, record(), function="other")


def test_what_a_terminal_would_obey_is_not_shown() -> None:
    assert (
        shown("a\x1b[31m\nb\u202e")
        == "a\N{REPLACEMENT CHARACTER}[31m\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"
    )


def test_an_event_goes_where_the_function_would_send_it() -> None:
    contents = read(EVENT_KEY, record())
    ((index, documents),) = [(one.index, list(one.documents)) for one in contents.batches]
    assert index == INDEX
    assert [document.source["@message"] for document in documents] == ["a", "b"]
    assert (contents.records, contents.reason) == (2, "RetriesExhausted: NotStored")


def test_an_event_that_never_ran_has_a_reason_too() -> None:
    aged = record(requestContext={"condition": "EventAgeExceeded"}, responsePayload=None)
    assert read(EVENT_KEY, aged).reason == "EventAgeExceeded"


def test_a_control_message_has_nothing_to_send() -> None:
    control = lambda_event(envelope([], STREAMS["api"], messageType="CONTROL_MESSAGE"))
    assert read(EVENT_KEY, record(requestPayload=control)).batches == ()


@pytest.mark.parametrize(
    ("key", "body", "words"),
    [
        ("notes.txt", b"", "not the function's"),
        (LETTERS_KEY, b"{}", "is not whole gzip"),
        (LETTERS_KEY, letters(LETTER)[:-9], "is not whole gzip"),
        (LETTERS_KEY, letters(), "holds no dead letter"),
        (LETTERS_KEY, gzip.compress(b"x" * (LIMIT + 1), mtime=0), "--max-object-bytes"),
        (LETTERS_KEY, gzip.compress(json.dumps(LETTER).encode() + b"\n{", mtime=0), "line 2 is not JSON"),
        (LETTERS_KEY, letters(LETTER, []), "line 2 names no index"),
        (LETTERS_KEY, letters(LETTER | {"index": ["logs"]}), "line 1 names no index"),
        (LETTERS_KEY, letters(LETTER | {"id": "x" * 513}), "line 1 has no id"),
        (LETTERS_KEY, letters(LETTER | {"document": {"@id": "a"}}), "line 1 has no document with a @timestamp"),
        (LETTERS_KEY, letters(LETTER | {"document": "text"}), "line 1 has no document with a @timestamp"),
        (LETTERS_KEY, letters(LETTER | {"document": {"@timestamp": 20261120}}), "line 1 has no document with a @time"),
        (LETTERS_KEY, letters(LETTER | {"document": {"@timestamp": "2026-W47-5"}}), "no document with a @timestamp"),
        (LETTERS_KEY, letters(LETTER | {"document": {"@timestamp": "2026-13-40T"}}), "no document with a @timestamp"),
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
