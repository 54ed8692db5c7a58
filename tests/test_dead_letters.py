"""What OpenSearch refuses for good ends in S3 with its reason, or the invocation fails."""

import gzip
import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from opensearchpy import OpenSearch

from forwarder.delivery.dead_letters import DeadLetters, Invocation, S3Bucket, dead_letters_of
from forwarder.delivery.outcomes import Delivery, Outcome, Verdict
from forwarder.delivery.sender import failure_of, keep_refused
from forwarder.documents import document_of, slim
from forwarder.errors import DeadLettersNotWritten
from forwarder.index_names import Index
from local.rig import Rig
from local.s3 import S3Server
from tests.payloads import STREAMS, TIMESTAMP, answer, envelope, lambda_event

INDEX = "eks-control-plane-logs-refusing"
BUCKET = "dead-letters-of-the-tests"
TIME = datetime(2026, 11, 21, 9, 12, 31, tzinfo=UTC)


def test_letters_hold_the_whole_document_and_why() -> None:
    document = document_of("a", {"@timestamp": "2026-11-20T23:59:59.999Z", "@id": "a", "verb": "get"})
    outcome = Outcome(slim(document, "x"), Verdict.REJECTED, 400, "mapper_parsing_exception in field [message]")
    letters = dead_letters_of([outcome, outcome], Index("logs", "daily"), Invocation("request-1", "7", TIME))
    assert letters.key == "dead-letters/2026/11/21/091231-request-1.ndjson.gz"
    lines = [json.loads(line) for line in gzip.decompress(letters.body).splitlines()]
    assert (
        lines
        == [
            {
                "index": "logs-2026.11.20",
                "id": "a",
                "status": 400,
                "reason": "refused: mapper_parsing_exception in field [message]",
                "when": "2026-11-21T09:12:31+00:00",
                "function_version": "7",
                "document": {"@timestamp": "2026-11-20T23:59:59.999Z", "@id": "a", "verb": "get"},
            }
        ]
        * 2
    )


class Kept:
    """A bucket in memory."""

    def __init__(self) -> None:
        self.letters: list[DeadLetters] = []

    def put(self, letters: DeadLetters, longest_wait: float) -> None:
        assert longest_wait > 0
        self.letters.append(letters)


@pytest.mark.parametrize(("other", "kept"), [(Verdict.STORED, 1), (Verdict.DUPLICATE, 1), (Verdict.RETRYABLE, 0)])
def test_letters_are_written_once_the_rest_of_the_batch_is_done(other: Verdict, kept: int) -> None:
    document = document_of("a", {"@timestamp": "2026-11-20T23:59:59.999Z"})
    delivery = Delivery((Outcome(document, Verdict.REJECTED, 400), Outcome(document, other, None)), 0)
    bucket = Kept()
    after = keep_refused(delivery, bucket, Index("logs"), Invocation("request-1", "7", TIME))
    assert len(bucket.letters) == kept
    assert (failure_of(after) is None) is bool(kept)


@pytest.fixture(scope="module", autouse=True)
def refusing(prepared: Rig, server: OpenSearch) -> Iterator[None]:
    """An index template of somebody else's that refuses every document of log type audit, slim ones too."""
    mappings = {"dynamic": False, "properties": {"log_type": {"type": "boolean"}, "@id": {"type": "keyword"}}}
    body = {"index_patterns": [INDEX], "priority": 900, "template": {"mappings": mappings}}
    server.indices.put_index_template(name="refusing", body=body)
    yield
    server.indices.delete_index_template(name="refusing")
    server.indices.delete(index=INDEX, ignore_unavailable=True)
    assert prepared.node.url


EVENT = lambda_event(
    envelope([], STREAMS["audit"], logEvents=[{"id": "refused", "timestamp": TIMESTAMP, "message": '{"verb":"get"}'}])
)


def variables(s3: S3Server, bucket: str) -> dict[str, str]:
    return {"INDEX_NAME": INDEX, "DEAD_LETTER_BUCKET": bucket, "AWS_ENDPOINT_URL_S3": s3.url}


def test_a_refused_document_is_kept_in_s3(prepared: Rig, s3: S3Server) -> None:
    bucket = s3.new_bucket(BUCKET)
    with prepared.lambda_runtime(variables(s3, BUCKET)) as function:
        invocation = function.invoke(EVENT)
    assert invocation.payload == answer(1, 0, 0, 1)
    (letter,) = bucket.dead_letters()
    assert (letter["id"], letter["status"]) == ("refused", 400)
    assert letter["reason"] == "refused: mapper_parsing_exception in field [log_type]"
    assert letter["document"]["verb"] == "get"
    assert '"DeadLetters":[1.0]' in invocation.log.replace(" ", "")
    assert '"refusals":["mapper_parsing_exception in field [log_type]"]' in invocation.log


def test_where_s3_refuses_too_the_invocation_fails(prepared: Rig, s3: S3Server) -> None:
    with prepared.lambda_runtime(variables(s3, "no-such-bucket")) as function:
        error = function.invoke(EVENT).error
    assert error is not None
    assert error["errorType"] == "DeadLettersNotWritten"
    assert "s3://no-such-bucket/dead-letters/" in error["errorMessage"]
    assert "NoSuchBucket" in error["errorMessage"]


def test_without_a_bucket_the_invocation_fails(prepared: Rig) -> None:
    with prepared.lambda_runtime({"INDEX_NAME": INDEX}) as function:
        error = function.invoke(EVENT).error
    assert error is not None
    assert error["errorType"] == "NotStored"


def test_an_s3_that_never_answers_leaves_time_to_report(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", f"http://127.0.0.1:{silent.getsockname()[1]}")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "x")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        started = time.monotonic()
        with pytest.raises(DeadLettersNotWritten, match=r"s3://bucket/dead-letters/a"):
            S3Bucket("bucket").put(DeadLetters("dead-letters/a", b"x"), 2.0)
        assert time.monotonic() - started < 2.5
