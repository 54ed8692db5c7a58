"""Sending documents until each is stored; what is not is raised, so that Lambda keeps the event.

What the server could not take now is sent again, after growing pauses, while the invocation's time lasts. A request
that is too large is halved; a document that is refused, or too large alone, is sent once more, slim, under the same id.
"""

import random
import time
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from forwarder.bulk import BulkClient, BulkRequest, pack
from forwarder.dead_letters import Bucket, Invocation, letters_of
from forwarder.documents import Document, slim
from forwarder.errors import AccessRefused, DeliveryError, NotStored, Unreachable
from forwarder.index_names import Index
from forwarder.outcomes import Delivery, Outcome, Verdict, is_itemised, judge

_REASONS_SHOWN = 3
_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 20.0
_SHORTEST_WAIT = 1.0
_RESERVE = 3.0

_MAY_PASS_SLIM = frozenset({Verdict.REFUSED, Verdict.TOO_LARGE})
_FINAL = frozenset(Verdict) - {Verdict.LATER}


@dataclass(frozen=True, slots=True)
class Patience:
    """How long sending may go on, and how it waits; time and sleep are handed in.

    Attributes:
        deadline: by `clock`, in seconds, when there must be an end.
        clock: seconds, monotonic.
        sleep: waits for so many seconds.
        jitter: a random number from 0 to 1, so that many functions do not come again at the same moment.
    """

    deadline: float
    clock: Callable[[], float]
    sleep: Callable[[float], None]
    jitter: Callable[[], float]

    @property
    def left(self) -> float:
        """Seconds until the deadline."""
        return self.deadline - self.clock()

    def wait(self, attempt: int) -> bool:
        """Wait before another attempt, longer each time; at once False where the time for it is not there."""
        pause = pause_before(attempt, self.jitter())
        if pause >= self.left:
            return False
        self.sleep(pause)
        return True


def patience_for(remaining_milliseconds: int) -> Patience:
    """As long as the invocation lasts, less what it takes to report and to raise."""
    left = remaining_milliseconds / 1000 - _RESERVE
    return Patience(time.monotonic() + left, time.monotonic, time.sleep, random.random)


def pause_before(attempt: int, jitter: float) -> float:
    """Seconds to wait before an attempt (the first repetition is 1): doubling from 0.5 to 20, of it half to all."""
    return min(_LONGEST_PAUSE, _FIRST_PAUSE * 2.0 ** min(attempt - 1, 10)) * (0.5 + jitter / 2)


@dataclass(frozen=True, slots=True)
class Next:
    """What to do after an answer: outcomes that are final, and documents to send again.

    Attributes:
        final: of documents that are done, or that nothing more can be done for.
        later: outcomes of documents to send again after a pause.
        at_once: documents to send again now, in these requests: halves, and slim ones.
    """

    final: tuple[Outcome, ...]
    later: tuple[Outcome, ...] = ()
    at_once: tuple[tuple[Document, ...], ...] = ()


def decide(judged: Sequence[Outcome], *, whole_request: bool) -> Next:
    """What follows from the outcomes of one request; pure.

    Args:
        judged: one outcome for each document of the request.
        whole_request: whether they come from an answer to the request as a whole, not to its items.
    """
    documents = tuple(outcome.document for outcome in judged)
    if whole_request and len(documents) > 1 and judged[0].verdict is Verdict.TOO_LARGE:
        middle = len(documents) // 2
        return Next((), at_once=(documents[:middle], documents[middle:]))
    slimmed = tuple(slim(outcome.document, outcome.reason) for outcome in judged if _may_pass_slim(outcome))
    return Next(
        final=tuple(outcome for outcome in judged if outcome.verdict in _FINAL and not _may_pass_slim(outcome)),
        later=tuple(outcome for outcome in judged if outcome.verdict is Verdict.LATER),
        at_once=(slimmed,) if slimmed else (),
    )


def _may_pass_slim(outcome: Outcome) -> bool:
    return outcome.verdict in _MAY_PASS_SLIM and not outcome.document.is_slim


