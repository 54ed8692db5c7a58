"""Sending documents until each is stored; what is not is raised, so that Lambda keeps the event.

What the server could not take now is sent again, after growing pauses, while the invocation's time lasts. A request
that is too large is halved; a document that is refused, or too large alone, is sent once more, slim, under the same id.
"""

from collections import Counter, deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from msgspec import structs

from forwarder.delivery.backoff import Backoff, Deadline
from forwarder.delivery.bulk import BulkAnswer, BulkClient, BulkRequest, Limits, pack
from forwarder.delivery.dead_letters import Bucket, Invocation, dead_letters_of
from forwarder.delivery.in_flight import InFlight
from forwarder.delivery.outcomes import REASONS_SHOWN, Delivery, Outcome, judge_items, judge_request, results_of
from forwarder.delivery.verdicts import Cause, Deployment, Verdict, advice_for
from forwarder.documents import Document, slim, whole
from forwarder.errors import AccessRefused, DeliveryError, NotStored, Unreachable
from forwarder.index_names import Index

_SHORTEST_WAIT = 1.0

_TOO_MANY = 429
_TIME_IS_OVER = "not sent, as the invocation's time was over"

Documents = tuple[Document, ...]


@dataclass(frozen=True, slots=True)
class Next:
    """What to do after an answer: outcomes that are final, and documents to send again, in these requests.

    Attributes:
        final: of documents that are done, or that nothing more can be done for.
        at_once: to send again now: halves, and slim documents.
        later: to send again after a pause.
    """

    final: tuple[Outcome, ...]
    at_once: tuple[Documents, ...] = ()
    later: tuple[Documents, ...] = ()


def decide(judged: Sequence[Outcome], *, whole_request: bool) -> Next:
    """What follows from the outcomes of one request; pure.

    Args:
        judged: one outcome for each document of the request.
        whole_request: whether they come from an answer to the request as a whole, not to its items.
    """
    if whole_request:
        return _decide_request(judged[0], tuple(outcome.document for outcome in judged), judged)
    return _decide_items(judged)


def _decide_request(shared: Outcome, documents: Documents, judged: Sequence[Outcome]) -> Next:
    if len(documents) > 1 and shared.verdict is Verdict.TOO_LARGE:
        return Next((), at_once=_halves(documents))
    if len(documents) > 1 and shared.status == _TOO_MANY and shared.cause is not Cause.THROTTLED:
        # A node refuses what would exceed its memory for indexing; a smaller request may find room sooner. Where the
        # number of requests is too much, more of them would not.
        return Next((), later=_halves(documents))
    return _decide_items(judged)


def _halves(documents: Documents) -> tuple[Documents, Documents]:
    middle = len(documents) // 2
    return documents[:middle], documents[middle:]


def _decide_items(judged: Sequence[Outcome]) -> Next:
    if all(outcome.verdict is Verdict.STORED for outcome in judged):
        return Next(tuple(judged))
    slimmed = tuple(slim(outcome.document, outcome.reason) for outcome in judged if _may_pass_slim(outcome))
    # Until then what refused its fields may be fixed, as by a template that was put meanwhile.
    later = tuple(whole(outcome.document) for outcome in judged if outcome.verdict is Verdict.RETRYABLE)
    return Next(
        final=tuple(
            outcome for outcome in judged if outcome.verdict is not Verdict.RETRYABLE and not _may_pass_slim(outcome)
        ),
        at_once=(slimmed,) if slimmed else (),
        later=(later,) if later else (),
    )


def _may_pass_slim(outcome: Outcome) -> bool:
    return outcome.verdict.is_rejected and not outcome.document.is_slim


