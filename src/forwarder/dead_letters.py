"""Documents that OpenSearch refuses for good, kept in S3 with the reason: gzip of newline-delimited JSON."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson

from forwarder.errors import DeadLettersNotWritten
from forwarder.index_names import Index
from forwarder.outcomes import Outcome

PREFIX = "dead-letters"


@dataclass(frozen=True, slots=True)
class Letters:
    """One object for S3."""

    key: str
    body: bytes


class Bucket(Protocol):
    """Wherever dead letters are put."""

    def put(self, letters: Letters) -> None:
        """Store an object; raises DeadLettersNotWritten where that is not certain."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What is written beside each document: the request's id, the function's version, and when (UTC)."""

    request_id: str
    function_version: str
    time: datetime


def letters_of(outcomes: Sequence[Outcome], index: Index, invocation: Invocation) -> Letters:
    """The object for refused documents, one line each: the whole document, even where a slim one was tried last.

    The key sorts by day. It cannot collide: a request's id is given once, and a retry of it comes a minute later.
    """
    time = invocation.time.astimezone(UTC)
    lines = [orjson.dumps(_letter(outcome, index, invocation)) for outcome in outcomes]
    key = f"{PREFIX}/{time:%Y/%m/%d}/{time:%H%M%S}-{invocation.request_id}.ndjson.gz"
    return Letters(key, gzip.compress(b"\n".join(lines) + b"\n", mtime=0))


def _letter(outcome: Outcome, index: Index, invocation: Invocation) -> dict[str, object]:
    document = outcome.document
    return {
        "index": index.of(document.timestamp),
        "id": document.document_id,
        "status": outcome.status,
        "reason": f"{outcome.verdict.value}: {outcome.reason}" if outcome.reason else outcome.verdict.value,
        "when": invocation.time.astimezone(UTC).isoformat(timespec="seconds"),
        "function_version": invocation.function_version,
        "document": orjson.Fragment(document.whole or document.json),
    }


class S3Bucket:
    """A bucket in S3; the client is made when it is needed first, since most invocations never do."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._client: Any = None

    def put(self, letters: Letters) -> None:
        """Store an object.

        Raises:
            DeadLettersNotWritten: S3 refused it or did not answer.
        """
        import boto3  # noqa: PLC0415 - 0.2 s of a cold start that only a dead letter is worth
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - comes with it

        try:
            self._client = self._client or boto3.client("s3")
            self._client.put_object(
                Bucket=self._name,
                Key=letters.key,
                Body=letters.body,
                ContentType="application/x-ndjson",
                ContentEncoding="gzip",
            )
        except (BotoCoreError, ClientError) as error:
            raise DeadLettersNotWritten(
                f"refused documents could not be kept in s3://{self._name}/{letters.key}: {error}. Check that the "
                "bucket exists and that the function's role may put objects there; Lambda keeps the event meanwhile."
            ) from None
