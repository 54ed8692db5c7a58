"""Documents that OpenSearch refuses for good, kept in S3 with the reason: gzip of newline-delimited JSON."""

import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread
from typing import Any, Protocol

import orjson

from forwarder.delivery.outcomes import Outcome
from forwarder.errors import DeadLettersNotWritten
from forwarder.index_names import Index

PREFIX = "dead-letters"


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """One object for S3."""

    key: str
    body: bytes


class Bucket(Protocol):
    """Wherever dead letters are put."""

    def put(self, letters: DeadLetters, longest_wait: float) -> None:
        """Store an object within so many seconds; raises DeadLettersNotWritten where that is not certain."""


@dataclass(frozen=True, slots=True)
class Invocation:
    """What is written beside each document: the request's id, the function's version, and when (UTC)."""

    request_id: str
    function_version: str
    time: datetime


def dead_letters_of(outcomes: Sequence[Outcome], index: Index, invocation: Invocation) -> DeadLetters:
    """The object for refused documents, one line each: the whole document, even where a slim one was tried last.

    The key sorts by day. It cannot collide: a request's id is given once, and a retry of it comes a minute later.
    """
    time = invocation.time.astimezone(UTC)
    lines = [orjson.dumps(_letter(outcome, index, invocation)) for outcome in outcomes]
    key = f"{PREFIX}/{time:%Y/%m/%d}/{time:%H%M%S}-{invocation.request_id}.ndjson.gz"
    return DeadLetters(key, gzip.compress(b"\n".join(lines) + b"\n", mtime=0))


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


# Of one step, connecting or reading, and of each of two attempts; all together never more than is left.
_LONGEST_STEP = 5.0
_ATTEMPTS = 2


class S3Bucket:
    """A bucket in S3; its client is made for each object, since most invocations have none."""

    def __init__(self, name: str) -> None:
        self._name = name

    def put(self, letters: DeadLetters, longest_wait: float) -> None:
        """Store an object within so many seconds, also where S3 sends a byte now and then, which no time-out sees.

        Raises:
            DeadLettersNotWritten: S3 refused it or did not answer in time.
        """
        problems: list[str] = []
        # Left to itself where it is overdue; it is tried again under another key.
        sending = Thread(target=self._put, args=(letters, longest_wait, problems), daemon=True)
        sending.start()
        sending.join(longest_wait)
        if sending.is_alive():
            problems.append(f"no answer within {longest_wait:.1f} s")
        if problems:
            raise DeadLettersNotWritten(
                f"refused documents could not be kept in s3://{self._name}/{letters.key}: {problems[0]}. Check that "
                "the bucket exists, that the function's role may put objects there, and for a function in a VPC that "
                "it has a way to S3; Lambda keeps the event meanwhile."
            )

    def _put(self, letters: DeadLetters, longest_wait: float, problems: list[str]) -> None:
        import boto3  # noqa: PLC0415 - 0.2 s of a cold start that only a dead letter is worth
        from botocore.config import Config  # noqa: PLC0415 - comes with it

        step = min(_LONGEST_STEP, longest_wait / _ATTEMPTS)
        retries = {"total_max_attempts": _ATTEMPTS, "mode": "standard"}
        try:
            client: Any = boto3.client("s3", config=Config(connect_timeout=step, read_timeout=step, retries=retries))
            client.put_object(
                Bucket=self._name,
                Key=letters.key,
                Body=letters.body,
                ContentType="application/x-ndjson",
                ContentEncoding="gzip",
            )
        except Exception as error:  # noqa: BLE001 - whatever it is, the letters are not there
            problems.append(f"{type(error).__name__}: {error}"[:300])
