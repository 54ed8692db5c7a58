"""Sending again what the bucket holds, one object at a time; only what OpenSearch has confirmed leaves the bucket.

Documents go the function's own way, under their own ids: what is there already is confirmed, and not stored twice.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from http import HTTPStatus

from eks_logs.errors import DuplicatesUnknown, NotAllowed, NotReachable, UnreadableObject
from eks_logs.replay.bucket import Bucket
from eks_logs.replay.contents import Batch, ContentReader, Contents
from eks_logs.replay.duplicates import DuplicateCheck
from eks_logs.replay.objects import IN_PROGRESS_PREFIX, BucketObject, ObjectKind
from forwarder.delivery.backoff import Deadline, deadline_in
from forwarder.delivery.bulk import BulkClient, Limits
from forwarder.delivery.outcomes import Delivery, Outcome, Verdict, request_verdict
from forwarder.delivery.sender import Sender, failure_of, shortfall
from forwarder.documents import SLIM
from forwarder.errors import AccessRefused, Unreachable

_LIMITS = Limits(request_bytes=2_000_000, in_flight=2, answer_seconds=60)
_MILLISECONDS_FOR_AN_OBJECT = 10 * 60 * 1000

# A bulk request without an action: OpenSearch answers 400, "no requests added", to whoever may come in.
_NO_ACTION = b"\n"
_MOST_NAMES = 3

_ADVICE_ACCESS = (
    "Give a caller that may POST to /_bulk and create documents in the index: OPENSEARCH_USERNAME and "
    "OPENSEARCH_PASSWORD, or --profile and --region of an IAM role that OpenSearch maps; for a time-series collection "
    "of OpenSearch Serverless, which refuses ids, add --document-ids generated"
)
_ADVICE_NETWORK = "Check --endpoint, --ca-file, and that this machine can reach it"


class Status(Enum):
    """What became of an object."""

    DELETED = "deleted"
    MOVED = "moved"
    LEFT = "left"
    GONE = "gone"
    """Another replay, or somebody, took it away since the bucket was listed."""


@dataclass(frozen=True, slots=True)
class ObjectResult:
    """What became of an object and of its documents.

    Attributes:
        found: which object.
        status: what became of it.
        stored: how many of its documents are stored now.
        already_there: how many were there already.
        already_in: how many of those are in which index of another rotation.
        without_fields: how many of the stored are stored without their fields, by the reason.
        refused: how many are not stored.
        not_ours: how many dead letters were not sent, by the index that they name.
        reason: why it is left.
    """

    found: BucketObject
    status: Status
    stored: int = 0
    already_there: int = 0
    already_in: Mapping[str, int] = field(default_factory=dict)
    without_fields: Mapping[str, int] = field(default_factory=dict)
    refused: int = 0
    not_ours: Mapping[str, int] = field(default_factory=dict)
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Totals:
    """How many objects left the bucket or stay in it, and what became of their documents."""

    removed: int
    left: int
    stored: int
    already_there: int
    refused: int
    without_fields: Mapping[str, int]

    @classmethod
    def of(cls, results: Iterable[ObjectResult]) -> "Totals":
        """The sum of some results."""
        results = list(results)
        without_fields: Counter[str] = Counter()
        for result in results:
            without_fields.update(result.without_fields)
        return cls(
            removed=sum(result.status in (Status.DELETED, Status.MOVED) for result in results),
            left=sum(result.status is Status.LEFT for result in results),
            stored=sum(result.stored for result in results),
            already_there=sum(result.already_there for result in results),
            refused=sum(result.refused for result in results),
            without_fields=without_fields,
        )


@dataclass(frozen=True, slots=True)
class Preview:
    """What would become of an object.

    Attributes:
        found: which object.
        is_left: whether it would stay for certain, also where some of its documents would be sent.
        records: how many documents would be sent; None where the object is gone.
        reason: why its documents were not stored, or why it would be left.
        not_ours: how many dead letters would not be sent, by the index that they name.
    """

    found: BucketObject
    is_left: bool
    records: int | None
    reason: str = ""
    not_ours: Mapping[str, int] = field(default_factory=dict)


def preview(bucket: Bucket, reader: ContentReader, found: BucketObject) -> Preview:
    """What would become of an object; it is read, nothing is sent.

    Raises:
        BucketNotUsable: S3 did not hand it out.
    """
    try:
        contents = read_contents(bucket, reader, found)
    except UnreadableObject as error:
        return Preview(found, is_left=True, records=0, reason=str(error))
    if contents is None:
        return Preview(found, is_left=False, records=None)
    reasons = filter(None, (contents.reason, not_ours_reason(contents) if contents.not_ours else ""))
    return Preview(found, bool(contents.not_ours), contents.records, "; ".join(reasons), contents.not_ours)


def check_reachable(client: BulkClient) -> None:
    """Send an empty bulk request, to learn before the first object whether OpenSearch answers and accepts the caller.

    Raises:
        NotReachable: nobody answers, or somebody else than OpenSearch.
        NotAllowed: the caller is refused.
    """
    answer = client.bulk(_NO_ACTION, _LIMITS.answer_seconds)
    verdict, reason = request_verdict(answer)
    if answer.status is None or answer.status < HTTPStatus.MULTIPLE_CHOICES:
        raise NotReachable(f"{reason}. {_ADVICE_NETWORK}")
    if verdict is Verdict.MISCONFIGURED and answer.status != HTTPStatus.BAD_REQUEST:
        raise NotAllowed(f"OpenSearch answers {answer.status}: {reason}. {_ADVICE_ACCESS}")


def read_contents(bucket: Bucket, reader: ContentReader, found: BucketObject) -> Contents | None:
    """What an object holds; None where it is gone.

    Raises:
        UnreadableObject: nothing that could be sent again.
        BucketNotUsable: S3 did not hand it out.
    """
    body = b"" if found.kind is ObjectKind.UNKNOWN else bucket.read(found.key)
    return None if body is None else reader.read(found, body)


class Replayer:
    """Replays objects. Any number may run at once on one bucket.

    Args:
        bucket: holds them.
        reader: reads them.
        client: sends bulk requests.
        duplicates: finds what is stored already in an index of another rotation; None to do without.
        keep: whether objects are moved, not deleted, once OpenSearch has all of their documents.
    """

    def __init__(
        self,
        bucket: Bucket,
        reader: ContentReader,
        client: BulkClient,
        duplicates: DuplicateCheck | None = None,
        *,
        keep: bool,
    ) -> None:
        self._bucket = bucket
        self._reader = reader
        self._client = client
        self._duplicates = duplicates
        self._keep = keep

    def replay(self, found: BucketObject) -> ObjectResult:
        """Send an object's documents and remove the object, if every one of them is stored.

        Raises:
            NotAllowed: OpenSearch refuses the caller or the target; the next object would fare no better.
            NotReachable: OpenSearch does not answer.
            BucketNotUsable: S3 did not hand out or remove the object.
        """
        if self._reader.index.event_ids:
            return self._replay(found)
        # Without ids OpenSearch would store what two replays send twice.
        if not self._bucket.begin(found.key):
            marker = f"{IN_PROGRESS_PREFIX}{found.key}"
            return ObjectResult(
                found,
                Status.LEFT,
                reason=f"another replay is sending it; if none runs any more, delete {marker} in the bucket and run "
                "again: what that one sent is then stored twice",
            )
        try:
            return self._replay(found)
        finally:
            self._bucket.end(found.key)

    def _replay(self, found: BucketObject) -> ObjectResult:
        try:
            contents = read_contents(self._bucket, self._reader, found)
        except UnreadableObject as error:
            return ObjectResult(found, Status.LEFT, reason=str(error))
        if contents is None:
            return ObjectResult(found, Status.GONE)
        outcomes: list[Outcome] = []
        already_in: Counter[str] = Counter()
        reasons = [not_ours_reason(contents)] if contents.not_ours else []
        deadline = deadline_in(_MILLISECONDS_FOR_AN_OBJECT)
        for batch in contents.batches:
            try:
                elsewhere = self._stored_elsewhere(batch)
            except DuplicatesUnknown as error:
                reasons.append(str(error))
                continue
            already_in.update(elsewhere.values())
            outcomes += self._deliver(batch, elsewhere, deadline)
        delivery = Delivery(tuple(outcomes), sent_bytes=0)
        if delivery.unstored:
            reasons.insert(0, shortfall(delivery))
        return ObjectResult(
            found,
            Status.LEFT if reasons else self._remove(found),
            stored=delivery.count(Verdict.STORED),
            already_there=delivery.count(Verdict.DUPLICATE) + already_in.total(),
            already_in=already_in,
            without_fields=_without_fields(delivery),
            refused=len(delivery.unstored),
            not_ours=contents.not_ours,
            reason="; ".join(reasons),
        )

    def _stored_elsewhere(self, batch: Batch) -> dict[str, str]:
        """By id, the index of another rotation that holds a document; ids given by the server tell nothing."""
        if self._duplicates is None or not batch.index.event_ids:
            return {}
        return self._duplicates.stored_elsewhere(batch)

    def _deliver(self, batch: Batch, elsewhere: Mapping[str, str], deadline: Deadline) -> tuple[Outcome, ...]:
        documents = (document for document in batch.documents if document.document_id not in elsewhere)
        delivery = Sender(self._client, batch.index, _LIMITS, deadline).deliver(documents)
        match failure_of(delivery):
            case AccessRefused():
                raise NotAllowed(f"{shortfall(delivery)}. {_ADVICE_ACCESS}")
            case Unreachable():
                raise NotReachable(f"{shortfall(delivery)}. {_ADVICE_NETWORK}")
        return delivery.outcomes

    def _remove(self, found: BucketObject) -> Status:
        if self._keep:
            return Status.MOVED if self._bucket.move(found.key) else Status.GONE
        self._bucket.delete(found.key)
        return Status.DELETED


def not_ours_reason(contents: Contents) -> str:
    """Why dead letters are not sent that name other indices than the stack's."""
    first = sorted(contents.not_ours)[:_MOST_NAMES]
    names = ", ".join(first) + (", …" if len(contents.not_ours) > _MOST_NAMES else "")
    number = sum(contents.not_ours.values())
    letters = "1 dead letter names" if number == 1 else f"{number} dead letters name"
    return f"{letters} an index that is not the stack's and stays unsent: {names}; name its own with --index"


def _without_fields(delivery: Delivery) -> Counter[str]:
    """Why documents are stored without their fields, and how many."""
    return Counter(
        str(outcome.document.source["parse_error"]).removeprefix(f"{SLIM}: ")
        for outcome in delivery.outcomes
        if outcome.verdict is Verdict.STORED and outcome.document.is_slim
    )
