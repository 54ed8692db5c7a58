"""What became of each document, judged from the answers of the bulk API.

The shapes are those that OpenSearch 2.19.4 and 3.5.0 answer with: a status for each item, or one for the request.
"""

import re
from collections import Counter
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property

from msgspec import Struct, structs

from forwarder.bulk import BulkAnswer, BulkRequest
from forwarder.documents import Document
from forwarder.json_values import JsonValue, as_object

LONGEST_REASON = 300


class Verdict(Enum):
    """What an answer means for a document."""

    STORED = "stored"
    DUPLICATE = "duplicate"
    REFUSED = "refused"
    """The mapping refuses it: the same document will be refused again."""
    DEAD_LETTER = "dead letter"
    """It was refused for good, and is kept in S3."""
    TOO_LARGE = "too large"
    LATER = "later"
    """The server could not take it now."""
    SETUP = "set-up"
    """Identity, rights or target are wrong: nothing gets better by itself."""


class Outcome(Struct, frozen=True):
    """What became of one document: `status` is the item's or the request's; `reason` holds no record's content."""

    document: Document
    verdict: Verdict
    status: int | None
    reason: str = ""


_CREATED = 201
_DONE = frozenset({Verdict.STORED, Verdict.DUPLICATE})
_FOR_GOOD = frozenset({Verdict.REFUSED, Verdict.TOO_LARGE})
_NOT_WANTED = _FOR_GOOD | {Verdict.DEAD_LETTER}
_KEPT = _DONE | {Verdict.DEAD_LETTER}
REASONS_SHOWN = 3


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
        return sum(outcome.document.is_slim and outcome.verdict in _DONE for outcome in self.outcomes)

    @property
    def needed_care(self) -> bool:
        """Whether something went otherwise than an operator would wish, even if all of it is kept now."""
        return bool(self.pushed_back or self.slim or self.count(Verdict.DEAD_LETTER))

    @cached_property
    def refusals(self) -> tuple[str, ...]:
        """Why the mapping refused documents, those stored without their fields included; the commonest first."""
        reasons = Counter(
            str(outcome.document.source["parse_error"]) if outcome.verdict in _DONE else outcome.reason
            for outcome in self.outcomes
            if outcome.document.is_slim or outcome.verdict in _NOT_WANTED
        )
        return tuple(reason for reason, _ in reasons.most_common(REASONS_SHOWN))

    @cached_property
    def unstored(self) -> tuple[Outcome, ...]:
        """The outcomes of documents that neither OpenSearch nor S3 said it has."""
        return tuple(outcome for outcome in self.outcomes if outcome.verdict not in _KEPT)

    @property
    def refused(self) -> tuple[Outcome, ...]:
        """The outcomes of documents that OpenSearch will never take."""
        return tuple(outcome for outcome in self.outcomes if outcome.verdict in _FOR_GOOD)

    def with_refused_kept(self) -> "Delivery":
        """The delivery after its refused documents were kept as dead letters."""
        kept = (
            structs.replace(outcome, verdict=Verdict.DEAD_LETTER) if outcome.verdict in _FOR_GOOD else outcome
            for outcome in self.outcomes
        )
        return replace(self, outcomes=tuple(kept))


def is_itemised(request: BulkRequest, answer: BulkAnswer) -> bool:
    """Whether the answer has a status for each document, not one for the request as a whole."""
    return len(_items(answer)) == len(request.documents)


def _items(answer: BulkAnswer) -> list[JsonValue]:
    items = as_object(answer.body).get("items") if answer.status == 200 else None  # noqa: PLR2004 - HTTP: OK
    return items if isinstance(items, list) else []


def judge(request: BulkRequest, answer: BulkAnswer) -> list[Outcome]:
    """One outcome for each document of the request, in its order."""
    if not is_itemised(request, answer):
        verdict, reason = request_verdict(answer)
        return [Outcome(document, verdict, answer.status, reason) for document in request.documents]
    if as_object(answer.body).get("errors") is False:
        return [Outcome(document, Verdict.STORED, _CREATED) for document in request.documents]
    return [_item_outcome(document, item) for document, item in zip(request.documents, _items(answer), strict=True)]


def _item_outcome(document: Document, item: JsonValue) -> Outcome:
    result = as_object(as_object(item).get("create"))
    status, error = result.get("status"), result.get("error")
    if not isinstance(status, int):
        return Outcome(document, Verdict.LATER, None, "an item of the answer has no status")
    return Outcome(document, _item_verdict(status, error), status, _reason(error))


def _item_verdict(status: int, error: JsonValue) -> Verdict:
    if status == 409:  # noqa: PLR2004 - the document's id exists: an earlier delivery stored it
        return Verdict.DUPLICATE
    return _verdict(status, error)