class Sender:
    """Sends documents until OpenSearch has them, refuses them for good, or the time is over.

    Args:
        client: sends one request.
        index: where documents go.
        limits: how much is sent at a time.
        deadline: how long it may take.
    """

    def __init__(self, client: BulkClient, index: Index, limits: Limits, deadline: Deadline) -> None:
        self._index = index
        self._limits = limits
        self._deadline = deadline
        self._backoff = Backoff(limits.in_flight, deadline)
        self._in_flight = InFlight(client, deadline.clock)
        self._soon: deque[BulkRequest] = deque()
        self._at_last: deque[BulkRequest] = deque()
        self._held_up_by: Outcome | None = None
        self._stopped_by: Outcome | None = None
        self._final: list[Outcome] = []
        self._sent_bytes = 0
        self._sent_again = 0
        self._pushed_back: Counter[str] = Counter()

    def deliver(self, documents: Iterable[Document]) -> Delivery:
        """Send all documents; every one of them has an outcome in the delivery."""
        fresh = pack(documents, self._index, self._limits.request_bytes)
        while True:
            while self._may_send and (request := self._next_request(fresh)) is not None:
                self._send(request)
            if self._in_flight:
                self._follow(*self._in_flight.next_answer())
            elif self._stopped_by is not None:
                while (request := self._next_request(fresh)) is not None:
                    self._final += _not_sent(request, self._stopped_by)
                break
            elif not self._backoff.pause_is_due:
                break
            elif not self._backoff.pause():
                self._stopped_by = self._held_up_by
        return Delivery(
            outcomes=tuple(self._final),
            sent_bytes=self._sent_bytes,
            sent_again=self._sent_again,
            paused=self._backoff.paused,
            pushed_back=tuple(reason for reason, _ in self._pushed_back.most_common(REASONS_SHOWN)),
        )

    @property
    def _may_send(self) -> bool:
        is_held_up = self._stopped_by is not None or self._backoff.pause_is_due
        return not is_held_up and len(self._in_flight) < self._backoff.width

    def _next_request(self, fresh: Iterator[BulkRequest]) -> BulkRequest | None:
        if not self._soon and (request := next(fresh, None)) is not None:
            return request
        return next((queue.popleft() for queue in (self._soon, self._at_last) if queue), None)

    def _send(self, request: BulkRequest) -> None:
        if self._deadline.left < _SHORTEST_WAIT:
            self._stopped_by = self._held_up_by or _out_of_time(request)
            self._final += _not_sent(request, self._stopped_by)
            return
        self._sent_bytes += len(request.body)
        self._sent_again += request.is_repetition
        self._in_flight.send(request, min(self._limits.answer_seconds, self._deadline.left))

    def _follow(self, request: BulkRequest, answer: BulkAnswer) -> None:
        results = results_of(request, answer)
        whole_request = results is None
        judged = judge_request(request, answer) if results is None else judge_items(request, results)
        following = decide(judged, whole_request=whole_request)
        self._final += following.final
        self._soon.extend(self._pack_again(following.at_once))
        # A server that takes some items gets the other requests first: only these are held up.
        (self._soon if whole_request else self._at_last).extend(self._pack_again(following.later))
        # Where some are taken, the set-up is wrong for an index, and others may be well.
        if self._stopped_by is None and not any(outcome.verdict.is_done for outcome in judged):
            self._stopped_by = _first(judged, Verdict.MISCONFIGURED)
        self._slow_down_or_speed_up(_first(judged, Verdict.RETRYABLE), answer.retry_after)

    def _slow_down_or_speed_up(self, held_up_by: Outcome | None, retry_after: float | None) -> None:
        if held_up_by is None:
            self._backoff.server_took_it()
            self._held_up_by = self._held_up_by if self._backoff.pause_is_due else None
            return
        self._held_up_by = held_up_by
        self._pushed_back[_push_back(held_up_by)] += 1
        self._backoff.server_pushed_back(retry_after)

    def _pack_again(self, groups: Iterable[Documents]) -> Iterator[BulkRequest]:
        for documents in groups:
            for request in pack(documents, self._index, self._limits.request_bytes):
                yield replace(request, is_repetition=True)


