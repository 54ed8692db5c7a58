"""What became of each document, judged from the answers of the bulk API.

The shapes are those that OpenSearch 2.19.4 and 3.5.0 answer with: a status for each item, or one for the request. What
an answer means is in `error_causes`.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from http import HTTPStatus

from msgspec import Struct, structs

from forwarder.delivery.bulk import BulkAnswer, BulkRequest
from forwarder.delivery.error_causes import (
    error_type,
    gateway_message,
    gateway_type,
    item_cause,
    request_cause,
    shown_reason,
)
from forwarder.delivery.verdicts import Cause, Verdict
from forwarder.documents import SLIM, Document
from forwarder.json_values import JsonObject, JsonValue, as_object
from forwarder.visible_text import one_line

__all__ = ["Cause", "Delivery", "Outcome", "Verdict", "counts", "judge", "request_verdict"]

LONGEST_REASON = 300
REASONS_SHOWN = 3


_CREATED = HTTPStatus.CREATED.value


class Outcome(Struct, frozen=True):
    """What became of one document.

    Attributes:
        document: which.
        verdict: what follows.
        status: the item's, or the request's.
        reason: for people; holds no record's content.
        cause: why it is not stored, for what to do about it.
    """

    document: Document
    verdict: Verdict
    status: int | None
    reason: str = ""
    cause: Cause | None = None


@dataclass(frozen=True)
class Delivery:
    """What became of a batch: one outcome for each document, its last one.

    `sent_bytes` is uncompressed and counts what was sent again; `sent_again` is how many requests that were.
    `paused` is how many seconds were waited because the server, or the way to it, could not take them; `pushed_back`
    says why, each reason once.
    """

    outcomes: tuple[Outcome, ...]
    sent_bytes: int
    sent_again: int = 0
    paused: float = 0.0
    pushed_back: tuple[str, ...] = ()

    def count(self, verdict: Verdict) -> int:
        """How many documents met this verdict."""
        return self._by_verdict[verdict]

    @cached_property
    def _by_verdict(self) -> Counter[Verdict]:
        """Counted once: a report asks for every verdict, and a batch has thousands of outcomes."""
        return Counter(outcome.verdict for outcome in self.outcomes)

    @cached_property
    def slim(self) -> int:
        """How many documents are stored without their fields."""
        return sum(outcome.document.is_slim and outcome.verdict.is_done for outcome in self.outcomes)

    @cached_property
    def unreadable(self) -> int:
        """How many documents are of records that could not be read, and hold them as they came."""
        return sum(outcome.document.is_unreadable for outcome in self.outcomes)

    @property
    def needed_care(self) -> bool:
        """Whether something went otherwise than an operator would wish, even if all of it is kept now."""
        return bool(self.pushed_back or self.slim or self.unreadable or self.count(Verdict.DEAD_LETTER))

    @cached_property
    def refusals(self) -> tuple[str, ...]:
        """Why the mapping refused documents, those stored without their fields included; the commonest first."""
        reasons = Counter(
            f"{SLIM}: {outcome.document.refusal}" if outcome.verdict.is_done else outcome.reason
            for outcome in self.outcomes
            if outcome.document.is_slim or outcome.verdict.is_refused_for_good
        )
        return tuple(reason for reason, _ in reasons.most_common(REASONS_SHOWN))

    @cached_property
    def unstored(self) -> tuple[Outcome, ...]:
        """The outcomes of documents that neither OpenSearch nor S3 said it has."""
        return tuple(outcome for outcome in self.outcomes if not outcome.verdict.is_kept)

    @property
    def refused(self) -> tuple[Outcome, ...]:
        """The outcomes of documents that OpenSearch will never take."""
        return tuple(outcome for outcome in self.outcomes if outcome.verdict.is_rejected)

    def with_refused_kept(self) -> "Delivery":
        """The delivery after its refused documents were kept as dead letters."""
        kept = (
            structs.replace(outcome, verdict=Verdict.DEAD_LETTER) if outcome.verdict.is_rejected else outcome
            for outcome in self.outcomes
        )
        return replace(self, outcomes=tuple(kept))


def results_of(request: BulkRequest, answer: BulkAnswer) -> list[JsonObject] | None:
    """What the answer says of each document of the request, in its order; None where it does not speak of them.

    The items of another request, which something on the way may deliver, are none for this one.
    """
    items = _items(answer)
    if len(items) != len(request.documents):
        return None
    # One call for each of thousands of documents would be felt: what is shaped as usual is taken as it is.
    results: list[JsonObject] = [
        item["create"] if type(item) is dict and type(item.get("create")) is dict else {}  # type: ignore[misc]  # a dict
        for item in items
    ]
    if request.names_ids:
        for document, result in zip(request.documents, results, strict=True):
            if "_id" in result and result["_id"] != document.document_id:
                return None
    return results


def _items(answer: BulkAnswer) -> list[JsonValue]:
    items = as_object(answer.body).get("items") if answer.status == HTTPStatus.OK else None
    return items if isinstance(items, list) else []


def judge(request: BulkRequest, answer: BulkAnswer) -> list[Outcome]:
    """One outcome for each document of the request, in its order."""
    results = results_of(request, answer)
    return judge_request(request, answer) if results is None else judge_items(request, results)


def judge_items(request: BulkRequest, results: Sequence[JsonObject]) -> list[Outcome]:
    """One outcome for each document, from its own result: the summary of them all, `errors`, is not believed."""
    return [
        Outcome(document, Verdict.STORED, _CREATED)
        if result.get("status") == _CREATED and "error" not in result
        else _item_outcome(document, result)
        for document, result in zip(request.documents, results, strict=True)
    ]


def judge_request(request: BulkRequest, answer: BulkAnswer) -> list[Outcome]:
    """The same outcome for each document, from an answer to the request as a whole."""
    cause, reason = _request_outcome(answer)
    return [Outcome(document, cause.verdict, answer.status, reason, cause) for document in request.documents]


def _item_outcome(document: Document, result: JsonObject) -> Outcome:
    status, error = result.get("status"), result.get("error")
    if status == _CREATED and error is None:
        return Outcome(document, Verdict.STORED, _CREATED)
    if not isinstance(status, int):
        return _contradicted(document, None, "an item of the answer has no status")
    if status == HTTPStatus.CONFLICT and error_type(error) in _EXISTS:
        return Outcome(document, Verdict.DUPLICATE, status, _reason(Cause.BUSY, error))
    if status < HTTPStatus.MULTIPLE_CHOICES:
        return _contradicted(document, status, "an item of the answer says neither created nor an error")
    cause = item_cause(status, error)
    return Outcome(document, cause.verdict, status, _reason(cause, error), cause)


def _contradicted(document: Document, status: int | None, reason: str) -> Outcome:
    return Outcome(document, Cause.FOREIGN_ANSWER.verdict, status, reason, Cause.FOREIGN_ANSWER)


# Of a document whose id is there: an earlier delivery stored it.
_EXISTS = ("version_conflict_engine_exception", "")


def request_verdict(answer: BulkAnswer) -> tuple[Verdict, str]:
    """What an answer to a request as a whole means for its documents, and the reason."""
    cause, reason = _request_outcome(answer)
    return cause.verdict, reason


def _request_outcome(answer: BulkAnswer) -> tuple[Cause, str]:
    cause = request_cause(answer.status, answer.body)
    if answer.status is None:
        return cause, answer.body if isinstance(answer.body, str) else "no answer"
    if cause is Cause.FOREIGN_ANSWER:
        if answer.status == HTTPStatus.OK and _items(answer):
            return cause, "the answer's items are not the documents of the request"
        return cause, "the answer is not that of the bulk API; is OPENSEARCH_ENDPOINT an OpenSearch?"
    reason = _reason(cause, as_object(answer.body).get("error")) or _said(answer)
    return cause, f"{reason} to {answer.location}" if answer.location else reason


def _said(answer: BulkAnswer) -> str:
    """What an answer says that is not in the words of OpenSearch; of one that says nothing the status."""
    status = f"HTTP {answer.status}"
    words = ": ".join(filter(None, (gateway_type(answer.body), gateway_message(answer.body))))
    if isinstance(answer.body, str) and words:
        words = f"{status}: {words}"
    return one_line(words)[:LONGEST_REASON] or status


# What a refusal says of its moment: identities of objects, tasks done so far, bytes under way (not the limit). Without
# it the same refusal reads the same each time, and can be counted.
_PASSING = re.compile(
    r"(?:\$\d+)?@[0-9a-f]{4,}\b|, org\.opensearch\.[\w.]+@[0-9a-f]+\[[^]]*\]|\b(?!max_)\w+_bytes=\d+, "
)


def _reason(cause: Cause, error: JsonValue) -> str:
    return _PASSING.sub("", shown_reason(cause, error))[:LONGEST_REASON]


def counts(delivery: Delivery) -> dict[str, int]:
    """What the function answers."""
    return {
        "records": len(delivery.outcomes),
        "stored": delivery.count(Verdict.STORED),
        "duplicate": delivery.count(Verdict.DUPLICATE),
        "dead_letters": delivery.count(Verdict.DEAD_LETTER),
    }