class Sender:
    """Sends documents until OpenSearch has them, refuses them for good, or the time is over."""

    def __init__(self, client: BulkClient, index: Index, target_bytes: int, patience: Patience) -> None:
        self._client = client
        self._index = index
        self._target_bytes = target_bytes
        self._patience = patience
        self._final: list[Outcome] = []
        self._sent_bytes = 0
        self._requests = 0
        self._first_requests = 0
        self._stopped_by: Outcome | None = None

    def deliver(self, documents: Iterable[Document]) -> Delivery:
        """Send all documents; every one of them has an outcome in the delivery."""
        for request in pack(documents, self._index, self._target_bytes):
            self._first_requests += self._stopped_by is None
            self._see_through(request)
        sent_again = self._requests - self._first_requests
        return Delivery(tuple(self._final), self._sent_bytes, sent_again)

    def _see_through(self, first: BulkRequest) -> None:
        """Send one request, and again what it takes, until each of its documents has its last outcome."""
        waiting = deque([(first, 0)])
        while waiting:
            request, attempt = waiting.popleft()
            if self._stopped_by is not None:
                self._final += _not_sent(request, self._stopped_by)
                continue
            following = self._send(request)
            self._final += following.final
            for documents in following.at_once:
                waiting.extend((again, attempt) for again in self._pack(documents))
            if following.later:
                self._send_later(following.later, attempt + 1, waiting)

    def _send(self, request: BulkRequest) -> Next:
        answer = self._client.bulk(request.body, max(_SHORTEST_WAIT, self._patience.left))
        self._requests += 1
        self._sent_bytes += len(request.body)
        judged = judge(request, answer)
        self._stopped_by = next((outcome for outcome in judged if outcome.verdict is Verdict.SETUP), None)
        return decide(judged, whole_request=not is_itemised(request, answer))

    def _send_later(self, outcomes: tuple[Outcome, ...], attempt: int, waiting: deque[tuple[BulkRequest, int]]) -> None:
        if self._patience.wait(attempt):
            again = self._pack(outcome.document for outcome in outcomes)
            waiting.extendleft((request, attempt) for request in reversed([*again]))
        else:
            self._final += outcomes
            self._stopped_by = outcomes[0]

    def _pack(self, documents: Iterable[Document]) -> Iterator[BulkRequest]:
        return pack(documents, self._index, self._target_bytes)


def _not_sent(request: BulkRequest, because: Outcome) -> list[Outcome]:
    """Outcomes of documents that were not tried any more, as nothing else would have come of it."""
    return [Outcome(document, because.verdict, because.status, because.reason) for document in request.documents]


def keep_refused(delivery: Delivery, bucket: Bucket | None, index: Index, invocation: Invocation) -> Delivery:
    """Put what OpenSearch refuses for good into the bucket; without a bucket it stays refused, and fails the batch.

    Where the batch fails for another reason too, nothing is put: the event comes again, and the same letters with it.

    Raises:
        DeadLettersNotWritten: the bucket did not take it.
    """
    if bucket is None or not delivery.refused or len(delivery.unstored) > len(delivery.refused):
        return delivery
    bucket.put(letters_of(delivery.refused, index, invocation))
    return delivery.with_refused_kept()


def failure_of(delivery: Delivery) -> DeliveryError | None:
    """The error to raise for a delivery, with counts and the first reasons; None where everything is stored."""
    unstored = delivery.unstored
    if not unstored:
        return None
    summary = (
        f"{len(unstored)} of {len(delivery.outcomes)} documents are not stored "
        f"(stored {delivery.count(Verdict.STORED)}, already there {delivery.count(Verdict.DUPLICATE)}): "
        + "; ".join(_reasons(unstored))
    )
    if any(outcome.verdict is Verdict.SETUP for outcome in unstored):
        return AccessRefused(f"{summary}. {_SETUP_ADVICE}")
    if all(outcome.status is None for outcome in unstored):
        return Unreachable(f"{summary}. {_NETWORK_ADVICE}")
    return NotStored(f"{summary}. Lambda retries the event; documents already stored are not stored twice.")


_SETUP_ADVICE = (
    "Give the function's role its rights: python -m opensearch_setup --endpoint <OpenSearch endpoint> "
    "--role-arn <the stack's output FunctionRoleArn>; if the signature itself is refused, check the stack's "
    "OpenSearchEndpoint and OpenSearchDomainArn."
)
_NETWORK_ADVICE = "Check OPENSEARCH_ENDPOINT, and for a domain in a VPC the function's subnets and security groups."


def _reasons(unstored: Iterable[Outcome]) -> Iterator[str]:
    """The commonest reasons, each with how many documents it met."""
    counted = Counter((outcome.verdict.value, outcome.status, outcome.reason) for outcome in unstored)
    for (verdict, status, reason), number in counted.most_common(_REASONS_SHOWN):
        yield f"{number} {verdict}{f' ({status})' if status else ''}{f': {reason}' if reason else ''}"