def _first(judged: Iterable[Outcome], verdict: Verdict) -> Outcome | None:
    return next((outcome for outcome in judged if outcome.verdict is verdict), None)


def _push_back(outcome: Outcome) -> str:
    return f"{outcome.status or 'no answer'}: {outcome.reason}"


def _out_of_time(request: BulkRequest) -> Outcome:
    cause = Cause.OUT_OF_TIME
    return Outcome(request.documents[0], cause.verdict, None, _TIME_IS_OVER, cause)


def _not_sent(request: BulkRequest, because: Outcome) -> list[Outcome]:
    """Outcomes of documents that were not tried any more, as nothing else would have come of it."""
    return [structs.replace(because, document=document) for document in request.documents]


def keep_refused(
    delivery: Delivery, bucket: Bucket | None, index: Index, invocation: Invocation, longest_wait: float = 30
) -> Delivery:
    """Put what OpenSearch refuses for good into the bucket; without a bucket it stays refused, and fails the batch.

    Where the batch fails for another reason too, nothing is put: the event comes again, and the same letters with it.

    Args:
        delivery: what became of a batch.
        bucket: where to put it.
        index: where the documents were to go.
        invocation: which this is.
        longest_wait: seconds that the bucket may take, all together.

    Raises:
        DeadLettersNotWritten: the bucket did not take it, or not in time.
    """
    if bucket is None or not delivery.refused or len(delivery.unstored) > len(delivery.refused):
        return delivery
    bucket.put(dead_letters_of(delivery.refused, index, invocation), longest_wait)
    return delivery.with_refused_kept()


def shortfall(delivery: Delivery) -> str:
    """How many documents are not stored, and the commonest reasons; for a delivery where some are not."""
    unstored = delivery.unstored
    return (
        f"{len(unstored)} of {len(delivery.outcomes)} documents are not stored "
        f"(stored {delivery.count(Verdict.STORED)}, already there {delivery.count(Verdict.DUPLICATE)}): "
        + "; ".join(_reasons(unstored))
    )


def failure_of(
    delivery: Delivery, index: Index | None = None, deployment: Deployment | None = None
) -> DeliveryError | None:
    """The error to raise for a delivery, with counts, the first reasons and what to do; None where all is stored.

    Args:
        delivery: what became of a batch.
        index: where its documents go, for what to do.
        deployment: what is deployed, for what to do.
    """
    unstored = delivery.unstored
    if not unstored:
        return None
    examples = {outcome.cause: outcome for outcome in reversed(unstored) if outcome.cause is not None}
    # What somebody has to fix comes first: it does not get better by itself.
    causes = sorted(examples, key=lambda cause: cause.verdict is not Verdict.MISCONFIGURED)[:REASONS_SHOWN]
    targets = [index.of(examples[cause].document.timestamp) if index else None for cause in causes]
    advice = [advice_for(cause, target, deployment) for cause, target in zip(causes, targets, strict=True)]
    message = ". ".join([shortfall(delivery), *(said.rstrip(".") for said in advice if said)])
    if any(outcome.verdict is Verdict.MISCONFIGURED for outcome in unstored):
        return AccessRefused(message)
    is_unreachable = all(outcome.cause in _WITHOUT_ANSWER for outcome in unstored)
    return (Unreachable if is_unreachable else NotStored)(f"{message}. {_RETRY}")


_WITHOUT_ANSWER = (Cause.UNREACHABLE, Cause.NO_TLS, Cause.NO_ANSWER)
_RETRY = "Lambda keeps the event and sends it again; documents already stored are not stored twice."


def _reasons(unstored: Iterable[Outcome]) -> Iterator[str]:
    """The commonest reasons, each with how many documents it met."""
    counted = Counter((outcome.verdict.value, outcome.status, outcome.reason) for outcome in unstored)
    for (verdict, status, reason), number in counted.most_common(REASONS_SHOWN):
        yield f"{number} {verdict}{f' ({status})' if status else ''}{f': {reason}' if reason else ''}"