def request_verdict(answer: BulkAnswer) -> tuple[Verdict, str]:
    """What an answer to a request as a whole means for its documents, and the reason."""
    if answer.status is None:
        return Verdict.LATER, answer.body if isinstance(answer.body, str) else "no answer"
    error = as_object(answer.body).get("error")
    if 200 <= answer.status < 300:  # noqa: PLR2004 - HTTP: success
        return Verdict.LATER, "the answer is not that of the bulk API; is OPENSEARCH_ENDPOINT an OpenSearch?"
    if answer.status == 400:  # noqa: PLR2004 - HTTP: bad request
        # Nothing in a document makes OpenSearch refuse the whole request: its ids are short, its lines are JSON.
        return Verdict.SETUP, _reason(error) or _gateway_reason(answer)
    return _verdict(answer.status, error), _reason(error) or _gateway_reason(answer)


def _verdict(status: int, error: JsonValue) -> Verdict:
    if 200 <= status < 300:  # noqa: PLR2004 - HTTP: success
        return Verdict.STORED
    if _speaks_of_setup(status, error):
        return Verdict.SETUP
    if status == 413:  # noqa: PLR2004 - HTTP: content too large
        return Verdict.TOO_LARGE
    return Verdict.REFUSED if status == 400 else Verdict.LATER  # noqa: PLR2004 - HTTP: bad request


def _speaks_of_setup(status: int, error: JsonValue) -> bool:
    """Whether identity, rights or target are wrong; a redirection is an answer of something else than OpenSearch."""
    if status == 403:  # noqa: PLR2004 - forbidden: for now where an index is blocked, else until someone mends it
        return _error_type(error) != "cluster_block_exception"
    refuses_ids = str(as_object(error).get("reason", "")).startswith(_NO_IDS)
    return status == 401 or status == 404 or 300 <= status < 400 or refuses_ids  # noqa: PLR1714, PLR2004


def refuses_ids(outcome: Outcome) -> bool:
    """Whether the server takes no document under an id of ours, whatever the document."""
    return outcome.verdict is Verdict.SETUP and _NO_IDS in outcome.reason


def _error_type(error: JsonValue) -> str:
    kind = as_object(error).get("type")
    return kind if isinstance(kind, str) else ""


# Reasons of these types speak of the server, its rights and its load; those of other types quote the document.
_SPEAKS_OF_SERVER = frozenset(
    {
        "circuit_breaking_exception",
        "cluster_block_exception",
        "index_closed_exception",
        "index_not_found_exception",
        "invalid_index_name_exception",
        "rejected_execution_exception",
        "opensearch_rejected_execution_exception",
        "security_exception",
        "unavailable_shards_exception",
    }
)
# With the domain's option rest.action.multi.allow_explicit_index set to false.
_NO_INDEX_IN_BULK = "explicit index in bulk is not allowed"
# Of time-series and vector collections of OpenSearch Serverless, for every item (AWS, "Supported operations").
_NO_IDS = "Document ID is not supported"
# What a refusal says of its moment: identities of objects, tasks done so far, bytes under way (not the limit). Without
# it the same refusal reads the same each time, and can be counted.
_PASSING = re.compile(
    r"(?:\$\d+)?@[0-9a-f]{4,}\b|, org\.opensearch\.[\w.]+@[0-9a-f]+\[[^]]*\]|\b(?!max_)\w+_bytes=\d+, "
)
_FIELD = re.compile(r"(?:failed to parse (?:date )?field|mapping for|in field) ?=?[\[\"]([\w@./-]{1,100})[\]\"]")


def _reason(error: JsonValue) -> str:
    """Type and, where it is safe to show, reason of an error; of the rest only the field that it names."""
    if not isinstance(error, dict):
        return ""
    kind, reason = _error_type(error), str(error.get("reason", ""))
    if kind in _SPEAKS_OF_SERVER or reason.startswith((_NO_INDEX_IN_BULK, _NO_IDS)):
        return f"{kind}: {_PASSING.sub('', reason)}"[:LONGEST_REASON]
    field = _FIELD.search(reason)
    return f"{kind} in field [{field[1]}]" if field else kind


def _gateway_reason(answer: BulkAnswer) -> str:
    """What Amazon's endpoint says in front of OpenSearch: `{"message": …}` or `{"Message": …}`; never a whole page."""
    body = as_object(answer.body)
    message = body.get("message") or body.get("Message")
    return message[:LONGEST_REASON] if isinstance(message, str) else f"HTTP {answer.status}"


def counts(delivery: Delivery) -> dict[str, int]:
    """What the function answers."""
    return {
        "records": len(delivery.outcomes),
        "stored": delivery.count(Verdict.STORED),
        "duplicate": delivery.count(Verdict.DUPLICATE),
        "dead_letters": delivery.count(Verdict.DEAD_LETTER),
    }
